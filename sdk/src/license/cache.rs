//! Tokens that were authenticated before, so that the same one need not be again.
//!
//! A table of fixed size: a keyed hash chooses two buckets, of which a token goes to the emptier one, and the whole text
//! is compared. So nearly as many tokens are kept as there are places. Only tokens with a good signature get in, so that
//! nobody can fill it with forgeries. Reading takes no lock.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use crate::swap::ArcSwapOption;

use crate::licensed::{Found, Licensed};

/// Tokens in a bucket.
const WAYS: usize = 4;
/// Bytes of a token that choose its bucket, and where they begin, counted from its end: they are of its signature,
/// which nobody without the issuer's key can choose.
const HASHED: usize = 16;
const FROM_END: usize = 40;

/// A place for a token, with its hash beside it, so that only the one that is meant is looked at.
#[derive(Default)]
struct Slot {
    hash: AtomicU64,
    licensed: ArcSwapOption<Licensed>,
}

/// Whether two texts are the same. WebAssembly has no instruction for it, and goes by bytes where nobody says more.
fn same(one: &str, other: &str) -> bool {
    if !cfg!(target_family = "wasm") {
        return one == other;
    }
    let (one, one_rest) = one.as_bytes().as_chunks::<8>();
    let (other, other_rest) = other.as_bytes().as_chunks::<8>();
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    one.len() == other.len() && one_rest == other_rest && one.iter().map(word).eq(other.iter().map(word))
}

/// Places that are looked at together: a line of the processor's cache.
#[derive(Default)]
#[repr(align(64))]
struct Bucket([Slot; WAYS]);

impl Bucket {
    fn find(&self, hash: u64, text: &str) -> Option<Found> {
        let slots = self.0.iter().filter(|slot| slot.hash.load(Ordering::Relaxed) == hash);
        let found = |slot: &Slot| Found::from(slot.licensed.load());
        slots.map(found).find(|found| found.get().is_some_and(|licensed| same(&licensed.text, text)))
    }

    /// A place that no token ever had.
    fn empty(&self) -> Option<&Slot> {
        self.0.iter().find(|slot| slot.licensed.load().is_none())
    }

    /// How many places are taken.
    fn taken(&self) -> usize {
        self.0.iter().filter(|slot| slot.licensed.load().is_some()).count()
    }
}

pub(crate) struct Cache {
    buckets: Box<[Bucket]>,
    /// Keys of the hash.
    keys: [u64; 2],
    victim: AtomicUsize,
}

impl Cache {
    /// A cache of about `capacity` tokens; 0 keeps none.
    pub(crate) fn new(capacity: usize) -> Self {
        let buckets = (0..capacity.div_ceil(WAYS)).map(|_| Bucket::default()).collect();
        // Where the system has nothing random, what is hashed is still of a signature.
        let keys = [0, 1].map(|_| getrandom::u64().unwrap_or_default());
        Self { buckets, keys, victim: AtomicUsize::new(0) }
    }

    /// The hash of a token; one that is too short for a signature has none.
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

    /// The licence of a token that was authenticated before, under whatever keys.
    pub(crate) fn find(&self, text: &str) -> Option<Found> {
        let hash = self.hash(text)?;
        self.buckets(hash).find_map(|bucket| bucket.find(hash, text))
    }

    /// Keeps a licence, in its own place, or in an empty one, or in that of an outdated one, or of any other.
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
            // A reader in between looks at the licence under the hash of the one before, and sees that it does not fit.
            slot.hash.store(hash, Ordering::Relaxed);
        }
    }
}
