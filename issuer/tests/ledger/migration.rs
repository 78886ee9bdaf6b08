//! Ledgers of earlier versions.

use std::collections::BTreeSet;

use licentia_core::{Lineage, revocation::Reason};
use licentia_issuer::{
    Draft, Issuer, Ledger, LedgerAccess, LicenseFilter, LicenseState, ListedLicense, Order, SigningKey,
    TierCount, Timestamp,
};
use rusqlite::Connection;

use crate::engine::NOW;

/// Writes a ledger from its dump.
fn restored(dump: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    Connection::open(&path).unwrap().execute_batch(dump).unwrap();
    (folder, path)
}

/// Written by the program before ledgers kept terms: four licences, of which one is a renewal, one is revoked and one
/// was reinstated, a rule, and a bundle that was published.
const VERSION_5: &str = include_str!("../data/ledger-5.sql");

#[test]
fn a_ledger_without_terms_is_upgraded_and_keeps_everything() {
    let (_folder, path) = restored(VERSION_5);
    let mut ledger = Ledger::connect(&(&*path).into(), LedgerAccess::Write).unwrap();
    assert_eq!((ledger.count().unwrap(), ledger.revoked().unwrap(), ledger.sequence().unwrap()), (4, 1, 1));
    let (first, third) = (ledger.of_subject("cus_1").unwrap(), ledger.of_subject("cus_3").unwrap());
    assert_eq!(ledger.of_lineage(&first[0].lineage).unwrap(), first);
    // What was issued before there were counts is counted.
    let states = |now: Timestamp| -> Vec<(String, u64, Vec<u64>)> {
        let counts = |tier: TierCount| tier.states.iter().map(|(_, count)| *count).collect();
        let tiers = ledger.tier_counts(now).unwrap().into_iter();
        tiers.map(|tier| (tier.tier.clone(), tier.tier_version, counts(tier))).collect()
    };
    let every = ledger.list(&LicenseFilter::default(), NOW).unwrap();
    let times = every.iter().flat_map(|one| {
        let license = &one.license;
        [Some(license.expires), license.term_end, license.not_before, Some(license.issued_at)]
    });
    for now in times.flatten().flat_map(|time| [time - 1, time, time + 1]) {
        let of = |tier: &str, version: u64, state: LicenseState| {
            let fits = |one: &&ListedLicense| {
                (&*one.license.tier, one.license.tier_version, one.state(now)) == (tier, version, state)
            };
            every.iter().filter(fits).count() as u64
        };
        for (tier, version, counted) in states(now) {
            let expected: Vec<u64> =
                LicenseState::ALL.into_iter().map(|state| of(&tier, version, state)).collect();
            assert_eq!(counted, expected, "{tier}@{version} at {now}");
        }
    }
    let subjects: BTreeSet<&str> = every.iter().map(|one| &*one.license.subject).collect();
    let lineages: BTreeSet<Lineage> = every.iter().map(|one| one.license.lineage).collect();
    assert_eq!(ledger.customers().unwrap(), (subjects.len() as u64, lineages.len() as u64));
    assert_eq!(ledger.issuers().unwrap(), ["acme"]);
    assert_eq!(ledger.revocation(&third[0].id).unwrap().unwrap().reason, Reason::Fraud);
    assert_eq!(ledger.rules().unwrap()[0].rule.tier, Some(("pro".into(), Some(3))));
    assert!(ledger.last_published("acme").unwrap().is_some());
    let unknown = ledger.terms(&first[0].id).unwrap_err().to_string();
    assert!(unknown.contains("an older version of Licentia issued"), "{unknown}");

    let issuer = Issuer::new("acme", SigningKey::from_seed(&[1; 32]).unwrap());
    let renewal =
        Draft { lineage: Some(first[0].lineage), ..Draft::new("cus_1", "pro", 3, NOW, 1_900_000_000) };
    let second = ledger.issue(&issuer, Order::new(renewal)).unwrap();
    let id = second.token.claims().unwrap().id();
    let index = ledger.find(&id).unwrap().unwrap().index.unwrap();
    assert!(first.iter().chain(&third).all(|older| older.index != Some(index)), "indices go on");
    assert_eq!(ledger.terms(&id).unwrap().sign(&issuer).unwrap(), second.token);
}

#[test]
fn a_reader_upgrades_a_ledger_that_it_may_write() {
    let (_folder, path) = restored(VERSION_5);
    let ledger = Ledger::connect(&(&*path).into(), LedgerAccess::Read).unwrap();
    assert_eq!(ledger.count().unwrap(), 4);
}
