//! The keys that a gate trusts, replaceable while checks run.

use std::sync::{Arc, Mutex, PoisonError};

use super::error::{LoadError, Loadable};
use crate::{
    platform::{ArcSwap, Guard, fork::Inside},
    store::Store,
};
use licentia_core::{Code, Key, KeyPurpose, KeyStatus, Keyring, Keyset, KeysetMark, Preparation, Timestamp};

/// Name in the store of the newest keyset of each root key: the root's thumbprint, the sequence and the digest.
const SEEN: &str = "keyset.seen";
/// Most roots whose keysets are remembered. A vendor who replaces the root has two; a shared store may serve several.
const ROOTS: usize = 8;

/// One set of keys. It never changes; it is replaced.
#[derive(Debug)]
pub(crate) struct Trust {
    keys: Vec<Key>,
    keyset: Box<[u8]>,
    /// Counts replacements: a token verified under an older generation is verified again.
    pub(crate) generation: u64,
    /// Sequence number of the keyset; 0 for a simple list.
    pub(crate) sequence: u64,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires: Option<Timestamp>,
    /// What is remembered of the keyset; none of a simple list.
    mark: Option<KeysetMark>,
}

impl Trust {
    pub(crate) fn keyring(&self) -> Keyring<'_> {
        Keyring::of_keyset(&self.keys, &self.keyset)
    }
}

/// The key with tables, if it signs licences that may still arrive.
fn prepare_key(tables: Option<&Preparation>, key: Key) -> Key {
    match tables {
        Some(tables) if key.purpose() == KeyPurpose::License && key.status() != KeyStatus::Revoked => {
            tables.key(&key)
        }
        _ => key,
    }
}

/// The keys in use, and what replacing them needs.
pub(crate) struct Trusted {
    root: Option<Key>,
    store: Arc<dyn Store>,
    /// How keys get tables; without it they have none.
    tables: Option<Preparation>,
    current: ArcSwap<Trust>,
    replacing: Mutex<()>,
}

impl Trusted {
    /// Starts with a list of keys, and a root key if keysets are to be loaded.
    pub(crate) fn new(
        keys: Vec<Key>,
        root: Option<Key>,
        tables: Option<Preparation>,
        store: Arc<dyn Store>,
    ) -> Self {
        let keys = keys.into_iter().map(|key| prepare_key(tables.as_ref(), key)).collect();
        let trust = Trust {
            keys,
            keyset: Box::default(),
            generation: 0,
            sequence: 0,
            issued_at: Timestamp::EPOCH,
            expires: None,
            mark: None,
        };
        Self { root, store, tables, current: ArcSwap::from_pointee(trust), replacing: Mutex::new(()) }
    }

    pub(crate) fn current(&self) -> Guard<Arc<Trust>> {
        self.current.load()
    }

    /// Replaces the keys by those of a newer keyset. Returns `false` if it is the present one. `known` is the latest
    /// time that is known, or 1970: keys in use never give way to a keyset that expired before.
    pub(crate) fn load(&self, bytes: &[u8], known: Timestamp) -> Result<bool, LoadError> {
        let root = self.root.as_ref().ok_or(LoadError::NoRoot)?;
        let refused = LoadError::refused(Loadable::Keyset);
        let keyset = Keyset::read(bytes, root).map_err(&refused)?;
        let prepared = |key: Result<Key, Code>| Ok(prepare_key(self.tables.as_ref(), key?));
        let keys = keyset.keys().map(prepared).collect::<Result<Vec<_>, Code>>().map_err(&refused)?;
        let _inside = Inside::enter();
        let _one_at_a_time = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current.load();
        let in_use = !current.keys.is_empty() && current.expires.is_none_or(|expires| known < expires);
        let expired = keyset.expires() <= known.max(keyset.issued_at());
        let seen = keyset.mark();
        // Also compared with the one in use: a store may have lost its mark.
        let other = replaces(&keyset, current.mark.as_ref())?;
        loop {
            let saved = self.store.load(SEEN).map_err(LoadError::store(Loadable::Keyset))?;
            let mut marks = decode(saved.as_deref().unwrap_or_default(), seen.root);
            let newer = replaces(&keyset, marks.iter().find(|mark| mark.root == seen.root))?;
            if !newer && !other {
                return Ok(false);
            }
            if in_use && expired {
                return Err(LoadError::Expired { expires: keyset.expires() });
            }
            marks.retain(|mark| mark.root != seen.root);
            marks.push(seen);
            // Saved before it is used: after a crash the older one must not come back. If another process saved a mark
            // meanwhile, the keyset is compared with that one.
            let replaced = self.store.replace(SEEN, saved.as_deref(), &encode(&marks));
            if replaced.map_err(LoadError::store(Loadable::Keyset))? {
                break;
            }
        }
        if !other {
            return Ok(false);
        }
        self.current.store(Arc::new(Trust {
            keys,
            keyset: bytes.into(),
            generation: current.generation.saturating_add(1),
            sequence: keyset.sequence(),
            issued_at: keyset.issued_at(),
            expires: Some(keyset.expires()),
            mark: Some(seen),
        }));
        Ok(true)
    }
}

/// Whether a keyset may replace the one of a mark: see [`Keyset::replaces`].
fn replaces(keyset: &Keyset<'_>, mark: Option<&KeysetMark>) -> Result<bool, LoadError> {
    let (what, given) = (Loadable::Keyset, keyset.sequence());
    keyset.replaces(mark).map_err(|code| match mark {
        Some(mark) if mark.sequence > given => LoadError::Older { what, code, given, newest: mark.sequence },
        _ => LoadError::Different { what, code, sequence: given },
    })
}

fn encode(marks: &[KeysetMark]) -> Vec<u8> {
    let newest = marks.get(marks.len().saturating_sub(ROOTS)..).unwrap_or_default();
    let encoded =
        newest.iter().map(|mark| [&mark.root, &mark.sequence.to_be_bytes()[..], &mark.digest].concat());
    encoded.flatten().collect()
}

/// The mark of each root. An earlier version saved one mark without a root; it is taken to be of `root`, the present one.
fn decode(saved: &[u8], root: [u8; 32]) -> Vec<KeysetMark> {
    let mark = |root: &[u8; 32], sequence: &[u8; 8], digest: &[u8; 32]| KeysetMark {
        root: *root,
        sequence: u64::from_be_bytes(*sequence),
        digest: *digest,
    };
    if let Some((sequence, rest)) = saved.split_first_chunk::<8>()
        && let Ok(digest) = rest.try_into()
    {
        return vec![mark(&root, sequence, digest)];
    }
    let marks = saved.as_chunks::<72>().0.iter();
    let parts = marks.filter_map(|saved| {
        let (root, rest) = saved.split_first_chunk::<32>()?;
        let (sequence, digest) = rest.split_first_chunk::<8>()?;
        Some(mark(root, sequence, digest.try_into().ok()?))
    });
    parts.collect()
}
