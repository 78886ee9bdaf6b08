//! The keys that a gate trusts, and their replacement while checks run.

use std::sync::{Arc, Mutex, PoisonError};

use crate::swap::ArcSwap;
use licentia_core::{Code, Key, KeyPurpose, KeyStatus, Keyring, Keyset, KeysetMark, Preparation};

use crate::store::Store;

/// Name of the newest keyset's sequence and digest in the store.
const SEEN: &str = "keyset.seen";

/// One set of keys. It never changes; another one takes its place.
#[derive(Debug)]
pub(crate) struct Trust {
    keys: Vec<Key>,
    keyset: Box<[u8]>,
    /// Counts replacements, so that what was verified under older keys is told from what was not.
    pub(crate) generation: u64,
    /// Sequence number of the keyset; 0 for a simple list.
    pub(crate) sequence: u64,
    pub(crate) issued_at: u64,
    pub(crate) expires: Option<u64>,
}

impl Trust {
    pub(crate) fn keyring(&self) -> Keyring<'_> {
        Keyring::of_keyset(&self.keys, &self.keyset)
    }
}

/// A key with its tables, where it signs licences that may still come.
fn prepare(preparation: Option<&Preparation>, key: Key) -> Key {
    match preparation {
        Some(preparation) if key.purpose() == KeyPurpose::License && key.status() != KeyStatus::Revoked => {
            preparation.key(&key)
        }
        _ => key,
    }
}

/// The present keys, and what is needed to replace them.
pub(crate) struct Trusted {
    root: Option<Key>,
    store: Arc<dyn Store>,
    /// How keys get their tables, where they do.
    preparation: Option<Preparation>,
    current: ArcSwap<Trust>,
    replacing: Mutex<()>,
}

impl Trusted {
    /// Starts with a simple list of keys, and a root key where keysets are to be loaded.
    pub(crate) fn new(
        keys: Vec<Key>,
        root: Option<Key>,
        preparation: Option<Preparation>,
        store: Arc<dyn Store>,
    ) -> Self {
        let keys = keys.into_iter().map(|key| prepare(preparation.as_ref(), key)).collect();
        let trust =
            Trust { keys, keyset: Box::default(), generation: 0, sequence: 0, issued_at: 0, expires: None };
        Self { root, store, preparation, current: ArcSwap::from_pointee(trust), replacing: Mutex::new(()) }
    }

    pub(crate) fn current(&self) -> crate::swap::Guard<Arc<Trust>> {
        self.current.load()
    }

    /// Replaces the keys by those of a newer keyset; `false` where it is the present one.
    pub(crate) fn load(&self, bytes: &[u8]) -> Result<bool, Code> {
        let root = self.root.as_ref().ok_or(Code::InvalidArgument)?;
        let keyset = Keyset::read(bytes, root)?;
        let prepare = |key: Result<Key, Code>| Ok(prepare(self.preparation.as_ref(), key?));
        let keys = keyset.keys().map(prepare).collect::<Result<Vec<_>, Code>>()?;
        let _one_at_a_time = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current.load();
        let seen = keyset.mark();
        let value = [&seen.sequence.to_be_bytes()[..], &seen.digest].concat();
        loop {
            let saved = self.store.load(SEEN).map_err(|_| Code::StoreUnreachable)?;
            let newer = keyset.replaces(saved.as_deref().and_then(decode).as_ref())?;
            if !newer && current.sequence == keyset.sequence() {
                return Ok(false);
            }
            // Remembered before it is used: after a crash the older one must not come back. Where another process has
            // remembered something meanwhile, it is held against that.
            let replaced = self.store.replace(SEEN, saved.as_deref(), &value);
            if replaced.map_err(|_| Code::StoreUnreachable)? {
                break;
            }
        }
        self.current.store(Arc::new(Trust {
            keys,
            keyset: bytes.into(),
            generation: current.generation.saturating_add(1),
            sequence: keyset.sequence(),
            issued_at: keyset.issued_at(),
            expires: Some(keyset.expires()),
        }));
        Ok(true)
    }
}

fn decode(saved: &[u8]) -> Option<KeysetMark> {
    let (sequence, digest) = saved.split_first_chunk::<8>()?;
    Some(KeysetMark { sequence: u64::from_be_bytes(*sequence), digest: digest.try_into().ok()? })
}
