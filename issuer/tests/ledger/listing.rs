//! Licences are searched and counted.

use std::collections::BTreeMap;

use licentia_core::revocation::{Reason, RevocationTerms};
use licentia_issuer::{
    Draft, Issuer, Kind, Ledger, LedgerLocation, LicenseFilter, LicenseSort, LicenseState, ListedLicense,
    Order, SigningKey, Timestamp,
};

use crate::engine::{Engine, NOW, draft, issuer, open};

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

/// A ledger of 200 licences in all states, every seventh revoked.
fn random(engine: &Engine) -> (Ledger, LedgerLocation) {
    let (mut ledger, place) = engine.fresh();
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
    (ledger, place)
}

/// What the database says a licence is in is what Rust says.
pub(crate) fn states_are_the_same_in_sql_and_in_rust(engine: &Engine) {
    let (ledger, _) = random(engine);
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

/// What a ledger of the version before counts when it is upgraded is what was counted one by one.
pub(crate) fn an_upgrade_counts_what_is_there(engine: &Engine) {
    let (ledger, place) = random(engine);
    let counts = |ledger: &Ledger| {
        let times = (0..37).map(|second| NOW - 12 + second);
        let states: Vec<_> = times.map(|now| ledger.tier_counts(now).unwrap()).collect();
        (ledger.count().unwrap(), ledger.revoked().unwrap(), ledger.customers().unwrap(), states)
    };
    let expected = counts(&ledger);
    drop(ledger);
    let before = "DROP TABLE total; DROP TABLE boundary; DROP TABLE population; DROP INDEX license_begins;
        DROP INDEX license_lapses; DROP INDEX license_kind; DROP INDEX license_issuer;";
    match &place {
        LedgerLocation::Sqlite(path) => {
            let database = rusqlite::Connection::open(path).unwrap();
            database.execute_batch(&format!("{before} PRAGMA user_version = 6")).unwrap();
        }
        LedgerLocation::Postgres(url) => {
            let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
            let sql = format!("SET search_path TO licentia; {before} UPDATE version SET version = 6");
            client.batch_execute(&sql).unwrap();
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(counts(&open(&place)), expected);
}

/// A filter, by the rules of Rust alone.
fn fits(filter: &LicenseFilter, one: &ListedLicense, now: Timestamp) -> bool {
    let license = &one.license;
    let digits = |id: String| filter.prefix.as_ref().is_none_or(|prefix| id.starts_with(&**prefix));
    filter.issuer.as_ref().is_none_or(|issuer| *issuer == license.issuer)
        && filter.subject.as_ref().is_none_or(|subject| match subject.strip_suffix('*') {
            Some(start) => license.subject.starts_with(start),
            None => *subject == license.subject,
        })
        && filter.tier.as_ref().is_none_or(|(name, version)| {
            *name == license.tier && version.is_none_or(|version| version == license.tier_version)
        })
        && filter.state.is_none_or(|state| state == one.state(now))
        && filter.kind.is_none_or(|kind| kind == license.kind)
        && filter.kid.as_ref().is_none_or(|kid| *kid == license.kid)
        && (digits(license.id.to_string()) || digits(license.lineage.to_string()))
        && filter.issued_from.is_none_or(|from| license.issued_at >= from)
        && filter.issued_to.is_none_or(|to| license.issued_at <= to)
        && filter.expires_from.is_none_or(|from| license.expires >= from)
        && filter.expires_to.is_none_or(|to| license.expires <= to)
        && filter.revoked.is_none_or(|revoked| revoked == one.revocation.is_some())
}

/// Whichever way the database takes, it finds the same: any filters together, any order, any page.
pub(crate) fn filters_together_find_what_rust_finds(engine: &Engine) {
    let (mut ledger, _) = engine.fresh();
    let mut random = fastrand::Rng::with_seed(11);
    let kinds = [Kind::Paid, Kind::Trial];
    let name = |choice: usize| if choice == 0 { "acme" } else { "reseller" };
    for _ in 0..12 {
        let issuer =
            Issuer::new(name(random.usize(0..2)), SigningKey::from_seed(&[random.u8(1..4); 32]).unwrap());
        let orders: Vec<Order> = (0..25)
            .map(|_| {
                let tier = if random.u8(0..9) == 0 { "team" } else { "pro" };
                let mut draft = Draft::new(
                    format!("cus_{}", random.u8(0..60)),
                    tier,
                    random.u64(1..3),
                    NOW - random.u64(0..30),
                    NOW + random.u64(0..30) - 10,
                );
                draft.not_before =
                    random.bool().then(|| NOW + random.u64(0..20) - 15).filter(|at| *at < draft.expires);
                draft.issued_at = draft.issued_at.min(draft.expires - 1);
                draft.term_end = random.bool().then(|| draft.expires - random.u64(0..9));
                draft.grant.kind = kinds[usize::from(random.u8(0..5) == 0)];
                Order::new(draft)
            })
            .collect();
        ledger.issue_all(&issuer, orders).unwrap();
    }
    let whole = LicenseFilter { limit: None, ..LicenseFilter::default() };
    for one in ledger.list(&whole, NOW).unwrap().iter().step_by(9) {
        ledger.revoke(&one.license.id, RevocationTerms::default()).unwrap();
    }
    let all = ledger.list(&whole, NOW).unwrap();
    assert_eq!(all.len(), 300);
    for round in 0..600_usize {
        let mut filter = LicenseFilter::default();
        let one = &all[random.usize(0..all.len())].license;
        let mut given = |odds: u8| random.u8(0..odds) == 0;
        if given(6) {
            filter.issuer = Some(one.issuer.clone());
        }
        if given(6) {
            filter.subject = Some(one.subject.clone());
        } else if given(4) {
            filter.subject = Some(format!("{}*", &one.subject[..5]));
        }
        if given(5) {
            filter.tier = Some((one.tier.clone(), given(2).then_some(one.tier_version)));
        }
        if given(3) {
            filter.state = Some(LicenseState::ALL[round % 5]);
        }
        if given(6) {
            filter.kind = Some(one.kind);
        }
        if given(6) {
            filter.kid = Some(one.kid.clone());
        }
        if given(7) {
            filter.prefix = Some(one.id.to_string()[..if given(2) { 1 } else { 5 }].to_owned());
        }
        if given(5) {
            (filter.issued_from, filter.issued_to) = (Some(NOW - 20), given(2).then(|| NOW - 10));
        }
        if given(5) {
            (filter.expires_from, filter.expires_to) = (given(2).then_some(NOW), Some(NOW + 9));
        }
        if given(6) {
            filter.revoked = Some(given(2));
        }
        filter.descending = given(2);
        filter.sort =
            [LicenseSort::Issued, LicenseSort::Expires, LicenseSort::Subject, LicenseSort::Tier][round % 4];
        if given(4) {
            filter.after = Some(all[random.usize(0..all.len())].license.id);
        }
        let by = |one: &ListedLicense, other: &ListedLicense| {
            let (a, b) = (&one.license, &other.license);
            let by = match filter.sort {
                LicenseSort::Expires => a.expires.cmp(&b.expires),
                LicenseSort::Subject => (&a.subject, a.issued_at).cmp(&(&b.subject, b.issued_at)),
                LicenseSort::Tier => {
                    (&a.tier, a.tier_version, a.issued_at).cmp(&(&b.tier, b.tier_version, b.issued_at))
                }
                _ => a.issued_at.cmp(&b.issued_at),
            };
            let by = by.then(a.id.as_bytes().cmp(b.id.as_bytes()));
            if filter.descending { by.reverse() } else { by }
        };
        let after = filter.after.and_then(|id| all.iter().find(|one| one.license.id == id));
        let is_after = |one: &&ListedLicense| after.is_none_or(|after| by(one, after).is_gt());
        let mut expected: Vec<&ListedLicense> =
            all.iter().filter(|one| fits(&filter, one, NOW)).filter(is_after).collect();
        expected.sort_by(|one, other| by(one, other));
        (filter.limit, filter.offset) = (Some(20), 4 * (round as u64 % 3));
        let page: Vec<_> = expected.into_iter().skip(round % 3 * 4).take(20).cloned().collect();
        assert_eq!(ledger.list(&filter, NOW).unwrap(), page, "{filter:?}");
    }
}

/// What is counted is what there is, after anything that changes it, and in a copy.
pub(crate) fn counts_follow_every_change(engine: &Engine) {
    let (mut ledger, _) = engine.fresh();
    assert_eq!(
        (ledger.count().unwrap(), ledger.revoked().unwrap(), ledger.customers().unwrap()),
        (0, 0, (0, 0))
    );
    let first = ledger.issue(&issuer(), Order::new(draft("ann")).reference("o-1")).unwrap();
    let id = first.token.claims().unwrap().id();
    // The same order again, a renewal that replaces it, another customer, and one that was signed elsewhere.
    ledger.issue(&issuer(), Order::new(draft("ann")).reference("o-1")).unwrap();
    let renewal = Draft { lineage: Some(id.into()), ..draft("ann") };
    ledger.issue(&issuer(), Order::new(renewal).replacing(id)).unwrap();
    ledger.issue_all(&issuer(), ["bob", "bob"].map(|subject| Order::new(draft(subject)))).unwrap();
    ledger.record(&issuer().issue(&draft("carl")).unwrap()).unwrap();
    let counts = |ledger: &Ledger| {
        let tiers = ledger.tier_counts(NOW).unwrap();
        let states: Vec<u64> = tiers[0].states.iter().map(|(_, count)| *count).collect();
        (ledger.count().unwrap(), ledger.revoked().unwrap(), ledger.customers().unwrap(), states)
    };
    assert_eq!(counts(&ledger), (5, 1, (3, 4), vec![0, 4, 0, 0, 1]));
    // Revoked again on other terms, and twice in one call.
    let fraud = RevocationTerms { reason: Reason::Fraud, ..RevocationTerms::default() };
    ledger.revoke(&id, fraud).unwrap();
    assert_eq!(counts(&ledger), (5, 1, (3, 4), vec![0, 4, 0, 0, 1]));
    let bob = ledger.of_subject("bob").unwrap()[0].id;
    ledger.revoke_all([&bob, &bob], fraud, |_| ()).unwrap();
    assert_eq!(counts(&ledger), (5, 2, (3, 4), vec![0, 3, 0, 0, 2]));
    // What fails counts nothing.
    assert!(
        ledger
            .revoke_all([&ledger.of_subject("carl").unwrap()[0].id, &[9; 16].into()], fraud, |_| ())
            .is_err()
    );
    assert!(ledger.record(&first.token).is_err());
    assert_eq!(counts(&ledger), (5, 2, (3, 4), vec![0, 3, 0, 0, 2]));
    assert!(ledger.reinstate(&id).unwrap() && !ledger.reinstate(&id).unwrap());
    assert_eq!(counts(&ledger), (5, 1, (3, 4), vec![0, 4, 0, 0, 1]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup.db");
    assert_eq!(ledger.backup(&path).unwrap(), 5);
    let backup = Ledger::open(&path).unwrap();
    assert_eq!(counts(&backup), counts(&ledger));
    let (mut other, _) = engine.fresh();
    other.restore(&backup, None, 0, false).unwrap();
    assert_eq!(counts(&other), counts(&ledger));
    assert_eq!(other.issuers().unwrap(), ["acme"]);
}
