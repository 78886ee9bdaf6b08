//! Tables of a program that keeps what it knows beside the ledger, and in its transactions.

use super::{
    database::Ledger,
    guest_tables::GuestTables,
    index::take_turn,
    sql::{Database, values},
};
use crate::error::{Error, Result};

impl Ledger {
    /// Creates a guest's tables, or upgrades them. Backups copy them from now on.
    ///
    /// # Errors
    /// [`Error::LedgerVersion`] if a newer version of the program wrote them, [`Error::Ledger`].
    pub fn host(&mut self, guest: &'static GuestTables) -> Result<()> {
        let steps = if self.database.sqlite().is_some() { guest.sqlite } else { guest.postgres };
        self.guests.push(guest);
        let version = |database: &Database| {
            let sql = "SELECT version FROM guest WHERE name = ?1";
            Ok::<_, Error>(database.first(sql, values![guest.name], |row| row.unsigned(0))?.unwrap_or(0))
        };
        if self.has_guests()? && version(&self.database)? == steps.len() as u64 {
            return Ok(());
        }
        let transaction = self.database.begin()?;
        transaction.lock_schema()?;
        transaction
            .run("CREATE TABLE IF NOT EXISTS guest (name TEXT PRIMARY KEY, version BIGINT NOT NULL)")?;
        let done = version(&transaction)?;
        let done = usize::try_from(done).ok().filter(|done| *done <= steps.len());
        let Some(due) = done.and_then(|done| steps.get(done..)) else {
            return Err(Error::LedgerVersion(i64::MAX));
        };
        for step in due {
            transaction.run(step)?;
        }
        let sql = "INSERT INTO guest (name, version) VALUES (?1, ?2)
            ON CONFLICT (name) DO UPDATE SET version = excluded.version";
        transaction.execute(sql, values![guest.name, steps.len() as u64])?;
        transaction.commit()
    }

    /// As [`Ledger::host`], if the ledger has the guest's tables already: for commands that only copy them.
    ///
    /// # Errors
    /// As [`Ledger::host`].
    pub fn host_if_there(&mut self, guest: &'static GuestTables) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM guest WHERE name = ?1)";
        let is_there =
            self.has_guests()? && self.database.only(sql, values![guest.name], |row| row.flag(0))?;
        if is_there {
            self.guests.push(guest);
        }
        Ok(is_there)
    }

    fn has_guests(&self) -> Result<bool> {
        self.database.has_table("guest")
    }

    /// The database, for statements about a guest's tables.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Does everything that `work` does in one transaction: all of it is stored, or none. Within another call it is a
    /// part that fails alone. Writers on all machines take turns, so that no two of them wait for each other.
    ///
    /// # Errors
    /// The errors of `work`, [`Error::Ledger`].
    pub fn together<T, E: From<Error>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let is_outer = self.database.enter()?;
        let turn = if is_outer { take_turn(&self.database) } else { Ok(()) };
        let done = turn.map_err(E::from).and_then(|()| work(self));
        let left = self.database.leave(done.is_ok());
        let done = done?;
        left?;
        Ok(done)
    }
}
