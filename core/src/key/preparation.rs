//! Prepared keys: with tables of multiples, a signature is checked in half the time.

use alloc::sync::Arc;

use super::key::Key;
use crate::crypto::{ed25519::PublicKey, tables::Table};

/// Prepares keys. The table of the base point is made once and shared by all keys that are prepared with it.
#[derive(Clone)]
pub struct Preparation {
    base: Arc<Table>,
}

impl core::fmt::Debug for Preparation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Preparation").field("bytes_per_key", &self.bytes_per_key()).finish()
    }
}

impl Preparation {
    /// With tables as large as fit into `bytes` for each key, and once more for the base point; `None` if even the
    /// smallest, of 81,920 bytes, does not fit. 655,360 bytes give digits of 8 bits, 220,160 bytes digits of 6.
    /// Larger tables are faster only while they fit into the processor's caches.
    pub fn within(bytes: usize) -> Option<Self> {
        Table::of_base_within(bytes).map(|base| Self { base: Arc::new(base) })
    }

    /// Bytes of the tables of one key.
    pub fn bytes_per_key(&self) -> usize {
        self.base.bytes()
    }

    /// The key with its tables. It accepts the same signatures, faster.
    #[must_use]
    pub fn key(&self, key: &Key) -> Key {
        key.clone().with_public(self.public_key(key.public()))
    }

    /// The same for a public key alone.
    #[must_use]
    pub fn public_key(&self, key: &PublicKey) -> PublicKey {
        key.clone().with_tables(&self.base)
    }
}
