//! Compares what two bundles say about one licence.

use licentia_core::{
    Timestamp,
    revocation::{Effect, RevocationTerms},
};

/// Whether `terms` is at least as strict as `other` at every moment from `now` on.
pub(super) fn covers(terms: &RevocationTerms, other: &RevocationTerms, now: Timestamp) -> bool {
    let (begins, denies, level) = phases(terms, now);
    let (other_begins, other_denies, other_level) = phases(other, now);
    // What is milder than a refusal counts only until it becomes one.
    begins <= other_begins && denies <= other_denies && (denies <= other_begins || level >= other_level)
}

/// Whether every one of `others` is covered by one of `all`.
pub(super) fn covers_all(all: &[RevocationTerms], others: &[RevocationTerms], now: Timestamp) -> bool {
    others.iter().all(|other| all.iter().any(|terms| covers(terms, other, now)))
}

/// When terms begin, when they deny, and how strict they are in between.
fn phases(terms: &RevocationTerms, now: Timestamp) -> (Timestamp, Timestamp, u8) {
    let begins = terms.effective.max(now);
    match terms.effect {
        Effect::WarnUntil(until) => (begins, until.max(begins), 1),
        Effect::GraceUntil(until) => (begins, until.max(begins), 2),
        _ => (begins, begins, 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn terms(effective: Timestamp, effect: Effect) -> RevocationTerms {
        RevocationTerms { effective, effect, ..RevocationTerms::default() }
    }

    #[test]
    fn earlier_and_harder_is_stricter() {
        let deny = terms(Timestamp::EPOCH, Effect::Deny);
        let later = terms(NOW + 10, Effect::Deny);
        let warn = terms(Timestamp::EPOCH, Effect::WarnUntil(NOW + 10));
        let shorter = terms(Timestamp::EPOCH, Effect::WarnUntil(NOW + 5));
        let grace = terms(Timestamp::EPOCH, Effect::GraceUntil(NOW + 10));
        let stricter =
            [(deny, later), (deny, warn), (deny, grace), (shorter, warn), (grace, warn), (shorter, later)];
        for (stricter, milder) in stricter {
            let both = (covers(&stricter, &milder, NOW), covers(&milder, &stricter, NOW));
            assert_eq!(both, (true, false), "{stricter:?} {milder:?}");
        }
        let longer = terms(Timestamp::EPOCH, Effect::GraceUntil(NOW + 20));
        assert!(!covers(&warn, &longer, NOW) && !covers(&longer, &warn, NOW), "each is stricter for a while");
        let past = terms(NOW - 10, Effect::Deny);
        assert!(covers(&past, &deny, NOW) && covers(&deny, &past, NOW), "both are in effect");
        let over = terms(Timestamp::EPOCH, Effect::WarnUntil(NOW - 1));
        assert!(covers(&over, &deny, NOW), "it denies by now");
    }
}
