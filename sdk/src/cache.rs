//! Tokens that were authenticated before, so that the same one need not be again.
//!
//! A table of fixed size: a keyed hash chooses a bucket, and the whole text is compared. Only tokens with a
//! good signature get in, so that nobody can fill it with forgeries. Reading takes no lock.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use arc_swap::{ArcSwapOption, Guard};
use licentia_core::{Step, claims::Kept};

use crate::account::Counters;

/// Tokens in a bucket.
const WAYS: usize = 4;
/// Bytes of a token that choose its bucket, and where they begin, counted from its end: they are of its signature,
/// which nobody without the issuer's key can choose.
const HASHED: usize = 16;
const FROM_END: usize = 40;

/// A licence that was authenticated, and what belongs to it.
pub(crate) struct Licensed {
    pub(crate) text: Box<str>,
    pub(crate) kept: Kept<Box<[u8]>>,
    pub(crate) counters: Counters,
    /// The checks that it passed.
    pub(crate) passed: Box<[Step<'static>]>,
    /// The generation of keys that it was authenticated under.
    pub(crate) generation: u64,
}

/// A licence in use, or none. One that comes from the cache is not counted, so that threads which see the same token
/// at once write to no memory that they share.
pub(crate) struct Found(Guard<Option<Arc<Licensed>>>);

impl Found {
    /// The licence.
    pub(crate) fn get(&self) -> Option<&Licensed> {
        self.0.as_deref()
    }

    /// The licence, to be kept for longer than a request.
    pub(crate) fn share(&self) -> Option<Arc<Licensed>> {
        self.0.as_ref().map(Arc::clone)
    }
}

impl From<Arc<Licensed>> for Found {
    fn from(licensed: Arc<Licensed>) -> Self {
        Self(Guard::from_inner(Some(licensed)))
    }
}

impl Default for Found {
    fn default() -> Self {
        Self(Guard::from_inner(None))
    }
}

impl Clone for Found {
    fn clone(&self) -> Self {
        Self(Guard::from_inner(self.share()))
    }
}

/// A place for a token, with its hash beside it, so that only the one that is meant is looked at.
#[derive(Default)]
struct Slot {
    hash: AtomicU64,
    licensed: ArcSwapOption<Licensed>,
}

pub(crate) struct Cache {
    buckets: Box<[[Slot; WAYS]]>,
    /// Keys of the hash.
    keys: [u64; 2],
    victim: AtomicUsize,
}

impl Cache {
    /// A cache of about `capacity` tokens; 0 keeps none.
    pub(crate) fn new(capacity: usize) -> Self {
        let buckets = (0..capacity.div_ceil(WAYS)).map(|_| Default::default()).collect();
        let random = RandomState::new();
        Self { buckets, keys: [0, 1].map(|key| random.hash_one(key)), victim: AtomicUsize::new(0) }
    }

    /// The hash of a token; one that is too short for a signature has none.
    fn hash(&self, text: &str) -> Option<u64> {
        let at = text.len().checked_sub(FROM_END)?;
        let [a, b] = text.as_bytes().get(at..)?.first_chunk::<HASHED>()?.as_chunks::<8>().0 else {
            return None;
        };
        let [a, b] = [a, b].map(|word| u64::from_le_bytes(*word));
        let product = u128::from(a ^ self.keys[0]) * u128::from(b ^ self.keys[1]);
        let (high, low) = ((product >> 64) as u64, product as u64);
        Some(high ^ low)
    }

    fn bucket(&self, hash: u64) -> Option<&[Slot; WAYS]> {
        // The high half of the product spreads a hash over any number of buckets.
        let at = (u128::from(hash) * (self.buckets.len() as u128)) >> 64;
        self.buckets.get(usize::try_from(at).unwrap_or(0))
    }

    /// The licence of a token that was authenticated under the keys of this generation.
    pub(crate) fn find(&self, text: &str, generation: u64) -> Option<Found> {
        let hash = self.hash(text)?;
        let fits = |licensed: &Licensed| licensed.generation == generation && *licensed.text == *text;
        let slots = self.bucket(hash)?.iter().filter(|slot| slot.hash.load(Ordering::Relaxed) == hash);
        slots.map(|slot| Found(slot.licensed.load())).find(|found| found.get().is_some_and(fits))
    }

    /// Keeps a licence, in place of an outdated one or of any other.
    pub(crate) fn insert(&self, licensed: Arc<Licensed>) {
        let Some(hash) = self.hash(&licensed.text) else { return };
        let Some(bucket) = self.bucket(hash) else { return };
        let outdated = |slot: &&Slot| {
            slot.licensed
                .load()
                .as_ref()
                .is_none_or(|other| other.generation != licensed.generation || other.text == licensed.text)
        };
        let slot = bucket
            .iter()
            .find(outdated)
            .or_else(|| bucket.get(self.victim.fetch_add(1, Ordering::Relaxed) % WAYS));
        if let Some(slot) = slot {
            slot.licensed.store(Some(licensed));
            // A reader in between looks at the licence under the hash of the one before, and sees that it does not fit.
            slot.hash.store(hash, Ordering::Relaxed);
        }
    }
}
