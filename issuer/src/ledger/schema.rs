//! The tables, and how an older ledger gets them.

use rusqlite::Connection;

use crate::error::{Error, Result};

/// The step at index N leads from version N to version N + 1.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE license (
        id           BLOB PRIMARY KEY CHECK (length(id) = 16),
        lineage      BLOB NOT NULL CHECK (length(lineage) = 16),
        issuer       TEXT NOT NULL,
        subject      TEXT NOT NULL,
        tier         TEXT NOT NULL,
        tier_version INTEGER NOT NULL,
        kind         INTEGER NOT NULL,
        kid          BLOB NOT NULL,
        issued_at    INTEGER NOT NULL,
        not_before   INTEGER,
        term_end     INTEGER,
        expires      INTEGER NOT NULL,
        stream_index INTEGER UNIQUE,
        digest       BLOB NOT NULL CHECK (length(digest) = 32)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX license_lineage ON license (lineage);
    CREATE INDEX license_subject ON license (subject);
",
    "
    CREATE TABLE stream (
        key  BLOB NOT NULL CHECK (length(key) = 16),
        salt BLOB NOT NULL CHECK (length(salt) = 16),
        next INTEGER NOT NULL,
        sequence INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE revocation (
        id        BLOB PRIMARY KEY REFERENCES license (id),
        reason    INTEGER NOT NULL,
        effective INTEGER NOT NULL,
        effect    INTEGER NOT NULL,
        until     INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    // `drafted` is the first bundle that was drafted with the row.
    "
    ALTER TABLE stream DROP COLUMN salt;
    ALTER TABLE revocation ADD COLUMN drafted INTEGER;
    ALTER TABLE revocation ADD COLUMN published INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE rule (
        number       INTEGER PRIMARY KEY AUTOINCREMENT,
        issuer       TEXT NOT NULL,
        kid          BLOB,
        subject      TEXT,
        lineage      BLOB,
        tier         TEXT,
        tier_version INTEGER,
        issued_from  INTEGER,
        issued_to    INTEGER,
        index_from   INTEGER,
        index_to     INTEGER,
        exempt       BLOB NOT NULL,
        spare_issued INTEGER NOT NULL,
        reason       INTEGER NOT NULL,
        effective    INTEGER NOT NULL,
        effect       INTEGER NOT NULL,
        until        INTEGER NOT NULL,
        drafted      INTEGER,
        published    INTEGER NOT NULL DEFAULT 0
    ) STRICT;
",
    // What was published is compared with the last bundle itself. `reinstated` are the licences that were reinstated
    // since.
    "
    ALTER TABLE revocation DROP COLUMN published;
    ALTER TABLE rule DROP COLUMN published;
    CREATE TABLE published (
        issuer   TEXT PRIMARY KEY,
        sequence INTEGER NOT NULL,
        bundle   BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE reinstated (
        id BLOB PRIMARY KEY REFERENCES license (id)
    ) STRICT, WITHOUT ROWID;
",
    // `number`: which of the issuer's streams the ledger's indices are in.
    "
    ALTER TABLE stream ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
",
];

/// Brings a ledger to the current version.
pub(super) fn migrate(database: &mut Connection) -> Result<()> {
    let migration = database.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = migration.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    let due = MIGRATIONS.get(done..).ok_or(Error::LedgerVersion(version))?;
    for step in due {
        migration.execute_batch(step)?;
    }
    let current = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    migration.pragma_update(None, "user_version", current)?;
    migration.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ledger;

    #[test]
    fn a_ledger_of_a_newer_version_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Ledger::open(&path), Err(Error::LedgerVersion(99))));
    }
}
