//! The gateways that report.

use std::collections::BTreeMap;

use licentia_issuer::Ledger;

use crate::{http::Problem, store::values};

/// Whom the instances of an issuer were enrolled for.
pub(super) fn names(ledger: &Ledger, issuer: &str) -> Result<BTreeMap<[u8; 32], String>, Problem> {
    let sql = "SELECT instance, subject FROM instance WHERE issuer = ?1";
    let all: Vec<_> = ledger
        .database()
        .all(sql, values![issuer], |row| Ok((row.array::<32>(0)?, row.text(1)?.to_owned())))?;
    Ok(all.into_iter().collect())
}
