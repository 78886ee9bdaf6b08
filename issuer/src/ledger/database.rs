//! The database file of a ledger.

use std::path::Path;

use licentia_core::Timestamp;
use rusqlite::Connection;

use super::schema::migrate;
use crate::error::Result;

/// The ledger of one vendor.
#[derive(Debug)]
pub struct Ledger {
    pub(super) database: Connection,
}

impl Ledger {
    /// Opens a ledger, or creates one if the file does not exist.
    ///
    /// # Errors
    /// [`Error::Ledger`](crate::Error::Ledger), or [`Error::LedgerVersion`](crate::Error::LedgerVersion) if a
    /// newer version wrote it.
    pub fn open(path: &Path) -> Result<Self> {
        Self::set_up(Connection::open(path)?)
    }

    /// Creates a ledger that is gone when it is dropped.
    ///
    /// # Errors
    /// [`Error::Ledger`](crate::Error::Ledger).
    pub fn in_memory() -> Result<Self> {
        Self::set_up(Connection::open_in_memory()?)
    }

    fn set_up(mut database: Connection) -> Result<Self> {
        database.busy_timeout(std::time::Duration::from_secs(10))?;
        database.pragma_update(None, "journal_mode", "WAL")?;
        // A licence that was handed out must be in the ledger, whatever happens to the machine.
        database.pragma_update(None, "synchronous", "FULL")?;
        migrate(&mut database)?;
        Ok(Self { database })
    }
}

/// A time as SQLite has it.
pub(super) fn time(time: Timestamp) -> i64 {
    number(time.as_seconds())
}

/// SQLite's integers are signed. Every integer of a licence is below 2^53.
pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
