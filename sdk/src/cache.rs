//! Tokens that were authenticated before, so that the same one need not be again.
//!
//! A table of fixed size: a keyed hash chooses a bucket, and the whole text is compared. Only tokens with a
//! good signature get in, so that nobody can fill it with forgeries. Reading takes no lock.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::swap::ArcSwapOption;
use licentia_core::{Explanation, claims::Kept};

use crate::account::Counters;

/// Tokens in a bucket.
const WAYS: usize = 4;
/// Bytes at a token's end that choose its bucket: they are of its signature, which nobody can choose.
const HASHED: usize = 32;

/// A licence that was authenticated, and what belongs to it.
pub(crate) struct Licensed {
    pub(crate) text: Box<str>,
    pub(crate) kept: Kept<Box<[u8]>>,
    pub(crate) counters: Counters,
    /// The checks that it passed.
    pub(crate) explanation: Explanation<'static>,
    /// The generation of keys that it was authenticated under.
    pub(crate) generation: u64,
}

pub(crate) struct Cache {
    buckets: Box<[[ArcSwapOption<Licensed>; WAYS]]>,
    hasher: RandomState,
    victim: AtomicUsize,
}

impl Cache {
    /// A cache of about `capacity` tokens; 0 keeps none.
    pub(crate) fn new(capacity: usize) -> Self {
        let buckets = (0..capacity.div_ceil(WAYS)).map(|_| Default::default()).collect();
        Self { buckets, hasher: RandomState::new(), victim: AtomicUsize::new(0) }
    }

    fn bucket(&self, text: &str) -> Option<&[ArcSwapOption<Licensed>; WAYS]> {
        let bytes = text.as_bytes();
        let tail = bytes.last_chunk::<HASHED>().map_or(bytes, |tail| tail);
        let hash = self.hasher.hash_one(tail);
        // The high half of the product spreads a hash over any number of buckets.
        let at = (u128::from(hash) * (self.buckets.len() as u128)) >> 64;
        self.buckets.get(usize::try_from(at).unwrap_or(0))
    }

    /// The licence of a token that was authenticated under the keys of this generation.
    pub(crate) fn find(&self, text: &str, generation: u64) -> Option<Arc<Licensed>> {
        let fits = |licensed: &Licensed| licensed.generation == generation && *licensed.text == *text;
        self.bucket(text)?.iter().find_map(|slot| {
            let licensed = slot.load();
            licensed.as_ref().filter(|licensed| fits(licensed)).map(Arc::clone)
        })
    }

    /// Keeps a licence, in place of an outdated one or of any other.
    pub(crate) fn insert(&self, licensed: Arc<Licensed>) {
        let Some(bucket) = self.bucket(&licensed.text) else { return };
        let outdated = |slot: &&ArcSwapOption<Licensed>| {
            slot.load()
                .as_ref()
                .is_none_or(|other| other.generation != licensed.generation || other.text == licensed.text)
        };
        let slot = bucket
            .iter()
            .find(outdated)
            .or_else(|| bucket.get(self.victim.fetch_add(1, Ordering::Relaxed) % WAYS));
        if let Some(slot) = slot {
            slot.store(Some(licensed));
        }
    }
}
