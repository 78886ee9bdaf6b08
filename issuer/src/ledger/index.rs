//! Indices of the revocation stream.

use licentia_core::{inner::bloom, limits};

use super::{
    database::Ledger,
    sql::{Database, values},
};
use crate::error::{BundleError, Error, Result};

impl Ledger {
    /// Hands out the next index of the revocation stream: each one once, in an order that does not show how many
    /// there were.
    ///
    /// # Errors
    /// [`Error::Ledger`] or [`Error::Random`].
    pub fn next_index(&mut self) -> Result<u64> {
        Ok(next_indices(&self.database, 1)?.next().unwrap_or_default())
    }

    /// Which of the issuer's revocation streams the ledger's indices are in. All its licences and bundles are of it.
    ///
    /// # Errors
    /// [`Error::Ledger`].
    pub fn stream(&self) -> Result<u64> {
        let number = self.database.first("SELECT number FROM stream", &[], |row| row.unsigned(0));
        Ok(number?.unwrap_or(0))
    }

    /// Chooses the stream of a new ledger. Two ledgers of one issuer need one each, because both assign the same indices.
    /// Before you choose another one than 0, upgrade every verifier.
    ///
    /// # Errors
    /// [`BundleError::StreamInUse`] if the ledger has licences or bundles of another stream, [`Error::Value`] for a number
    /// that no licence can have, [`Error::Ledger`], [`Error::Random`].
    pub fn set_stream(&mut self, stream: u64) -> Result<()> {
        if stream > limits::INTEGER {
            return Err(Error::value("stream", &stream.to_string(), "a stream has a number below 2^53"));
        }
        stream_key(&self.database)?;
        let sql = "UPDATE stream SET number = ?1 WHERE number = ?1
            OR (next = 0 AND sequence = 0 AND NOT EXISTS (SELECT 1 FROM license))";
        if self.database.execute(sql, values![stream])? == 0 {
            return Err(BundleError::StreamInUse { stream: self.stream()?, wanted: stream }.into());
        }
        Ok(())
    }
}

/// Waits until no other process changes the ledger, and keeps the others waiting until the transaction ends. So no two
/// of them wait for each other's rows.
pub(super) fn take_turn(database: &Database) -> Result<()> {
    next_indices(database, 0).map(drop)
}

/// Hands out the next indices, as [`Ledger::next_index`] does.
pub(super) fn next_indices(database: &Database, count: u64) -> Result<impl Iterator<Item = u64> + use<>> {
    let key = stream_key(database)?;
    // The row is locked: nobody else gets these numbers.
    let sql = "UPDATE stream SET next = next + ?1 RETURNING next";
    let next = database.only(sql, values![count], |row| row.unsigned(0))?;
    Ok((next.saturating_sub(count)..next).map(move |count| shuffled(&key, count)))
}

/// The secret that orders the indices.
pub(super) fn stream_key(database: &Database) -> Result<[u8; 16]> {
    let sql = "SELECT key FROM stream";
    if let Some(key) = database.first(sql, &[], |row| row.array(0))? {
        return Ok(key);
    }
    let mut key = [0_u8; 16];
    getrandom::fill(&mut key).map_err(|_| Error::Random)?;
    // If another process was first, its stream is used.
    database.execute(
        "INSERT INTO stream (key, next, sequence)
            SELECT ?1, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM stream)
         ON CONFLICT DO NOTHING",
        values![&key],
    )?;
    database.only(sql, &[], |row| row.array(0))
}

/// Bits of an index within its shard.
const SHARD: u32 = 20;

/// Permutes the numbers within their shard of 2^20, by a Feistel network of four rounds.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_is_of_one_stream() {
        use crate::{Draft, Issuer, PublishedBundle, SigningKey};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let issuer = Issuer::new("acme", SigningKey::from_seed(&[1; 32]).unwrap());
        let draft = |stream| Draft { stream, ..Draft::new("cus_42", "pro", 3, 1_800_000_000, 1_900_000_000) };
        let mut ledger = Ledger::open(&path).unwrap();
        assert_eq!(ledger.stream().unwrap(), 0);
        ledger.set_stream(2).unwrap();
        assert!(ledger.record(&issuer.issue(&draft(0)).unwrap()).is_err(), "a licence of another stream");
        ledger.record(&issuer.issue(&draft(2)).unwrap()).unwrap();
        assert!(ledger.set_stream(3).unwrap_err().to_string().contains("stream 2"));
        ledger.set_stream(2).unwrap();
        drop(ledger);
        let mut ledger = Ledger::open(&path).unwrap();
        assert_eq!(ledger.stream().unwrap(), 2);
        let bundle = ledger.draft_bundle("acme", 1_800_000_000, PublishedBundle::default(), |_| ()).unwrap();
        assert_eq!(bundle.stream, 2);
        let mut other = Ledger::in_memory().unwrap();
        other.next_index().unwrap();
        assert!(other.set_stream(2).is_err(), "an index was handed out");
        assert!(other.set_stream(1 << 53).is_err());
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
}
