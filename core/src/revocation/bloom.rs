//! The pre-filter: a split-block Bloom filter, keyed so that nobody can aim at it.
//!
//! Eight 32-bit words make a block of 256 bits, which is one cache line at most. A keyed hash chooses the block
//! by its high half and one bit of each word by its low half. It answers "not revoked" for nearly everybody; a
//! hit proves nothing and is followed by the exact set. The construction is the one of Putze, Sanders and
//! Singler ("Cache-, hash- and space-efficient Bloom filters"), with the multipliers that Apache Parquet names.

use siphasher::sip::SipHasher13;

use crate::id::Salt;

/// Bytes of a block.
pub(super) const BLOCK: usize = 32;

const MULTIPLIERS: [u32; 8] =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

/// SipHash-1-3 of an index or identifier under a salt.
pub fn hash(salt: &Salt, message: &[u8]) -> u64 {
    SipHasher13::new_with_key(salt.as_bytes()).hash(message)
}

/// Number of the block for a hash, by the high half of a product.
pub(super) fn block_of(hash: u64, blocks: u64) -> u64 {
    ((hash >> 32).saturating_mul(blocks)) >> 32
}

/// The bit of each word for a hash.
pub(super) fn mask_of(hash: u64) -> [u32; 8] {
    #[allow(clippy::cast_possible_truncation, reason = "the low half is what is meant")]
    let low = hash as u32;
    MULTIPLIERS.map(|multiplier| 1 << (low.wrapping_mul(multiplier) >> 27))
}

/// Whether a hash may be a member. An empty filter answers that everything may be.
pub fn may_contain(filter: &[u8], hash: u64) -> bool {
    let (blocks, _) = filter.as_chunks::<BLOCK>();
    let at = usize::try_from(block_of(hash, blocks.len() as u64)).unwrap_or(usize::MAX);
    let Some(block) = blocks.get(at) else { return true };
    let (words, _) = block.as_chunks::<4>();
    // All eight are looked at: a branch for each would be foreseen wrongly about once.
    let absent = |absent, (word, mask): (&[u8; 4], u32)| absent | (mask & !u32::from_le_bytes(*word));
    words.iter().zip(mask_of(hash)).fold(0, absent) == 0
}
