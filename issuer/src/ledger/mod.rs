//! The ledger: every licence that was issued, in SQLite.
//!
//! It is what revocation, renewal and audits start from. It holds no token
//! and no key, only a token's digest, so that a copy of it cannot be used to
//! make requests.

use std::path::Path;

use licentia_core::{Claims, inner::bloom};
use rusqlite::{Connection, OptionalExtension, Row, params};

mod revocation;

pub use revocation::{Replayed, Since, StandingRule};

use crate::{
    error::{Error, Result},
    token::Token,
};

/// Each step takes the schema from the version of its place to the next.
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
    // `drafted` is the number of the first bundle that was made with it, `published` whether one was written.
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
];

/// The ledger of one vendor.
#[derive(Debug)]
pub struct Ledger {
    database: Connection,
}

/// What the ledger knows of one licence. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The token's identifier.
    pub id: [u8; 16],
    /// The licence through its renewals and upgrades.
    pub lineage: [u8; 16],
    /// Who issued it.
    pub issuer: String,
    /// Whom it was issued to.
    pub subject: String,
    /// Name of the tier.
    pub tier: String,
    /// Version of the tier.
    pub tier_version: u64,
    /// Identifier of the key that signed it.
    pub kid: Vec<u8>,
    /// When it was issued.
    pub issued_at: u64,
    /// When everything ends.
    pub expires: u64,
    /// SHA-256 of the token's bytes.
    pub digest: [u8; 32],
}

impl Ledger {
    /// Opens a ledger, or makes a new one where the file does not exist.
    ///
    /// # Errors
    /// [`Error::Ledger`], or [`Error::LedgerVersion`] for one that a newer version wrote.
    pub fn open(path: &Path) -> Result<Self> {
        Self::set_up(Connection::open(path)?)
    }

    /// A ledger that is gone when it is dropped.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn in_memory() -> Result<Self> {
        Self::set_up(Connection::open_in_memory()?)
    }

    fn set_up(mut database: Connection) -> Result<Self> {
        database.busy_timeout(std::time::Duration::from_secs(10))?;
        database.pragma_update(None, "journal_mode", "WAL")?;
        // A licence that was handed out must be in the ledger, whatever happens to the machine.
        database.pragma_update(None, "synchronous", "FULL")?;
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
        Ok(Self { database })
    }

    /// Records a licence. Do this before handing it out.
    ///
    /// # Errors
    /// [`Error::Ledger`], also where the identifier is already there.
    pub fn record(&mut self, token: &Token) -> Result<()> {
        let claims = token.claims().map_err(|malformed| Error::Refused(malformed.code))?;
        let claims: &Claims<'_> = &claims;
        let tier = claims.tier();
        self.database.execute(
            "INSERT INTO license (id, lineage, issuer, subject, tier, tier_version, kind, kid,
                issued_at, not_before, term_end, expires, stream_index, digest)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            params![
                claims.id().as_bytes(),
                claims.lineage().as_bytes(),
                claims.issuer(),
                claims.subject(),
                tier.name,
                number(tier.version),
                claims.kind().number(),
                claims.kid().as_bytes(),
                number(claims.issued_at()),
                claims.not_before().map(number),
                claims.term_end().map(number),
                number(claims.expires()),
                claims.index().map(number),
                hmac_sha256::Hash::hash(token.as_bytes()),
            ],
        )?;
        Ok(())
    }

    /// Hands out the next index of the revocation stream: each one once, in an order that tells nobody how many
    /// there were.
    ///
    /// # Errors
    /// [`Error::Ledger`] or [`Error::Random`].
    pub fn next_index(&mut self) -> Result<u64> {
        let key = self.stream_key()?;
        let sql = "UPDATE stream SET next = next + 1 RETURNING next - 1";
        let count: i64 = self.database.query_row(sql, [], |row| row.get(0))?;
        Ok(shuffled(&key, count.unsigned_abs()))
    }

    /// The secret that orders the indices.
    fn stream_key(&mut self) -> Result<[u8; 16]> {
        let sql = "SELECT key FROM stream";
        if let Some(key) = self.database.query_row(sql, [], |row| row.get(0)).optional()? {
            return Ok(key);
        }
        let mut key = [0_u8; 16];
        getrandom::fill(&mut key).map_err(|_| Error::Random)?;
        // Another process may be first: then its stream is the one that counts.
        self.database.execute(
            "INSERT INTO stream (key, next, sequence) SELECT ?1, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM stream)",
            params![key],
        )?;
        Ok(self.database.query_row(sql, [], |row| row.get(0))?)
    }

    /// The record of a token's identifier.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn find(&self, id: &[u8; 16]) -> Result<Option<Record>> {
        let found = self.database.query_row("SELECT * FROM license WHERE id = ?1", [id], read);
        Ok(found.optional()?)
    }

    /// All records of a subject, the oldest first.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn of_subject(&self, subject: &str) -> Result<Vec<Record>> {
        let sql = "SELECT * FROM license WHERE subject = ?1 ORDER BY issued_at, id";
        let mut statement = self.database.prepare(sql)?;
        let rows = statement.query_map([subject], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// All records of a lineage, the oldest first.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn of_lineage(&self, lineage: &[u8; 16]) -> Result<Vec<Record>> {
        let sql = "SELECT * FROM license WHERE lineage = ?1 ORDER BY issued_at, id";
        let mut statement = self.database.prepare(sql)?;
        let rows = statement.query_map([lineage], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The names of everybody whose licences are in it.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn issuers(&self) -> Result<Vec<String>> {
        let mut statement = self.database.prepare("SELECT DISTINCT issuer FROM license ORDER BY issuer")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How many licences were issued.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn count(&self) -> Result<u64> {
        let count: i64 = self.database.query_row("SELECT count(*) FROM license", [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }
}

/// Bits of an index within its shard.
const SHARD: u32 = 20;

/// Shuffles numbers within their shard of 2^20: a Feistel network of four rounds, each number once.
fn shuffled(key: &[u8; 16], count: u64) -> u64 {
    const HALF: u32 = SHARD / 2;
    const MASK: u64 = (1 << HALF) - 1;
    let shard = count >> SHARD;
    let (mut left, mut right) = ((count >> HALF) & MASK, count & MASK);
    for round in 0..4_u64 {
        let message = [shard.to_le_bytes(), (round << HALF | right).to_le_bytes()].concat();
        (left, right) = (right, left ^ (bloom::hash(&(*key).into(), &message) & MASK));
    }
    shard << SHARD | left << HALF | right
}

/// SQLite's integers are signed; every integer of a licence is below 2^53.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Record> {
    let unsigned = |column: &str| row.get::<_, i64>(column).map(i64::unsigned_abs);
    Ok(Record {
        id: row.get("id")?,
        lineage: row.get("lineage")?,
        issuer: row.get("issuer")?,
        subject: row.get("subject")?,
        tier: row.get("tier")?,
        tier_version: unsigned("tier_version")?,
        kid: row.get("kid")?,
        issued_at: unsigned("issued_at")?,
        expires: unsigned("expires")?,
        digest: row.get("digest")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Draft, Issuer, SigningKey};

    #[test]
    fn what_was_issued_is_found_again_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let issuer = Issuer::new("acme", SigningKey::from_seed(&[1; 32]).unwrap());
        let token = issuer.issue(&Draft::new("cus_42", "pro", 3, 1_800_000_000, 1_900_000_000)).unwrap();
        Ledger::open(&path).unwrap().record(&token).unwrap();

        let mut ledger = Ledger::open(&path).unwrap();
        let id = *token.claims().unwrap().id().as_bytes();
        let record = ledger.find(&id).unwrap().unwrap();
        assert_eq!((record.subject.as_str(), record.tier_version), ("cus_42", 3));
        assert_eq!(record.kid, issuer.key().kid().as_bytes());
        assert_eq!(ledger.of_subject("cus_42").unwrap(), [record]);
        assert_eq!(ledger.count().unwrap(), 1);
        assert!(ledger.record(&token).is_err(), "the same licence twice");
        assert_eq!(ledger.find(&[0; 16]).unwrap(), None);
        let bytes = std::fs::read(&path).unwrap();
        assert!(
            !bytes.windows(64).any(|window| token.as_bytes().ends_with(window)),
            "no signature in the file"
        );
    }

    #[test]
    fn indices_are_handed_out_once_and_in_no_order() {
        let key = [5; 16];
        let mut seen = vec![false; 1 << SHARD];
        for count in 0..1 << SHARD {
            let index = usize::try_from(shuffled(&key, count)).unwrap();
            assert!(!std::mem::replace(&mut seen[index], true), "{index} twice");
        }
        assert!(shuffled(&key, 1 << SHARD) >> SHARD == 1, "the next shard");
        let ascending = (1..1000).filter(|count| shuffled(&key, *count) > shuffled(&key, count - 1)).count();
        assert!((400..600).contains(&ascending), "{ascending}");
    }

    #[test]
    fn a_ledger_of_a_newer_version_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Ledger::open(&path), Err(Error::LedgerVersion(99))));
    }
}
