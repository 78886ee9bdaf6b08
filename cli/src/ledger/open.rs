//! Opens a ledger that exists.

use std::path::Path;

use licentia_issuer::Ledger;

use crate::terminal::output::Result;

/// Opens a ledger. Unlike [`Ledger::open`] it never creates one.
pub(crate) fn open(path: &Path) -> Result<Ledger> {
    if path.exists() {
        Ok(Ledger::open(path)?)
    } else {
        Err(format!("{}: there is no such ledger", path.display()).into())
    }
}
