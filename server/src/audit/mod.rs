//! Who did what. Lines are only added. Each has a digest over itself and the digest before it, so that a line which was
//! changed or removed later shows.

mod examine;
mod routes;

use hmac_sha256::Hash;
use licentia_core::Timestamp;
use licentia_issuer::Ledger;

use crate::{access::Identity, http::Problem, store::values};

pub use examine::{Examination, examine};
pub(crate) use routes::routes;

/// Adds a line, in the transaction that is open.
pub(crate) fn record(
    ledger: &Ledger,
    caller: &Identity,
    action: &str,
    target: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    let database = ledger.database();
    let sql = "SELECT digest FROM audit ORDER BY number DESC LIMIT 1";
    let before = database.first(sql, &[], |row| row.array::<32>(0))?.unwrap_or_default();
    let digest = digest(&before, now, caller, action, target, "");
    let sql = "INSERT INTO audit (at, issuer, lineage, subject, action, target, detail, digest)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let row = values![now, &caller.issuer, &caller.lineage, &caller.subject, action, target, "", &digest];
    database.execute(sql, row)?;
    Ok(())
}

/// The digest of a line, whose parts are told apart by their lengths.
fn digest(
    before: &[u8; 32],
    at: Timestamp,
    caller: &Identity,
    action: &str,
    target: &str,
    detail: &str,
) -> [u8; 32] {
    let texts = [&*caller.issuer, &*caller.subject, action, target, detail];
    digest_of(before, at, caller.lineage.as_bytes(), texts)
}

fn digest_of(before: &[u8; 32], at: Timestamp, lineage: &[u8], texts: [&str; 5]) -> [u8; 32] {
    let mut hash = Hash::new();
    hash.update(before);
    hash.update(at.as_seconds().to_be_bytes());
    hash.update(lineage);
    for part in texts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize()
}
