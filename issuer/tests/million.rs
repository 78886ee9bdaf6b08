//! A ledger is issued in batches.
//!
//! `LICENTIA_ISSUED` sets how many licences there are; `cargo xtask soak bulk` tries larger and larger ledgers. Times are
//! held in release and from a million licences on.

use std::time::Instant;

use licentia_issuer::{Catalogue, Issuer, Ledger, Order, SigningKey, Timestamp};

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
fn a_large_ledger_is_issued_in_batches() {
    let count = std::env::var("LICENTIA_ISSUED").unwrap_or_else(|_| "10_000".into()).replace('_', "");
    let count: u64 = count.parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let issuer = Issuer::new("acme", SigningKey::from_seed(&[1; 32]).unwrap());
    let catalogue = catalogue();
    let mut ledger = Ledger::open(&path).unwrap();
    let started = Instant::now();
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
        ledger.issue_all(&issuer, orders).unwrap();
    }
    let took = started.elapsed();
    #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = count as f64 / took.as_secs_f64();
    let size = std::fs::metadata(&path).unwrap().len() >> 20;
    println!("{count} licences in {:.1} s: {rate:.0} licences/s, {size} MiB", took.as_secs_f64());
    assert!(cfg!(debug_assertions) || count < 100_000 || rate >= 10_000.0, "{rate} licences/s");
}
