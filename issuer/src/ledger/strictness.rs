//! Compares what two bundles say about one licence.

use licentia_core::revocation::{Effect, RevocationTerms};

/// Whether `terms` is at least as strict as `other` from `now` on.
pub(super) fn covers(terms: &RevocationTerms, other: &RevocationTerms, now: u64) -> bool {
    let (end, level) = softness(terms.effect, now);
    let (other_end, other_level) = softness(other.effect, now);
    terms.effective.max(now) <= other.effective.max(now)
        && end <= other_end
        && (end <= now || level >= other_level)
}

/// Whether every one of `others` is covered by one of `all`.
pub(super) fn covers_all(all: &[RevocationTerms], others: &[RevocationTerms], now: u64) -> bool {
    others.iter().all(|other| all.iter().any(|terms| covers(terms, other, now)))
}

/// From when on an effect denies, and how strict it is before that.
fn softness(effect: Effect, now: u64) -> (u64, u8) {
    match effect {
        Effect::WarnUntil(until) => (until.max(now), 1),
        Effect::GraceUntil(until) => (until.max(now), 2),
        _ => (now, 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn terms(effective: u64, effect: Effect) -> RevocationTerms {
        RevocationTerms { effective, effect, ..RevocationTerms::default() }
    }

    #[test]
    fn earlier_and_harder_is_stricter() {
        let deny = terms(0, Effect::Deny);
        let later = terms(NOW + 10, Effect::Deny);
        let warn = terms(0, Effect::WarnUntil(NOW + 10));
        let shorter = terms(0, Effect::WarnUntil(NOW + 5));
        let grace = terms(0, Effect::GraceUntil(NOW + 10));
        for (stricter, milder) in
            [(deny, later), (deny, warn), (deny, grace), (shorter, warn), (grace, warn), (shorter, later)]
        {
            let both = (covers(&stricter, &milder, NOW), covers(&milder, &stricter, NOW));
            assert_eq!(
                both,
                (stricter.effective <= milder.effective && both.0, false),
                "{stricter:?} {milder:?}"
            );
        }
        assert!(covers(&deny, &later, NOW) && covers(&deny, &warn, NOW) && covers(&grace, &warn, NOW));
        let past = terms(NOW - 10, Effect::Deny);
        assert!(covers(&past, &deny, NOW) && covers(&deny, &past, NOW), "both are in effect");
        let over = terms(0, Effect::WarnUntil(NOW - 1));
        assert!(covers(&over, &deny, NOW), "it denies by now");
    }
}
