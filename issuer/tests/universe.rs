//! A whole ledger becomes a bundle, and is replayed against it, in memory that does not grow with the ledger.
//!
//! `LICENTIA_ISSUED` sets how many licences there are:
//! `LICENTIA_ISSUED=100_000_000 cargo test --release -p licentia-issuer --test universe -- --nocapture` needs 25 GB
//! of disk.

use std::time::Instant;

use licentia_core::{Keyring, revocation::Bundle};
use licentia_issuer::{BundleDraft, Ledger, SigningKey, ledger::Replayed};
use rusqlite::{Connection, params};

/// One licence in so many is revoked.
const EACH: u64 = 100;

/// The most memory that this process has had, in MiB; 0 where the system does not say.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

/// Fills a ledger as issuing would, but in bulk.
fn fill(path: &std::path::Path, issued: u64) {
    drop(Ledger::open(path).unwrap());
    let mut database = Connection::open(path).unwrap();
    database
        .execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; PRAGMA cache_size = -500000;")
        .unwrap();
    let transaction = database.transaction().unwrap();
    {
        let mut license = transaction
            .prepare(
                "INSERT INTO license (id, lineage, issuer, subject, tier, tier_version, kind, kid, issued_at,
                    expires, stream_index, digest)
                 VALUES (?1, ?1, 'acme', ?2, 'pro', 1, 0, x'6b657931', 1800000000, 1900000000, ?3, ?4)",
            )
            .unwrap();
        let mut revocation = transaction
            .prepare("INSERT INTO revocation (id, reason, effective, effect, until) VALUES (?1, 0, 0, 0, 0)")
            .unwrap();
        let mut random = fastrand::Rng::with_seed(issued);
        for count in 0..issued {
            let id = u128::from(count).to_be_bytes();
            let digest = [id, id].concat();
            license
                .execute(params![id, format!("c{count:09}"), i64::try_from(count).unwrap(), digest])
                .unwrap();
            if random.u64(0..EACH) == 0 {
                revocation.execute([id]).unwrap();
            }
        }
    }
    transaction.commit().unwrap();
}

#[test]
fn a_ledger_becomes_a_bundle_and_is_replayed() {
    let issued = std::env::var("LICENTIA_ISSUED").unwrap_or_else(|_| "50_000".into()).replace('_', "");
    let issued: u64 = issued.parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let started = Instant::now();
    fill(&path, issued);
    println!("{issued} licences in {:.1} s, peak {} MiB", started.elapsed().as_secs_f64(), peak());
    let mut ledger = Ledger::open(&path).unwrap();
    let key = SigningKey::from_seed(&[5; 32]).unwrap();
    let started = Instant::now();
    let draft = BundleDraft {
        next_update: 1_800_100_000,
        expires: 1_900_000_000,
        ..ledger.draft_bundle("acme", 1_800_000_000, None).unwrap()
    };
    let bytes = draft.sign(&key).unwrap();
    let revoked = draft.indices.len() as u64;
    println!(
        "{revoked} revoked in a bundle of {} bytes, in {:.1} s, peak {} MiB",
        bytes.len(),
        started.elapsed().as_secs_f64(),
        peak()
    );
    assert_eq!(draft.sign(&key).unwrap(), bytes, "the same inputs and salt give the same bundle");
    let keys = [key.public().for_revocation()];
    let (bundle, _) = Bundle::read(&bytes, Keyring::new(&keys)).unwrap();
    let started = Instant::now();
    let replayed = ledger.replay("acme", &bundle, |_| ()).unwrap();
    println!("replayed in {:.1} s, peak {} MiB", started.elapsed().as_secs_f64(), peak());
    assert_eq!(replayed, Replayed { issued, revoked, new: revoked, ..Replayed::default() });

    // A thousand changes: half of them revoked, half reinstated.
    let mut next = BundleDraft { sequence: draft.sequence + 1, ..draft.clone() };
    let mut random = fastrand::Rng::with_seed(1);
    let members: Vec<u64> = draft.indices.keys().copied().collect();
    let changes = 1_000.min(members.len());
    while next.indices.len() > members.len() - changes / 2 {
        next.indices.remove(&members[random.usize(0..members.len())]);
    }
    while next.indices.len() < members.len() {
        next.indices.insert(random.u64(0..issued), licentia_core::revocation::Terms::default());
    }
    let delta = next.sign_delta(&draft, &key).unwrap();
    println!("a delta of {changes} changes has {} bytes", delta.len());
    assert!(delta.len() <= 3 * 1024, "{}", delta.len());
}
