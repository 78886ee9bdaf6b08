//! A ledger is issued in batches, and answers every question at once.
//!
//! `LICENTIA_ISSUED` sets how many licences there are; `cargo xtask soak bulk` tries larger and larger ledgers. Times are
//! held in release and from a million licences on.

use std::time::{Duration, Instant};

use licentia_core::revocation::RevocationTerms;
use licentia_issuer::{
    Catalogue, Issuer, Ledger, LicenseFilter, LicenseSort, LicenseState, Order, SigningKey, Timestamp,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn catalogue() -> Catalogue {
    ["free", "pro", "team"]
        .map(|name| {
            format!(
                "[[tier]]\nname = \"{name}\"\nversion = 1\nterm = \"1 year\"\ngrace = \"14 days\"\n
                features = {{ export = true, rows = 100000, support = \"gold\" }}
                quotas = {{ calls = \"100000/month\", mails = \"2000/month\" }}\nrates = {{ api = \"10/1s\" }}\n"
            )
        })
        .concat()
        .parse()
        .unwrap()
}

#[test]
fn a_large_ledger_is_issued_in_batches_and_answers_at_once() {
    let count = std::env::var("LICENTIA_ISSUED").unwrap_or_else(|_| "10_000".into()).replace('_', "");
    let count: u64 = count.parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let issuer = Issuer::new("acme", SigningKey::from_seed(&[1; 32]).unwrap());
    let catalogue = catalogue();
    let mut ledger = Ledger::open(&path).unwrap();
    let started = Instant::now();
    let mut last = Vec::new();
    for batch in 0..count.div_ceil(1000) {
        let orders = (0..1000).map(|n| {
            let number = batch * 1000 + n;
            // One in a thousand has the rare tier.
            let tier = match number % 1000 {
                0 => "team",
                n if n % 3 == 0 => "pro",
                _ => "free",
            };
            let tier = catalogue.tier(tier, None).unwrap();
            let draft = tier.draft(format!("cus_{number}"), NOW - count + number).unwrap();
            Order::new(draft).reference(format!("order-{number}"))
        });
        last = ledger.issue_all(&issuer, orders).unwrap();
    }
    let took = started.elapsed();
    #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = count as f64 / took.as_secs_f64();
    let size = std::fs::metadata(&path).unwrap().len() >> 20;
    println!("{count} licences in {:.1} s: {rate:.0} licences/s, {size} MiB", took.as_secs_f64());
    assert!(cfg!(debug_assertions) || count < 100_000 || rate >= 10_000.0, "{rate} licences/s");

    let one = last[500].token.claims().unwrap();
    let (id, subject) = (one.id(), one.subject().to_owned());
    let digits = id.to_string();
    let mut all = LicenseFilter::default();
    (all.limit, all.descending) = (Some(100), true);
    ledger.list(&all, NOW).unwrap().iter().take(50).for_each(|one| {
        ledger.revoke(&one.license.id, RevocationTerms::default()).unwrap();
    });
    let with = |change: &dyn Fn(&mut LicenseFilter)| {
        let mut filter = all.clone();
        change(&mut filter);
        filter
    };
    let filters = [
        ("newest", with(&|_| ())),
        ("subject", with(&|filter| filter.subject = Some(subject.clone()))),
        ("subjects that begin so", with(&|filter| filter.subject = Some("cus_77*".into()))),
        ("prefix of an identifier", with(&|filter| filter.prefix = Some(digits[..7].to_owned()))),
        ("tier", with(&|filter| filter.tier = Some(("team".into(), None)))),
        ("tier and version", with(&|filter| filter.tier = Some(("pro".into(), Some(1))))),
        ("key", with(&|filter| filter.kid = Some(issuer.key().kid().as_bytes().to_vec()))),
        ("active", with(&|filter| filter.state = Some(LicenseState::Active))),
        ("revoked", with(&|filter| filter.state = Some(LicenseState::Revoked))),
        (
            "issued between",
            with(&|filter| (filter.issued_from, filter.issued_to) = (Some(NOW - 5000), Some(NOW - 4000))),
        ),
        (
            "expiring",
            with(&|filter| {
                (filter.expires_from, filter.expires_to) = (Some(NOW), Some(NOW + 400 * 86_400));
                (filter.sort, filter.descending) = (LicenseSort::Expires, false);
            }),
        ),
        ("by subject", with(&|filter| filter.sort = LicenseSort::Subject)),
    ];
    drop(ledger);
    let ledger = Ledger::open(&path).unwrap();
    let mut slow = Vec::new();
    for (name, filter) in &filters {
        let started = Instant::now();
        let found = ledger.list(filter, NOW).unwrap().len();
        let took = started.elapsed();
        println!("{name:<26} {found:>4} found in {:>7.2} ms", took.as_secs_f64() * 1000.0);
        if took > Duration::from_millis(100) {
            slow.push(*name);
        }
        assert!(found > 0, "{name}");
    }
    let started = Instant::now();
    let (terms, lineage) = (ledger.terms(&id).unwrap(), ledger.of_lineage(&id.into()).unwrap());
    assert_eq!((terms.claims().unwrap().subject(), lineage.len()), (subject.as_str(), 1));
    let took = started.elapsed();
    println!("{:<26} {:>4} found in {:>7.2} ms", "show", 1, took.as_secs_f64() * 1000.0);
    let is_at_once = slow.is_empty() && took < Duration::from_millis(100);
    assert!(cfg!(debug_assertions) || count < 1_000_000 || is_at_once, "more than 0.1 s: {slow:?}");
    let started = Instant::now();
    ledger.tier_counts(NOW).unwrap();
    println!("counted by tier and state in {:.2} s", started.elapsed().as_secs_f64());
}
