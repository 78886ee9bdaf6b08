//! Copies of a ledger, from either database to the other.

use std::path::Path;

use super::{
    database::Ledger,
    location::LedgerLocation,
    sql::{Database, LedgerAccess, Value},
};
use crate::error::{LedgerError, Result};

/// A table and its columns.
type Table = (&'static str, &'static [&'static str]);

/// The tables and their columns, in an order in which each one refers to earlier ones only.
const TABLES: [Table; 11] = [
    (
        "license",
        &[
            "id",
            "lineage",
            "issuer",
            "subject",
            "tier",
            "tier_version",
            "kind",
            "kid",
            "issued_at",
            "not_before",
            "term_end",
            "expires",
            "stream_index",
            "digest",
        ],
    ),
    ("terms", &["number", "id", "payload"]),
    ("reference", &["issuer", "reference", "id"]),
    ("stream", &["key", "next", "sequence", "number"]),
    ("revocation", &["id", "reason", "effective", "effect", "until", "drafted"]),
    (
        "rule",
        &[
            "number",
            "issuer",
            "kid",
            "subject",
            "lineage",
            "tier",
            "tier_version",
            "issued_from",
            "issued_to",
            "index_from",
            "index_to",
            "exempt",
            "spare_issued",
            "reason",
            "effective",
            "effect",
            "until",
            "drafted",
        ],
    ),
    ("published", &["issuer", "sequence", "bundle"]),
    ("reinstated", &["id"]),
    ("total", &["issuer", "tier", "tier_version", "kind", "kid", "issued", "revoked"]),
    ("boundary", &["seconds", "at", "issuer", "tier", "tier_version", "begun", "lapsed", "ended"]),
    ("population", &["subjects", "lineages"]),
];

/// What was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoreReport {
    /// The licences that the ledger has now.
    pub licenses: u64,
    /// The last bundle that it knows. The next one continues after what gates have.
    pub sequence: u64,
}

impl Ledger {
    /// Copies the whole ledger, as it is at one moment, into a new file of SQLite that only its owner can read. Others
    /// may write the ledger meanwhile.
    ///
    /// # Errors
    /// [`LedgerError::Exists`] if the file exists, [`crate::Error::File`], [`LedgerError::Database`].
    pub fn backup(&self, path: &Path) -> Result<u64> {
        let mut copy = Self::connect(&LedgerLocation::from(path), LedgerAccess::Create)?;
        self.guests.iter().try_for_each(|guest| copy.host(guest))?;
        let snapshot = self.database.snapshot()?;
        let transaction = copy.database.begin()?;
        clear(&copy.tables(), &transaction)?;
        copy_tables(&self.tables(), &snapshot, &transaction)?;
        transaction.commit()?;
        // One file, without others beside it.
        copy.database.run("PRAGMA journal_mode = DELETE")?;
        copy.count()
    }

    /// Replaces everything in this ledger by a backup, in one transaction.
    ///
    /// The numbers of indices and of bundles never go back: an index that was handed out since the backup would be
    /// handed out again, and revoking one of the two licences would revoke both. A ledger that is new does not know
    /// them: there, `skipped` indices are left out, which must be more than were handed out since the backup.
    ///
    /// `published` is the number of the last bundle that gates have, if the ledger itself may not know it.
    ///
    /// # Errors
    /// [`LedgerError::OlderBackup`] if the backup is behind the last published bundle, or lacks licences that this ledger
    /// has, unless `allow_older`; [`LedgerError::Database`].
    pub fn restore(
        &mut self,
        backup: &Self,
        published: Option<u64>,
        skipped: u64,
        allow_older: bool,
    ) -> Result<RestoreReport> {
        let transaction = self.database.begin()?;
        let snapshot = backup.database.snapshot()?;
        let (own, old) = (counters(&transaction)?, counters(&snapshot)?);
        let known = own.1.max(published.unwrap_or(0));
        let licenses = self.count()?;
        let lacking = licenses.saturating_sub(backup.count()?);
        if (known > old.1 || lacking > 0) && !allow_older {
            let (backup, published) = (old.1, known);
            return Err(LedgerError::OlderBackup { backup, published, licenses: lacking }.into());
        }
        clear(&self.tables(), &transaction)?;
        // A backup without a guest's tables has nothing in them.
        copy_tables(&backup.tables(), &snapshot, &transaction)?;
        let next = if licenses == 0 { old.0.saturating_add(skipped) } else { own.0.max(old.0) };
        let sequence = known.max(old.1);
        let counters = [Value::from(next), Value::from(sequence)];
        transaction.execute("UPDATE stream SET next = ?1, sequence = ?2", &counters)?;
        transaction.renumber()?;
        transaction.commit()?;
        Ok(RestoreReport { licenses: self.count()?, sequence })
    }
}

impl Ledger {
    /// The ledger's own tables, and those of its guests.
    fn tables(&self) -> Vec<Table> {
        TABLES.iter().chain(self.guests.iter().flat_map(|guest| guest.copied)).copied().collect()
    }
}

/// The next index to be shuffled, and the last bundle's number.
fn counters(database: &Database) -> Result<(u64, u64)> {
    let sql = "SELECT next, sequence FROM stream";
    let found = database.first(sql, &[], |row| Ok((row.unsigned(0)?, row.unsigned(1)?)))?;
    Ok(found.unwrap_or_default())
}

fn clear(tables: &[Table], database: &Database) -> Result<()> {
    tables
        .iter()
        .rev()
        .try_for_each(|(table, _)| database.execute(&format!("DELETE FROM {table}"), &[]).map(drop))
}

fn copy_tables(tables: &[Table], from: &Database, to: &Database) -> Result<()> {
    for (table, columns) in tables {
        let list = columns.join(", ");
        let places: Vec<String> = (1..=columns.len()).map(|at| format!("?{at}")).collect();
        let insert = format!("INSERT INTO {table} ({list}) VALUES ({})", places.join(", "));
        from.each(&format!("SELECT {list} FROM {table}"), &[], |row| {
            let values = (0..columns.len()).map(|at| row.value(at)).collect::<Result<Vec<_>>>()?;
            match to.execute(&insert, &values)? {
                1 => Ok(()),
                _ => Err(LedgerError::Empty.into()),
            }
        })?;
    }
    Ok(())
}
