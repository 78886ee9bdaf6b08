//! A whole ledger becomes a bundle, and is replayed against it, in memory that does not grow with the ledger.
//!
//! `LICENTIA_ISSUED` sets how many licences there are; `cargo xtask soak ledger` tries larger and larger ledgers. One of
//! 100,000,000 needs 16 GB of disk.

use std::time::Instant;

use licentia_core::{
    Keyring,
    revocation::{Bundle, Reason, RevocationTerms},
};
use licentia_issuer::{BundleDraft, Ledger, PublishedBundle, SigningKey};
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
        .execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; PRAGMA cache_size = -64000;")
        .unwrap();
    // A bundle needs none of the indices of searches, and a large ledger would not fit on every disk with them.
    let mut indices =
        database.prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL").unwrap();
    let names: Vec<String> = indices.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    drop(indices);
    for name in names {
        database.execute_batch(&format!("DROP INDEX {name}")).unwrap();
    }
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
            .prepare("INSERT INTO revocation (id, reason, effective, effect, until) VALUES (?1, ?2, 0, 0, 0)")
            .unwrap();
        let mut random = fastrand::Rng::with_seed(issued);
        let mut revoked = 0_i64;
        for count in 0..issued {
            let id = u128::from(count).to_be_bytes();
            let digest = [id, id].concat();
            license
                .execute(params![id, format!("c{count:09}"), i64::try_from(count).unwrap(), digest])
                .unwrap();
            if random.u64(0..EACH) == 0 {
                revocation.execute(params![id, terms(&mut random).reason as u8]).unwrap();
                revoked += 1;
            }
        }
        let sql = "INSERT INTO total VALUES ('acme', 'pro', 1, 0, x'6b657931', ?1, ?2)";
        transaction.execute(sql, params![i64::try_from(issued).unwrap(), revoked]).unwrap();
    }
    transaction.commit().unwrap();
}

#[test]
fn a_ledger_becomes_a_bundle_and_is_replayed() {
    let issued = std::env::var("LICENTIA_ISSUED").unwrap_or_else(|_| "200_000".into()).replace('_', "");
    let issued: u64 = issued.parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let started = Instant::now();
    fill(&path, issued);
    println!("{issued} licences in {:.1} s, peak {} MiB", started.elapsed().as_secs_f64(), peak());
    let mut ledger = Ledger::open(&path).unwrap();
    let key = SigningKey::from_seed(&[5; 32]).unwrap();
    let (before, started) = (peak(), Instant::now());
    let draft = BundleDraft {
        next_update: 1_800_100_000.into(),
        expires: 1_900_000_000.into(),
        ..ledger.draft_bundle("acme", 1_800_000_000, PublishedBundle::default(), |_| ()).unwrap()
    };
    let bytes = draft.sign(&key).unwrap();
    let revoked = draft.indices.len() as u64;
    println!(
        "{revoked} revoked in a bundle of {} bytes, in {:.1} s, peak {} MiB",
        bytes.len(),
        started.elapsed().as_secs_f64(),
        peak()
    );
    // A draft and its sections take some hundred bytes for each licence that is revoked, and none for the others.
    let grown = (peak() - before) << 20;
    assert!(grown <= (64 << 20) + 400 * revoked, "{grown} bytes for {revoked} revoked");
    assert_eq!(draft.sign(&key).unwrap(), bytes, "the same inputs and salt give the same bundle");
    let keys = [key.public().for_revocation()];
    let (bundle, _) = Bundle::read(&bytes, Keyring::new(&keys)).unwrap();
    assert_eq!(bundle.counts(), (revoked, 0));
    sizes(&draft, issued, bytes.len());
    let started = Instant::now();
    let replayed = ledger.replay("acme", &bundle, None, |_| ()).unwrap();
    println!("replayed in {:.1} s, peak {} MiB", started.elapsed().as_secs_f64(), peak());
    assert_eq!((replayed.issued, replayed.revoked, replayed.new), (issued, revoked, revoked));
    assert_eq!((replayed.by_rule, replayed.new_rules), (0, 0));
    deltas(&draft, issued, &key);
}

/// The reasons that are given in the ledger, and how many of a hundred revocations have each.
const REASONS: [(Reason, u64); 4] =
    [(Reason::Unpaid, 70), (Reason::Requested, 20), (Reason::Superseded, 7), (Reason::Fraud, 3)];

fn terms(random: &mut fastrand::Rng) -> RevocationTerms {
    let mut at = random.u64(0..100);
    let found = REASONS.iter().find(|(_, share)| {
        let found = at < *share;
        at = at.saturating_sub(*share);
        found
    });
    RevocationTerms { reason: found.unwrap().0, ..RevocationTerms::default() }
}

/// Bits that a set of `count` of `issued` takes at least.
#[allow(clippy::cast_precision_loss, reason = "a bound of a size")]
fn entropy(issued: u64, count: u64) -> f64 {
    let p = count as f64 / issued as f64;
    issued as f64 * -(p * p.log2() + (1.0 - p) * (1.0 - p).log2())
}

/// The exact sets take at most 1.12 times what telling them apart takes at least; with reasons it is the sum of the
/// reasons' sets. Each group has a head of 26 bytes and up to 26 of its set's.
#[allow(clippy::cast_precision_loss, reason = "a bound of a size")]
fn sizes(draft: &BundleDraft, issued: u64, bytes: usize) {
    let of = |reason| draft.indices.values().filter(|terms| terms.reason == reason).count() as u64;
    let least: f64 = REASONS.iter().map(|(reason, _)| entropy(issued, of(*reason))).sum();
    let ratio = (bytes as f64 - 400.0 - 52.0 * REASONS.len() as f64) * 8.0 / least;
    println!(
        "{:.2} bits each, {ratio:.3} times the entropy",
        bytes as f64 * 8.0 / draft.indices.len() as f64
    );
    assert!(ratio <= 1.12, "{ratio} times the entropy");
    let mut plain = draft.clone();
    plain
        .indices
        .values_mut()
        .for_each(|terms| *terms = RevocationTerms { reason: Reason::Unpaid, ..*terms });
    let plain = plain.sign(&SigningKey::from_seed(&[5; 32]).unwrap()).unwrap();
    println!("{} bytes where all have one reason", plain.len());
    assert!(plain.len() as f64 <= 400.0 + 1.12 * entropy(issued, draft.indices.len() as u64) / 8.0);
    // What the design promises for 10^8 licences.
    assert!(issued != 100_000_000 || plain.len() <= 1_200_000, "{}", plain.len());
}

/// A thousand changes: half of them reinstated, half newly revoked, for the same reasons.
fn deltas(draft: &BundleDraft, issued: u64, key: &SigningKey) {
    let mut next = BundleDraft { sequence: draft.sequence + 1, ..draft.clone() };
    let mut random = fastrand::Rng::with_seed(1);
    let members: Vec<u64> = draft.indices.keys().copied().collect();
    let half = 500.min(members.len() / 2);
    while next.indices.len() > members.len() - half {
        next.indices.remove(&members[random.usize(0..members.len())]);
    }
    while next.indices.len() < members.len() {
        let index = random.u64(0..issued);
        if !draft.indices.contains_key(&index) {
            next.indices.insert(index, terms(&mut random));
        }
    }
    let delta = next.sign_delta(draft, key).unwrap();
    let keys = [key.public().for_revocation()];
    let (read, _) = Bundle::read(&delta, Keyring::new(&keys)).unwrap();
    let changes = read.indices().count();
    println!("a delta of {changes} changes has {} bytes", delta.len());
    assert_eq!(changes, 2 * half);
    assert!(delta.len() <= 3_000, "{}", delta.len());
}
