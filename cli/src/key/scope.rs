//! The scope of a key, for a program and for a person.

use licentia_core::{Action, FeatureBound, KeyScope, Kind, Overage, Texts};
use serde_json::{Map, Value, json};

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

/// One line for each bound.
pub(super) fn text(scope: &KeyScope<'_>) -> String {
    let bounds = json(scope);
    let lines = bounds.as_object().into_iter().flatten();
    lines.map(|(name, bound)| format!("{:<12} only {name}: {bound}\n", "")).collect()
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
