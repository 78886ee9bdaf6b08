//! The active catalogue.

use licentia_issuer::Ledger;

use crate::{http::Problem, store::values};

/// The number and the text of the active catalogue, if one was activated.
pub(crate) fn active(ledger: &Ledger, issuer: &str) -> Result<Option<(u64, String)>, Problem> {
    let sql = "SELECT number, text FROM catalogue WHERE issuer = ?1 AND activation IS NOT NULL
        ORDER BY activation DESC LIMIT 1";
    let database = ledger.database();
    Ok(database.first(sql, values![issuer], |row| Ok((row.unsigned(0)?, row.text(1)?.to_owned())))?)
}
