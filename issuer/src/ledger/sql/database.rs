//! Either database, and its transactions.

use std::ops::Deref;

#[cfg(feature = "postgres")]
use super::postgres::Postgres;
use super::{access::LedgerAccess, lock::Lock, row::Row, sqlite::Sqlite, value::Value};
use crate::{
    error::{LedgerError, Result},
    ledger::location::LedgerLocation,
};

/// The database of a ledger.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a ledger has one")]
pub(in crate::ledger) enum Database {
    Sqlite(Sqlite),
    #[cfg(feature = "postgres")]
    Postgres(Postgres),
}

/// Calls a method of either database.
macro_rules! either {
    ($self:expr, $database:ident => $call:expr) => {
        match $self {
            Database::Sqlite($database) => $call,
            #[cfg(feature = "postgres")]
            Database::Postgres($database) => $call,
        }
    };
}

impl Database {
    pub(in crate::ledger) fn open(location: &LedgerLocation, access: LedgerAccess) -> Result<Self> {
        match location {
            LedgerLocation::Sqlite(path) => Sqlite::open(path, access).map(Self::Sqlite),
            #[cfg(feature = "postgres")]
            LedgerLocation::Postgres(url) => Postgres::open(url, access).map(Self::Postgres),
            #[cfg(not(feature = "postgres"))]
            LedgerLocation::Postgres(_) => Err(LedgerError::NoPostgres.into()),
        }
    }

    pub(in crate::ledger) fn in_memory() -> Result<Self> {
        Sqlite::in_memory().map(Self::Sqlite)
    }

    /// Runs a statement, and returns how many rows it changed.
    pub(in crate::ledger) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64> {
        either!(self, database => database.execute(sql, values))
    }

    /// Runs several statements without parameters.
    pub(in crate::ledger) fn run(&self, sql: &str) -> Result<()> {
        either!(self, database => database.run(sql))
    }

    /// Reads the rows of a query, one at a time. Meanwhile `read` must not use the database.
    pub(in crate::ledger) fn each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        either!(self, database => database.each(sql, values, &mut read))
    }

    /// Reads all rows of a query.
    pub(in crate::ledger) fn all<T, C: Default + Extend<T>>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<C> {
        let mut found = C::default();
        self.each(sql, values, |row| {
            found.extend([read(row)?]);
            Ok(())
        })?;
        Ok(found)
    }

    /// Reads the first row of a query, if there is one.
    pub(in crate::ledger) fn first<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let found: Vec<T> = self.all(sql, values, read)?;
        Ok(found.into_iter().next())
    }

    /// Reads the one row that a query has.
    pub(in crate::ledger) fn only<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.first(sql, values, read)?.ok_or_else(|| LedgerError::Empty.into())
    }

    /// Begins a transaction that may write. Without a commit it is rolled back.
    pub(in crate::ledger) fn begin(&self) -> Result<Transaction<'_>> {
        either!(self, database => database.begin())?;
        Ok(Transaction { database: self, is_open: true })
    }

    /// Begins a transaction that reads what there is at one moment.
    pub(in crate::ledger) fn snapshot(&self) -> Result<Transaction<'_>> {
        either!(self, database => database.snapshot())?;
        Ok(Transaction { database: self, is_open: true })
    }

    /// Continues the numbers of rows after those that were written with a number.
    pub(in crate::ledger) fn renumber(&self) -> Result<()> {
        either!(self, database => database.renumber())
    }

    /// Keeps other processes from upgrading the schema until the transaction ends.
    pub(in crate::ledger) fn lock_schema(&self) -> Result<()> {
        either!(self, database => database.lock_schema())
    }

    /// The schema's version.
    pub(in crate::ledger) fn version(&self) -> Result<i64> {
        either!(self, database => database.version())
    }

    pub(in crate::ledger) fn set_version(&self, version: i64) -> Result<()> {
        either!(self, database => database.set_version(version))
    }

    /// Takes the lock that one process at a time can have, until it is released or the process ends.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] if another process has it.
    pub(in crate::ledger) fn lock(&self) -> Result<Option<Lock>> {
        either!(self, database => database.lock())
    }

    pub(in crate::ledger) fn unlock(&self, lock: Lock) -> Result<()> {
        either!(self, database => database.unlock(lock))
    }

    /// The SQLite database, if it is one.
    pub(in crate::ledger) fn sqlite(&self) -> Option<&Sqlite> {
        match self {
            Self::Sqlite(sqlite) => Some(sqlite),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => None,
        }
    }
}

/// A transaction. Everything that is called on it is in it.
#[derive(Debug)]
pub(in crate::ledger) struct Transaction<'d> {
    database: &'d Database,
    is_open: bool,
}

impl Transaction<'_> {
    pub(in crate::ledger) fn commit(mut self) -> Result<()> {
        self.is_open = false;
        self.database.run("COMMIT").inspect_err(|_| drop(self.database.run("ROLLBACK")))
    }
}

impl Deref for Transaction<'_> {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.database
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.is_open {
            // A connection that is gone has rolled back already.
            let _ = self.database.run("ROLLBACK");
        }
    }
}
