//! Randomness: the host seeds it, since a module has no source of its own.

use std::sync::{Mutex, PoisonError};

use hmac_sha256::Hash;

/// A seed, and how many blocks were made from it. Each block is SHA-256 (FIPS 180-4) of both.
struct Pool {
    seed: [u8; 32],
    blocks: u64,
    is_seeded: bool,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { seed: [0; 32], blocks: 0, is_seeded: false });

/// Mixes in random bytes of the host.
pub(crate) fn seed(bytes: &[u8; 32]) {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let mut hash = Hash::new();
    hash.update(pool.seed);
    hash.update(bytes);
    pool.seed = hash.finalize();
    pool.is_seeded = true;
}

/// Fills bytes; `false` if the host has not seeded the module.
#[cfg_attr(not(getrandom_backend = "custom"), allow(dead_code, reason = "the system has a source"))]
fn fill(bytes: &mut [u8]) -> bool {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    for chunk in bytes.chunks_mut(32) {
        let mut hash = Hash::new();
        hash.update([1]);
        hash.update(pool.seed);
        hash.update(pool.blocks.to_le_bytes());
        chunk.iter_mut().zip(hash.finalize()).for_each(|(byte, random)| *byte = random);
        pool.blocks = pool.blocks.wrapping_add(1);
    }
    // What was given out cannot be computed from what is kept.
    let mut hash = Hash::new();
    hash.update([2]);
    hash.update(pool.seed);
    pool.seed = hash.finalize();
    pool.is_seeded
}

/// The source of `getrandom` in the module.
///
/// # Safety
/// `space` has `length` bytes.
#[cfg(getrandom_backend = "custom")]
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(
    space: *mut u8,
    length: usize,
) -> Result<(), getrandom::Error> {
    // SAFETY: `getrandom` says so, and zeroes are bytes of their own right.
    let bytes = unsafe {
        space.write_bytes(0, length);
        std::slice::from_raw_parts_mut(space, length)
    };
    if fill(bytes) { Ok(()) } else { Err(getrandom::Error::UNSUPPORTED) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_fillings_are_alike_and_one_without_a_seed_says_so() {
        let (mut first, mut second) = ([0; 70], [0; 70]);
        seed(&[7; 32]);
        assert!(fill(&mut first) && fill(&mut second));
        assert_ne!(first, second);
        assert!(first.chunks(32).all(|chunk| chunk.iter().any(|byte| *byte != 0)));
    }
}
