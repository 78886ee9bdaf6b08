//! Times, periods and policies in words.

use licentia_core::{
    Action, Period, Policy, Timestamp, limits,
    revocation::{Effect, RevocationTerms},
};
use licentia_issuer::time;

/// A time, and how far it is from `now`.
pub(crate) fn when(time: Timestamp, now: Timestamp) -> String {
    const UNITS: [(u64, &str); 5] =
        [(31_536_000, "years"), (2_592_000, "months"), (86_400, "days"), (3600, "hours"), (60, "minutes")];
    let shown = time::show(time);
    let far = time.as_seconds().abs_diff(now.as_seconds());
    // The largest unit that fits at least twice: "months" are only approximate.
    let unit =
        UNITS.iter().find(|(seconds, _)| far >= 2 * seconds).filter(|_| time.as_seconds() < limits::TIME);
    unit.map_or_else(
        || shown.clone(),
        |(seconds, unit)| {
            let count = far / seconds;
            if time > now {
                format!("{shown}, in {count} {unit}")
            } else {
                format!("{shown}, {count} {unit} ago")
            }
        },
    )
}

/// Why and what a revocation does, and from when on.
pub(crate) fn effect(terms: &RevocationTerms) -> String {
    let from = if terms.effective.as_seconds() > 0 {
        format!(" from {}", time::show(terms.effective))
    } else {
        String::new()
    };
    let does = match terms.effect {
        Effect::WarnUntil(until) => format!("flagged{from}, denied after {}", time::show(until)),
        Effect::GraceUntil(until) => format!("in grace{from}, denied after {}", time::show(until)),
        _ => format!("denied{from}"),
    };
    format!("{}: {does}", terms.reason.name())
}

/// The name of an effect in JSON, and its end in seconds since 1970.
pub(crate) fn effect_of(effect: Effect) -> (&'static str, Option<u64>) {
    match effect {
        Effect::WarnUntil(until) => ("warn", Some(until.as_seconds())),
        Effect::GraceUntil(until) => ("grace", Some(until.as_seconds())),
        _ => ("deny", None),
    }
}

/// The terms of a revocation.
pub(crate) fn terms(terms: &RevocationTerms) -> String {
    let mut text = terms.reason.name().to_owned();
    if terms.effective > Timestamp::EPOCH {
        text += &format!(", effective from {}", time::show(terms.effective));
    }
    match terms.effect {
        Effect::WarnUntil(until) => text + &format!(", flagged until {}", time::show(until)),
        Effect::GraceUntil(until) => text + &format!(", in grace until {}", time::show(until)),
        _ => text,
    }
}

/// The period of a quota.
pub(crate) fn period(period: Period) -> String {
    let from = |what: &str, anchor: Timestamp| format!("{what} from {}", time::show(anchor));
    match period {
        Period::Fixed { seconds, anchor } => from(&millis(seconds.saturating_mul(1000)), anchor),
        Period::MonthFrom { anchor } => from("month", anchor),
        Period::YearFrom { anchor } => from("year", anchor),
        named => named.to_string().trim_matches('"').to_owned(),
    }
}

/// A length of time in its largest whole unit.
pub(crate) fn millis(millis: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")];
    let whole = UNITS.iter().find(|(unit, _)| millis.is_multiple_of(*unit));
    let (unit, name) = whole.unwrap_or(&(1, "ms"));
    format!("{} {name}", millis / unit)
}

/// The parts of a policy that differ from the safe default.
pub(crate) fn policy(policy: &Policy) -> impl Iterator<Item = String> {
    let rule = |doubt: &str, action: Action| match action {
        Action::Deny => None,
        Action::Warn(seconds) => {
            Some(format!("{doubt}: allow, flagged, for {}", millis(seconds.saturating_mul(1000))))
        }
        _ => Some(format!("{doubt}: allow")),
    };
    let age = policy
        .max_revocation_age
        .map(|seconds| format!("revocation data may be {} old", millis(seconds.saturating_mul(1000))));
    [
        rule("stale revocation data", policy.stale_revocation),
        rule("doubtful clock", policy.clock_doubt),
        rule("counter store unreachable", policy.store_unreachable),
        age,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_say_how_far_they_are() {
        const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
        let far = |time| when(time, NOW).split_once(", ").map_or("", |(_, far)| far).to_owned();
        assert_eq!(far(NOW), "");
        assert_eq!(far(NOW + 119), "");
        assert_eq!(far(NOW - 7200), "2 hours ago");
        assert_eq!(far(NOW + 90 * 86_400), "in 3 months");
        assert_eq!(far(NOW + 365 * 86_400), "in 12 months");
        assert_eq!(when(limits::TIME.into(), NOW), "never");
    }

    #[test]
    fn periods_and_policies_are_said_in_words() {
        assert_eq!(period(Period::Month), "month");
        assert_eq!(
            period(Period::Fixed { seconds: 7200, anchor: Timestamp::EPOCH }),
            "2 h from 1970-01-01 00:00:00 UTC"
        );
        assert_eq!(
            (millis(1000), millis(250), millis(90_000)),
            ("1 s".into(), "250 ms".into(), "90 s".into())
        );
        let mut given = Policy::default();
        assert_eq!(policy(&given).count(), 0);
        (given.clock_doubt, given.max_revocation_age) = (Action::Warn(86_400), Some(3600));
        let said: Vec<_> = policy(&given).collect();
        assert_eq!(said, ["doubtful clock: allow, flagged, for 1 d", "revocation data may be 1 h old"]);
    }
}
