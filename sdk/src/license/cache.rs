//! A cache of authenticated tokens, so that a signature is verified once.
//!
//! A table of fixed size: a keyed hash chooses two buckets, a token goes to the emptier one, and the whole text is
//! compared. At capacity over 90 % of tokens stay cached. Only tokens with a good signature are cached, so nobody can
//! fill the table with forgeries. Reading takes no lock.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use crate::platform::ArcSwapOption;

use super::licensed::{Found, Licensed};

/// Tokens in a bucket.
const WAYS: usize = 4;
/// How many bytes of a token are hashed, and where they begin, counted from its end. They are part of the signature,
/// which nobody can choose without the issuer's key.
const HASHED: usize = 16;
const FROM_END: usize = 40;

/// A place for a token. The hash stands beside it, so that a search follows only the matching pointer.
#[derive(Default)]
struct Slot {
    hash: AtomicU64,
    licensed: ArcSwapOption<Licensed>,
}

/// Whether two texts are equal. WebAssembly has no instruction for it and would compare byte by byte.
fn same(one: &str, other: &str) -> bool {
    if !cfg!(target_family = "wasm") {
        return one == other;
    }
    let (one, one_rest) = one.as_bytes().as_chunks::<8>();
    let (other, other_rest) = other.as_bytes().as_chunks::<8>();
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    one.len() == other.len() && one_rest == other_rest && one.iter().map(word).eq(other.iter().map(word))
}

/// Places that share a cache line.
#[derive(Default)]
#[repr(align(64))]
struct Bucket([Slot; WAYS]);

impl Bucket {
    fn find(&self, hash: u64, text: &str) -> Option<Found> {
        let slots = self.0.iter().filter(|slot| slot.hash.load(Ordering::Relaxed) == hash);
        let found = |slot: &Slot| Found::from(slot.licensed.load());
        slots.map(found).find(|found| found.get().is_some_and(|licensed| same(&licensed.text, text)))
    }

    /// A place that was never used.
    fn empty(&self) -> Option<&Slot> {
        self.0.iter().find(|slot| slot.licensed.load().is_none())
    }

    /// How many places are taken.
    fn taken(&self) -> usize {
        self.0.iter().filter(|slot| slot.licensed.load().is_some()).count()
    }
}

/// The cache.
pub(crate) struct Cache {
    buckets: Box<[Bucket]>,
    /// Keys of the hash.
    keys: [u64; 2],
    victim: AtomicUsize,
}

impl Cache {
    /// A cache of about `capacity` tokens; 0 caches none.
    pub(crate) fn new(capacity: usize) -> Self {
        let buckets = (0..capacity.div_ceil(WAYS)).map(|_| Bucket::default()).collect();
        // Without randomness the hashed bytes are still of a signature.
        let keys = [0, 1].map(|_| getrandom::u64().unwrap_or_default());
        Self { buckets, keys, victim: AtomicUsize::new(0) }
    }

    /// The hash of a token; none if it is too short for a signature.
    fn hash(&self, text: &str) -> Option<u64> {
        let at = text.len().checked_sub(FROM_END)?;
        let [a, b] = text.as_bytes().get(at..)?.first_chunk::<HASHED>()?.as_chunks::<8>().0 else {
            return None;
        };
        let [a, b] = [a, b].map(|word| u64::from_le_bytes(*word));
        let product = u128::from(a ^ self.keys[0]) * u128::from(b ^ self.keys[1]);
        #[allow(clippy::cast_possible_truncation, reason = "both halves are mixed")]
        Some((product >> 64) as u64 ^ product as u64)
    }

    /// The two buckets that a token may be in.
    fn buckets(&self, hash: u64) -> impl Iterator<Item = &Bucket> + Clone {
        // The high half of the product spreads a hash over any number of buckets.
        let at = |hash: u64| (u128::from(hash) * (self.buckets.len() as u128)) >> 64;
        let hashes = [hash, hash.rotate_left(32)].into_iter();
        hashes.filter_map(move |hash| self.buckets.get(usize::try_from(at(hash)).ok()?))
    }

    /// The licence of a cached token, whichever keys verified it.
    pub(crate) fn find(&self, text: &str) -> Option<Found> {
        let hash = self.hash(text)?;
        self.buckets(hash).find_map(|bucket| bucket.find(hash, text))
    }

    /// Caches a licence: in its own place, else in an empty one, else instead of an outdated one, else of any.
    pub(crate) fn insert(&self, licensed: Arc<Licensed>) {
        let Some(hash) = self.hash(&licensed.text) else { return };
        let buckets = self.buckets(hash);
        let slots = buckets.clone().flat_map(|bucket| &bucket.0);
        let fits = |fit: &dyn Fn(&Licensed) -> bool| {
            slots.clone().find(|slot| slot.licensed.load().as_ref().is_some_and(|other| fit(other)))
        };
        let emptier = || buckets.clone().min_by_key(|bucket| bucket.taken());
        let slot = fits(&|other| other.text == licensed.text)
            .or_else(|| emptier()?.empty())
            .or_else(|| fits(&|other| other.generation != licensed.generation))
            .or_else(|| slots.clone().nth(self.victim.fetch_add(1, Ordering::Relaxed) % (2 * WAYS)));
        if let Some(slot) = slot {
            slot.licensed.store(Some(licensed));
            // A reader in between finds this licence under the old hash, compares the text, and misses.
            slot.hash.store(hash, Ordering::Relaxed);
        }
    }
}

impl Drop for Cache {
    /// Dropping a pointer asks every thread of the process whether it reads it, which takes seconds for a whole table
    /// if many gates have threads. An empty place owns nothing, and is forgotten.
    fn drop(&mut self) {
        let slots = std::mem::take(&mut self.buckets).into_iter().flat_map(|bucket| bucket.0);
        slots.filter(|slot| slot.licensed.load().is_none()).for_each(std::mem::forget);
    }
}
