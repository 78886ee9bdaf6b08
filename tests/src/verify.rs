//! Judges signatures with and without tables.

use std::sync::LazyLock;

use licentia_core::{Preparation, ed25519::PublicKey};

/// The smallest tables, which are made anew for every key.
static SMALL: LazyLock<Preparation> =
    LazyLock::new(|| Preparation::within(100_000).expect("the smallest tables fit"));

/// Whether a signature of message parts is good under an encoded key.
///
/// # Panics
/// Where a prepared key gives another answer than the key itself.
pub fn verifies(key: &[u8; 32], message: &[&[u8]], signature: &[u8; 64]) -> bool {
    let Ok(key) = PublicKey::from_bytes(key) else { return false };
    let verdict = key.verify(message, signature);
    let prepared = SMALL.public_key(&key).verify(message, signature);
    assert_eq!(verdict, prepared, "with tables: key {:02x?}, signature {signature:02x?}", key.as_bytes());
    verdict
}
