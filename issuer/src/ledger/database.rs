//! The ledger as a whole: opened, created, its schema upgraded.

use std::path::{Path, PathBuf};

use super::{
    guest_tables::GuestTables,
    location::LedgerLocation,
    schema,
    sql::{Database, LedgerAccess, Lock, is_ledger},
};
use crate::error::{Error, LedgerError, Result};

/// The ledger of one vendor.
#[derive(Debug)]
pub struct Ledger {
    pub(super) database: Database,
    /// Held from a bundle's draft to its publication.
    pub(super) bundle_lock: Option<Lock>,
    /// Tables beside the ledger's own.
    pub(super) guests: Vec<&'static GuestTables>,
}

impl Ledger {
    /// Opens a ledger in SQLite to change it, or creates one if the file does not exist.
    ///
    /// # Errors
    /// [`Error::Ledger`], or [`Error::LedgerVersion`] if a newer version wrote it.
    pub fn open(path: &Path) -> Result<Self> {
        let location = path.into();
        match Self::connect(&location, LedgerAccess::Create) {
            Err(Error::Ledger(LedgerError::Exists(_))) => Self::connect(&location, LedgerAccess::Write),
            opened => opened,
        }
    }

    /// Opens or creates a ledger in SQLite or PostgreSQL. An older version's is upgraded.
    ///
    /// A ledger in PostgreSQL blocks: in an async program, use it on a thread for blocking work.
    ///
    /// # Errors
    /// [`LedgerError::Missing`] or [`LedgerError::Exists`], [`LedgerError::Outdated`] for an older version's that can
    /// only be read, [`Error::LedgerVersion`] if a newer version wrote it, [`Error::Ledger`] for other failures.
    pub fn connect(location: &LedgerLocation, access: LedgerAccess) -> Result<Self> {
        let database = Database::open(location, access)?;
        if access != LedgerAccess::Read {
            schema::migrate(&database)?;
            return Ok(Self { database, bundle_lock: None, guests: Vec::new() });
        }
        match schema::check(&database) {
            // What may be changed is upgraded also by who only reads.
            Err(Error::Ledger(LedgerError::Outdated(version))) => {
                drop(database);
                let outdated = |_| Error::from(LedgerError::Outdated(version));
                let database = Database::open(location, LedgerAccess::Write).map_err(outdated)?;
                schema::migrate(&database).map_err(outdated)?;
                Self::connect(location, access)
            }
            checked => checked.map(|()| Self { database, bundle_lock: None, guests: Vec::new() }),
        }
    }

    /// The ledgers in SQLite in the folder of a place that has none: what a person may have meant who mistyped a path.
    /// Only the first hundred files are looked at.
    pub fn beside(location: &LedgerLocation) -> Vec<PathBuf> {
        let LedgerLocation::Sqlite(path) = location else { return Vec::new() };
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let Ok(entries) = std::fs::read_dir(folder.unwrap_or(Path::new("."))) else { return Vec::new() };
        let folder = folder.unwrap_or(Path::new(""));
        let files = entries.take(100).filter_map(|entry| Some(folder.join(entry.ok()?.file_name())));
        let mut found: Vec<PathBuf> = files.filter(|file| file != path && is_ledger(file)).collect();
        found.sort();
        found
    }

    /// Creates a ledger that is gone when it is dropped.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn in_memory() -> Result<Self> {
        let database = Database::in_memory()?;
        schema::migrate(&database)?;
        Ok(Self { database, bundle_lock: None, guests: Vec::new() })
    }
}
