//! Indices of the revocation stream.

use licentia_core::inner::bloom;
use rusqlite::{OptionalExtension, params};

use super::database::Ledger;
use crate::error::{Error, Result};

impl Ledger {
    /// Hands out the next index of the revocation stream: each one once, in an order that does not show how many
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
    pub(super) fn stream_key(&mut self) -> Result<[u8; 16]> {
        let sql = "SELECT key FROM stream";
        if let Some(key) = self.database.query_row(sql, [], |row| row.get(0)).optional()? {
            return Ok(key);
        }
        let mut key = [0_u8; 16];
        getrandom::fill(&mut key).map_err(|_| Error::Random)?;
        // If another process was first, its stream is used.
        self.database.execute(
            "INSERT INTO stream (key, next, sequence) SELECT ?1, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM stream)",
            params![key],
        )?;
        Ok(self.database.query_row(sql, [], |row| row.get(0))?)
    }
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
