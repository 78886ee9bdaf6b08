//! The ledger: every licence that was issued, in SQLite.
//!
//! It is what revocation, renewal and audits start from. It holds no token
//! and no key, only a token's digest, so that a copy of it cannot be used to
//! make requests.

use std::path::Path;

use licentia_core::{
    Claims,
    revocation::{Bundle, Effect, Reason, Terms, bloom},
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{
    bundle::BundleDraft,
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
                claims.id(),
                claims.lineage(),
                claims.issuer(),
                claims.subject(),
                tier.name,
                number(tier.version),
                claims.kind() as u8,
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
        let stream = self.stream()?;
        let sql = "UPDATE stream SET next = next + 1 RETURNING next - 1";
        let count: i64 = self.database.query_row(sql, [], |row| row.get(0))?;
        Ok(shuffled(&stream.key, count.unsigned_abs()))
    }

    /// Revokes a licence. It is in the next bundle.
    ///
    /// # Errors
    /// [`Error::Bundle`] where the ledger does not have it, [`Error::Ledger`].
    pub fn revoke(&mut self, id: &[u8; 16], terms: Terms) -> Result<()> {
        if self.find(id)?.is_none() {
            return Err(Error::Bundle("the ledger has no licence with this identifier".into()));
        }
        let (effect, until) = match terms.effect {
            Effect::WarnUntil(until) => (1, until),
            Effect::GraceUntil(until) => (2, until),
            _ => (0, 0),
        };
        self.database.execute(
            "INSERT OR REPLACE INTO revocation (id, reason, effective, effect, until) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![id, terms.reason as u8, number(terms.effective), effect, number(until)],
        )?;
        Ok(())
    }

    /// Takes a revocation back; `false` where there was none.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn reinstate(&mut self, id: &[u8; 16]) -> Result<bool> {
        Ok(self.database.execute("DELETE FROM revocation WHERE id = ?1", [id])? > 0)
    }

    /// Drafts the next bundle from what is revoked, and uses up its number.
    ///
    /// # Errors
    /// [`Error::Ledger`] or [`Error::Random`].
    pub fn draft_bundle(&mut self, issuer: &str, issued_at: u64) -> Result<BundleDraft> {
        let stream = self.stream()?;
        let sql = "UPDATE stream SET sequence = sequence + 1 RETURNING sequence";
        let sequence: i64 = self.database.query_row(sql, [], |row| row.get(0))?;
        let mut draft = BundleDraft {
            issuer: issuer.to_owned(),
            sequence: sequence.unsigned_abs(),
            issued_at,
            salt: stream.salt,
            ..BundleDraft::default()
        };
        let sql = "SELECT license.id, stream_index, reason, effective, effect, until
            FROM revocation JOIN license USING (id) WHERE issuer = ?1";
        let mut statement = self.database.prepare(sql)?;
        let mut rows = statement.query([issuer])?;
        while let Some(row) = rows.next()? {
            let unsigned = |column: usize| row.get::<_, i64>(column).map(i64::unsigned_abs);
            let until = unsigned(5)?;
            let effect = match unsigned(4)? {
                1 => Effect::WarnUntil(until),
                2 => Effect::GraceUntil(until),
                _ => Effect::Deny,
            };
            let terms = Terms { reason: Reason::from_number(unsigned(2)?), effective: unsigned(3)?, effect };
            match row.get::<_, Option<i64>>(1)? {
                Some(index) => {
                    draft.indices.insert(index.unsigned_abs(), terms);
                }
                None => {
                    draft.ids.insert(row.get(0)?);
                }
            }
        }
        Ok(draft)
    }

    /// Replays every licence of an issuer against a bundle: its verdict must be the ledger's for each one.
    /// `progress` is told how many were looked at. Gives how many there are, and how many are revoked.
    ///
    /// Rules are left aside: they revoke what they say.
    ///
    /// # Errors
    /// [`Error::Bundle`], which names the first licence whose verdict is wrong.
    pub fn replay(
        &self,
        issuer: &str,
        bundle: &Bundle<'_>,
        mut progress: impl FnMut(u64),
    ) -> Result<(u64, u64)> {
        let sql = "SELECT license.id, stream_index, revocation.id IS NOT NULL
            FROM license LEFT JOIN revocation USING (id) WHERE issuer = ?1";
        let mut statement = self.database.prepare(sql)?;
        let mut rows = statement.query([issuer])?;
        let (mut count, mut revoked) = (0, 0);
        while let Some(row) = rows.next()? {
            let (id, expected): ([u8; 16], bool) = (row.get(0)?, row.get(2)?);
            let found = match row.get::<_, Option<i64>>(1)? {
                Some(index) => bundle.contains(index.unsigned_abs()),
                None => bundle.contains_hash(&id),
            };
            if found != expected {
                let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
                let wrong = if found { "innocent and would be refused" } else { "revoked and would pass" };
                return Err(Error::Bundle(format!("nothing was signed: licence {id} is {wrong}")));
            }
            (count, revoked) = (count + 1, revoked + u64::from(expected));
            progress(count);
        }
        Ok((count, revoked))
    }

    fn stream(&mut self) -> Result<Stream> {
        let read = |row: &Row<'_>| Ok(Stream { key: row.get(0)?, salt: row.get(1)? });
        let sql = "SELECT key, salt FROM stream";
        if let Some(stream) = self.database.query_row(sql, [], read).optional()? {
            return Ok(stream);
        }
        let (mut key, mut salt) = ([0_u8; 16], [0_u8; 16]);
        getrandom::fill(&mut key).and_then(|()| getrandom::fill(&mut salt)).map_err(|_| Error::Random)?;
        // Another process may be first: then its stream is the one that counts.
        self.database.execute(
            "INSERT INTO stream (key, salt, next, sequence) SELECT ?1, ?2, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM stream)",
            params![key, salt],
        )?;
        Ok(self.database.query_row(sql, [], read)?)
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

    /// How many licences were issued.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn count(&self) -> Result<u64> {
        let count: i64 = self.database.query_row("SELECT count(*) FROM license", [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }
}

/// The secrets of the revocation stream.
struct Stream {
    /// Orders the indices.
    key: [u8; 16],
    /// Keys the hashes of bundles.
    salt: [u8; 16],
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
        (left, right) = (right, left ^ (bloom::hash(key, &message) & MASK));
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
        let id = token.claims().unwrap().id();
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
    fn what_is_revoked_is_in_the_next_bundle_and_a_replay_finds_every_mistake() {
        let issuer = Issuer::new("acme", SigningKey::from_seed(&[1; 32]).unwrap());
        let mut ledger = Ledger::in_memory().unwrap();
        let mut ids = Vec::new();
        for count in 0..200 {
            let mut draft = Draft::new(format!("customer-{count}"), "pro", 1, 1_800_000_000, 1_900_000_000);
            draft.index = if count % 10 == 0 { None } else { Some(ledger.next_index().unwrap()) };
            let token = issuer.issue(&draft).unwrap();
            ledger.record(&token).unwrap();
            ids.push(token.claims().unwrap().id());
        }
        let key = SigningKey::from_seed(&[5; 32]).unwrap();
        let keys = [key.public().for_revocation()];
        let draft = |ledger: &mut Ledger| BundleDraft {
            next_update: 1_800_100_000,
            expires: 1_900_000_000,
            ..ledger.draft_bundle("acme", 1_800_000_000).unwrap()
        };
        for id in ids.iter().step_by(7) {
            ledger.revoke(id, Terms::default()).unwrap();
        }
        assert!(ledger.revoke(&[0; 16], Terms::default()).is_err(), "not in the ledger");
        let first = draft(&mut ledger);
        let bytes = first.sign(&key).unwrap();
        let (bundle, _) = Bundle::read(&bytes, licentia_core::Keyring::new(&keys)).unwrap();
        assert_eq!(ledger.replay("acme", &bundle, |_| ()).unwrap(), (200, 29));
        assert!(ledger.reinstate(&ids[7]).unwrap() && !ledger.reinstate(&ids[7]).unwrap());
        let innocent = ledger.replay("acme", &bundle, |_| ()).unwrap_err().to_string();
        assert!(innocent.contains("innocent"), "{innocent}");
        ledger.revoke(&ids[1], Terms::default()).unwrap();
        let second = draft(&mut ledger);
        assert_eq!((first.sequence, second.sequence), (1, 2));
        assert!(second.sign_delta(&first, &key).unwrap().len() < 400);
    }

    #[test]
    fn a_ledger_of_a_newer_version_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Ledger::open(&path), Err(Error::LedgerVersion(99))));
    }
}
