//! The scope of a key, for a program and for a person.

use licentia_core::{Action, FeatureBound, KeyScope, Kind, Overage, Texts};
use serde_json::{Map, Value, json};

use crate::terminal::{
    output::printable,
    words::{millis, period, policy},
};

/// The bounds that there are, by their names in a draft; `null` if there are none.
pub(super) fn json(scope: &KeyScope<'_>) -> Value {
    let texts = |list: Option<Texts<'_>>| list.map(|list| json!(list.iter().collect::<Vec<_>>()));
    let features = scope.features().map(|bounds| object(bounds.map(|(name, bound)| (name, feature(bound)))));
    let quotas = scope.quotas().map(|bounds| {
        object(bounds.map(|quota| {
            let period = serde_json::from_str::<Value>(&quota.period.json().to_string()).unwrap_or_default();
            let overage = match quota.overage {
                Overage::UpTo(hard) => json!(hard),
                Overage::Unlimited => json!("unlimited"),
                _ => json!("deny"),
            };
            (quota.meter, json!({ "limit": quota.limit, "per": period, "overage": overage }))
        }))
    });
    let rates = scope.rates().map(|bounds| {
        object(bounds.map(|rate| {
            (rate.name, json!({ "count": rate.count, "per_ms": rate.per_ms, "burst": rate.burst }))
        }))
    });
    let policy = scope.policy().map(|policy| {
        json!({
            "stale_revocation": action(policy.stale_revocation),
            "clock_doubt": action(policy.clock_doubt),
            "store_unreachable": action(policy.store_unreachable),
            "max_revocation_age": policy.max_revocation_age,
        })
    });
    let bounds = [
        ("issuers", texts(scope.issuers())),
        ("audiences", texts(scope.audiences())),
        ("tiers", texts(scope.tiers())),
        ("longest_term", scope.longest_term().map(Value::from)),
        ("longest_lead", scope.longest_lead().map(Value::from)),
        ("features", features),
        ("quotas", quotas),
        ("rates", rates),
        ("seats", scope.seats().map(Value::from)),
        ("policy", policy),
        ("kinds", scope.kinds().map(|kinds| json!(kinds.map(Kind::name).collect::<Vec<_>>()))),
        ("indices", scope.indices().map(|(first, last)| json!([first, last]))),
        ("streams", scope.streams().map(|streams| json!(streams.collect::<Vec<_>>()))),
    ];
    let bounds = bounds.into_iter().filter_map(|(name, bound)| Some((name.to_owned(), bound?)));
    let bounds: Map<_, _> = bounds.collect();
    if bounds.is_empty() { Value::Null } else { bounds.into() }
}

/// The bounds, by their names, in words.
pub(crate) fn bounds(scope: &KeyScope<'_>) -> Vec<(&'static str, String)> {
    let texts = |texts: Option<Texts<'_>>| texts.map(|texts| list(texts.iter().map(printable)));
    let seconds = |span: Option<u64>| span.map(|seconds| millis(seconds.saturating_mul(1000)));
    let features = scope.features().map(|bounds| {
        list(bounds.map(|(name, bound)| match bound {
            FeatureBound::AtMost(most) => format!("{name} at most {most}"),
            FeatureBound::OneOf(texts) => {
                format!("{name} {}", texts.iter().map(printable).collect::<Vec<_>>().join(" or "))
            }
            _ => name.to_owned(),
        }))
    });
    let quotas = scope.quotas().map(|bounds| {
        list(bounds.map(|quota| {
            let beyond = match quota.overage {
                Overage::UpTo(hard) => format!(" (flagged up to {hard})"),
                Overage::Unlimited => " (flagged beyond)".to_owned(),
                _ => String::new(),
            };
            format!("{} {}/{}{beyond}", quota.meter, quota.limit, period(quota.period))
        }))
    });
    let rates = scope.rates().map(|bounds| {
        list(bounds.map(|rate| {
            format!("{} {}/{}, {} at once", rate.name, rate.count, millis(rate.per_ms), rate.burst)
        }))
    });
    let lenient = scope.policy().map(|bound| {
        let lenient: Vec<_> = policy(&bound).collect();
        if lenient.is_empty() { "deny whatever is in doubt".to_owned() } else { lenient.join("; ") }
    });
    let bounds = [
        ("issuers", texts(scope.issuers())),
        ("audiences", texts(scope.audiences())),
        ("tiers", texts(scope.tiers())),
        ("longest_term", seconds(scope.longest_term())),
        ("longest_lead", seconds(scope.longest_lead())),
        ("features", features),
        ("quotas", quotas),
        ("rates", rates),
        ("seats", scope.seats().map(|most| most.to_string())),
        ("policy", lenient),
        ("kinds", scope.kinds().map(|kinds| list(kinds.map(|kind| kind.name().to_owned())))),
        ("indices", scope.indices().map(|(first, last)| format!("{first} to {last}"))),
        ("streams", scope.streams().map(|streams| list(streams.map(|stream| stream.to_string())))),
    ];
    let said = |bound: String| if bound.is_empty() { "none".to_owned() } else { bound };
    bounds.into_iter().filter_map(|(name, bound)| Some((name, said(bound?)))).collect()
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

fn object<'k>(bounds: impl Iterator<Item = (&'k str, Value)>) -> Value {
    bounds.map(|(name, bound)| (name.to_owned(), bound)).collect::<Map<_, _>>().into()
}

fn feature(bound: FeatureBound<'_>) -> Value {
    match bound {
        FeatureBound::AtMost(most) => json!(most),
        FeatureBound::OneOf(texts) => json!(texts.iter().collect::<Vec<_>>()),
        _ => json!(true),
    }
}

fn action(action: Action) -> Value {
    match action {
        Action::Warn(seconds) => json!({ "warn": seconds }),
        Action::Allow => json!("allow"),
        _ => json!("deny"),
    }
}
