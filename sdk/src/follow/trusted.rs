//! A gate whose keyset and bundles are replaced while it runs.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::watch;

use crate::{gate::Gate, license::LoadError};

/// A gate whose keyset and bundles are looked for again and again. Clones share it.
#[derive(Clone, Debug)]
pub struct Trusted {
    gate: Arc<Gate>,
    /// Counts what was loaded.
    loaded: watch::Sender<u64>,
    /// Counts how often every place was looked at.
    polled: watch::Sender<u64>,
    /// Bundles that are followed and none of which was loaded yet.
    missing: Arc<AtomicUsize>,
}

impl Trusted {
    pub(super) fn new(gate: Gate) -> Self {
        Self {
            gate: Arc::new(gate),
            loaded: watch::channel(0).0,
            polled: watch::channel(0).0,
            missing: Arc::default(),
        }
    }

    /// How many of the bundles that are followed were never loaded: until they are, licences that need one are refused.
    pub fn missing_bundles(&self) -> usize {
        self.missing.load(Ordering::Relaxed)
    }

    pub(super) fn note_missing(&self, bundles: usize) {
        self.missing.store(bundles, Ordering::Relaxed);
    }

    /// Every place was looked at.
    pub(super) fn note_polled(&self) {
        self.polled.send_modify(|polled| *polled = polled.wrapping_add(1));
    }

    /// The gate.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Loads a keyset, as [`Gate::load_keyset`] does, and lets open streams be checked again.
    ///
    /// # Errors
    /// Those of [`Gate::load_keyset`].
    pub fn load_keyset(&self, keyset: &[u8]) -> Result<bool, LoadError> {
        self.noting(self.gate.load_keyset(keyset))
    }

    /// Loads a revocation bundle or a delta, as [`Gate::load_revocation`] does, and lets open streams be checked again.
    ///
    /// # Errors
    /// Those of [`Gate::load_revocation`].
    pub fn load_revocation(&self, bundle: &[u8]) -> Result<bool, LoadError> {
        self.noting(self.gate.load_revocation(bundle))
    }

    /// Loads a bundle and the deltas that came after it, as one.
    pub(super) fn load_chain(&self, chain: &[Vec<u8>]) -> Result<bool, LoadError> {
        self.noting(self.gate.load_revocation_chain(chain))
    }

    /// Changes whenever something new was loaded.
    pub fn loaded(&self) -> watch::Receiver<u64> {
        self.loaded.subscribe()
    }

    /// Changes whenever every place was looked at.
    pub fn polled(&self) -> watch::Receiver<u64> {
        self.polled.subscribe()
    }

    fn noting(&self, result: Result<bool, LoadError>) -> Result<bool, LoadError> {
        if let Ok(true) = result {
            self.loaded.send_modify(|loaded| *loaded = loaded.wrapping_add(1));
        }
        result
    }
}
