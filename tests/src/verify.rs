//! Judges signatures with and without tables.

use std::{cell::RefCell, collections::VecDeque, sync::LazyLock};

use licentia_core::{Preparation, PublicKey};

/// The smallest tables.
static SMALL: LazyLock<Preparation> =
    LazyLock::new(|| Preparation::within(100_000).expect("the smallest tables fit"));

/// Whether a signature of message parts is good under an encoded key.
///
/// # Panics
/// Where a prepared key gives another answer than the key itself.
pub fn verifies(key: &[u8; 32], message: &[&[u8]], signature: &[u8; 64]) -> bool {
    let Ok(key) = PublicKey::from_bytes(key) else { return false };
    let verdict = key.verify(message, signature);
    let prepared = prepared(&key, |key| key.verify(message, signature));
    assert_eq!(verdict, prepared, "with tables: key {:02x?}, signature {signature:02x?}", key.as_bytes());
    verdict
}

/// Keys whose tables a thread keeps: making them takes longer than ten signatures.
const KEPT: usize = 32;

/// Does something with a key's tables.
fn prepared<R>(key: &PublicKey, work: impl FnOnce(&PublicKey) -> R) -> R {
    thread_local! {
        static TABLES: RefCell<VecDeque<PublicKey>> = const { RefCell::new(VecDeque::new()) };
    }
    TABLES.with_borrow_mut(|tables| {
        let at = tables.iter().position(|kept| kept.as_bytes() == key.as_bytes()).unwrap_or_else(|| {
            tables.truncate(KEPT - 1);
            tables.push_front(SMALL.public_key(key));
            0
        });
        work(&tables[at])
    })
}
