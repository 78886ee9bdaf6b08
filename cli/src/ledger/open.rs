//! Opens a ledger that exists, or creates one on command.

use std::path::Path;

use licentia_issuer::Ledger;

use crate::terminal::output::Result;

/// Opens a ledger. Unlike [`Ledger::open`] it never creates one, since a mistyped path would become a second ledger that
/// hands out the same indices.
pub(crate) fn open(path: &Path) -> Result<Ledger> {
    if path.exists() {
        Ok(Ledger::open(path)?)
    } else {
        let path = path.display();
        Err(format!("{path}: there is no such ledger; create one with `licentia ledger init {path}`").into())
    }
}

/// Creates a ledger whose indices are in one of the issuer's streams.
pub(crate) fn create(path: &Path, stream: u64) -> Result<Ledger> {
    if path.exists() {
        return Err(format!("{} exists; name a file that does not", path.display()).into());
    }
    let mut ledger = Ledger::open(path)?;
    ledger.set_stream(stream)?;
    Ok(ledger)
}
