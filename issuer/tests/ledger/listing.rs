//! Licences are searched and counted.

use std::collections::BTreeMap;

use licentia_core::revocation::{Reason, RevocationTerms};
use licentia_issuer::{Draft, LicenseFilter, LicenseSort, LicenseState, ListedLicense, Order};

use crate::engine::{Engine, NOW, draft, issuer};

const DAY: u64 = 86_400;

fn filter(change: impl FnOnce(&mut LicenseFilter)) -> LicenseFilter {
    let mut filter = LicenseFilter::default();
    change(&mut filter);
    filter
}

fn subjects(found: &[ListedLicense]) -> Vec<&str> {
    found.iter().map(|one| one.license.subject.as_str()).collect()
}

/// A filter and the licences that it must find.
type Case = (LicenseFilter, &'static [&'static str]);

pub(crate) fn each_filter_finds_what_fits_and_no_more(engine: &Engine) {
    let (mut ledger, _) = engine.fresh();
    let mut issue = |subject: &str, change: &dyn Fn(&mut Draft)| {
        let mut draft = draft(subject);
        change(&mut draft);
        let issued = ledger.issue(&issuer(), Order::new(draft)).unwrap();
        issued.token.claims().unwrap().id()
    };
    issue("active", &|_| ());
    issue("pending", &|draft| {
        (draft.issued_at, draft.not_before) = (NOW + 1, Some(NOW + 5 * DAY));
    });
    let grace = issue("grace", &|draft| {
        (draft.issued_at, draft.term_end, draft.expires) = (NOW - DAY, Some(NOW - 1), NOW + DAY);
    });
    issue("expired", &|draft| (draft.issued_at, draft.expires) = (NOW - 9 * DAY, NOW));
    let revoked = issue("revoked", &|draft| {
        (draft.issued_at, draft.version, draft.grant.kind) = (NOW + 2, 4, licentia_issuer::Kind::Trial);
    });
    let terms = RevocationTerms { reason: Reason::Fraud, ..RevocationTerms::default() };
    ledger.revoke(&revoked, terms).unwrap();
    let digits = grace.to_string();
    let prefix = |length: usize| filter(|filter| filter.prefix = Some(digits[..length].to_owned()));
    let state = |state| filter(|filter| filter.state = Some(state));
    let by_age = ["expired", "grace", "active", "pending", "revoked"];
    let cases: Vec<Case> = vec![
        (filter(|_| ()), &["expired", "grace", "active", "pending", "revoked"]),
        (state(LicenseState::Pending), &["pending"]),
        (state(LicenseState::Active), &["active"]),
        (state(LicenseState::Grace), &["grace"]),
        (state(LicenseState::Expired), &["expired"]),
        (state(LicenseState::Revoked), &["revoked"]),
        (filter(|filter| filter.subject = Some("grace".into())), &["grace"]),
        (filter(|filter| filter.subject = Some("re*".into())), &["revoked"]),
        (filter(|filter| filter.subject = Some("re".into())), &[]),
        (
            filter(|filter| filter.subject = Some("*".into())),
            &["expired", "grace", "active", "pending", "revoked"],
        ),
        (filter(|filter| filter.tier = Some(("pro".into(), Some(4)))), &["revoked"]),
        (filter(|filter| filter.tier = Some(("free".into(), None))), &[]),
        (filter(|filter| filter.kind = Some(licentia_issuer::Kind::Trial)), &["revoked"]),
        (filter(|filter| filter.revoked = Some(false)), &["expired", "grace", "active", "pending"]),
        (filter(|filter| filter.issuer = Some("other".into())), &[]),
        (filter(|filter| filter.kid = Some(vec![1, 2, 3, 4])), &[]),
        (
            filter(|filter| filter.kid = Some(issuer().key().kid().as_bytes().to_vec())),
            &["expired", "grace", "active", "pending", "revoked"],
        ),
        (
            filter(|filter| (filter.issued_from, filter.issued_to) = (Some(NOW), Some(NOW + 1))),
            &["active", "pending"],
        ),
        (
            filter(|filter| (filter.expires_from, filter.expires_to) = (Some(NOW + 1), Some(NOW + 30 * DAY))),
            &["grace"],
        ),
        (filter(|filter| (filter.limit, filter.offset) = (Some(2), 1)), &["grace", "active"]),
        (filter(|filter| (filter.limit, filter.descending) = (Some(2), true)), &["revoked", "pending"]),
        (
            filter(|filter| filter.sort = LicenseSort::Subject),
            &["active", "expired", "grace", "pending", "revoked"],
        ),
        (
            filter(|filter| (filter.sort, filter.limit) = (LicenseSort::Expires, Some(2))),
            &["expired", "grace"],
        ),
        (prefix(32), &["grace"]),
        (prefix(15), &["grace"]),
    ];
    for (filter, expected) in cases {
        let found = ledger.list(&filter, NOW).unwrap();
        assert_eq!(subjects(&found), expected, "{filter:?}");
    }
    assert!(subjects(&ledger.list(&prefix(1), NOW).unwrap()).contains(&"grace"));
    assert!(ledger.list(&filter(|filter| filter.prefix = Some("xyz".into())), NOW).is_err());
    let all = ledger.list(&LicenseFilter::default(), NOW).unwrap();
    assert_eq!(all[4].revocation, Some(terms));
    for (one, subject) in all.iter().zip(by_age) {
        assert_eq!(one.state(NOW).name(), subject);
    }
}

/// What the database says a licence is in is what Rust says.
pub(crate) fn states_are_the_same_in_sql_and_in_rust(engine: &Engine) {
    let (mut ledger, _) = engine.fresh();
    let mut random = fastrand::Rng::with_seed(7);
    let orders: Vec<Order> = (0..200)
        .map(|count| {
            let mut draft = draft(&format!("c{count}"));
            draft.issued_at = NOW - random.u64(0..20);
            draft.not_before = random.bool().then(|| NOW + random.u64(0..20) - 10);
            draft.expires = draft.not_before.unwrap_or(draft.issued_at).max(NOW - 10) + random.u64(1..20);
            draft.term_end = random.bool().then(|| draft.expires - random.u64(0..10));
            draft.version = random.u64(1..4);
            Order::new(draft)
        })
        .collect();
    let issued = ledger.issue_all(&issuer(), orders).unwrap();
    for one in issued.iter().step_by(7) {
        ledger.revoke(&one.token.claims().unwrap().id(), RevocationTerms::default()).unwrap();
    }
    for now in (0..37).map(|second| NOW - 12 + second) {
        let all = ledger.list(&LicenseFilter::default(), now).unwrap();
        let mut counted: BTreeMap<(u64, LicenseState), u64> = BTreeMap::new();
        for one in &all {
            *counted.entry((one.license.tier_version, one.state(now))).or_default() += 1;
        }
        for state in LicenseState::ALL {
            let found = ledger.list(&filter(|filter| filter.state = Some(state)), now).unwrap();
            let expected: Vec<_> = all.iter().filter(|one| one.state(now) == state).cloned().collect();
            assert_eq!(found, expected, "{state:?} at {now}");
        }
        for tier in ledger.tier_counts(now).unwrap() {
            for (state, count) in tier.states {
                let expected = counted.get(&(tier.tier_version, state)).copied().unwrap_or(0);
                assert_eq!(count, expected, "{state:?} of version {} at {now}", tier.tier_version);
            }
        }
    }
    assert_eq!(ledger.customers().unwrap(), (200, 200));
}
