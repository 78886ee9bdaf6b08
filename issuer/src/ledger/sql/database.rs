//! Either database, and its transactions.

use std::{cell::Cell, ops::Deref};

#[cfg(feature = "postgres")]
use super::postgres::Postgres;
use super::{access::LedgerAccess, lock::Lock, row::Row, sqlite::Sqlite, value::Value};
use crate::{
    error::{LedgerError, Result},
    ledger::location::LedgerLocation,
};

/// The database of a ledger. Statements are in the SQL that SQLite and PostgreSQL share, with parameters `?1`, `?2` and
/// so on.
#[derive(Debug)]
pub struct Database {
    engine: Engine,
    /// How many transactions are open, each in the one before.
    depth: Cell<u32>,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a ledger has one")]
enum Engine {
    Sqlite(Sqlite),
    #[cfg(feature = "postgres")]
    Postgres(Postgres),
}

/// Calls a method of either database.
macro_rules! either {
    ($self:expr, $database:ident => $call:expr) => {
        match &$self.engine {
            Engine::Sqlite($database) => $call,
            #[cfg(feature = "postgres")]
            Engine::Postgres($database) => $call,
        }
    };
}

impl Database {
    pub(in crate::ledger) fn open(location: &LedgerLocation, access: LedgerAccess) -> Result<Self> {
        let engine = match location {
            LedgerLocation::Sqlite(path) => Sqlite::open(path, access).map(Engine::Sqlite),
            #[cfg(feature = "postgres")]
            LedgerLocation::Postgres(url) => Postgres::open(url, access).map(Engine::Postgres),
            #[cfg(not(feature = "postgres"))]
            LedgerLocation::Postgres(_) => Err(LedgerError::NoPostgres.into()),
        };
        Ok(Self { engine: engine?, depth: Cell::new(0) })
    }

    pub(in crate::ledger) fn in_memory() -> Result<Self> {
        Ok(Self { engine: Engine::Sqlite(Sqlite::in_memory()?), depth: Cell::new(0) })
    }

    /// Runs a statement, and returns how many rows it changed.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64> {
        either!(self, database => database.execute(sql, values))
    }

    /// Runs several statements without parameters.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub fn run(&self, sql: &str) -> Result<()> {
        either!(self, database => database.run(sql))
    }

    /// Reads the rows of a query, one at a time. Meanwhile `read` must not use the database.
    ///
    /// # Errors
    /// [`LedgerError::Database`], the errors of `read`.
    pub fn each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        either!(self, database => database.each(sql, values, &mut read))
    }

    /// Reads all rows of a query.
    ///
    /// # Errors
    /// As [`Database::each`].
    pub fn all<T, C: Default + Extend<T>>(
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
    ///
    /// # Errors
    /// As [`Database::each`].
    pub fn first<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let found: Vec<T> = self.all(sql, values, read)?;
        Ok(found.into_iter().next())
    }

    /// Reads the one row that a query has.
    ///
    /// # Errors
    /// As [`Database::each`], [`LedgerError::Empty`] if there is none.
    pub fn only<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.first(sql, values, read)?.ok_or_else(|| LedgerError::Empty.into())
    }

    /// Begins a transaction that may write. Without a commit it is rolled back. In another one it is a part of that,
    /// which can be rolled back alone.
    pub(in crate::ledger) fn begin(&self) -> Result<Transaction<'_>> {
        self.enter()?;
        Ok(Transaction { database: self, is_open: true })
    }

    /// Begins a transaction that reads what there is at one moment.
    pub(in crate::ledger) fn snapshot(&self) -> Result<Transaction<'_>> {
        match self.depth.get() {
            0 => {
                either!(self, database => database.snapshot())?;
                self.depth.set(1);
            }
            _ => drop(self.enter()?),
        }
        Ok(Transaction { database: self, is_open: true })
    }

    /// Begins a transaction, or a part of the one that is open. Returns whether it is the outer one.
    pub(in crate::ledger) fn enter(&self) -> Result<bool> {
        let depth = self.depth.get();
        match depth {
            0 => either!(self, database => database.begin())?,
            depth => self.run(&format!("SAVEPOINT part_{depth}"))?,
        }
        self.depth.set(depth.saturating_add(1));
        Ok(depth == 0)
    }

    /// Ends what [`Database::enter`] began: stores it, or rolls it back.
    pub(in crate::ledger) fn leave(&self, commit: bool) -> Result<()> {
        let depth = self.depth.get().saturating_sub(1);
        self.depth.set(depth);
        match (depth, commit) {
            (0, true) => self.run("COMMIT").inspect_err(|_| drop(self.run("ROLLBACK"))),
            (0, false) => self.run("ROLLBACK"),
            (_, true) => self.run(&format!("RELEASE SAVEPOINT part_{depth}")),
            (_, false) => {
                self.run(&format!("ROLLBACK TO SAVEPOINT part_{depth}; RELEASE SAVEPOINT part_{depth}"))
            }
        }
    }

    /// Reads a page of a list, for which an index is walked. PostgreSQL would rather read and sort a whole table whose
    /// conditions it cannot estimate.
    pub(in crate::ledger) fn walking<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        either!(self, database => database.walk(true))?;
        let done = work();
        let ended = either!(self, database => database.walk(false));
        let done = done?;
        ended?;
        Ok(done)
    }

    /// Continues the numbers of rows after those that were written with a number.
    pub(in crate::ledger) fn renumber(&self) -> Result<()> {
        either!(self, database => database.renumber())
    }

    /// Keeps other processes from upgrading the schema until the transaction ends.
    pub(in crate::ledger) fn lock_schema(&self) -> Result<()> {
        either!(self, database => database.lock_schema())
    }

    /// Whether there is a table.
    pub(in crate::ledger) fn has_table(&self, name: &str) -> Result<bool> {
        either!(self, database => database.has_table(name))
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
        match &self.engine {
            Engine::Sqlite(sqlite) => Some(sqlite),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => None,
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
        self.database.leave(true)
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
            let _ = self.database.leave(false);
        }
    }
}
