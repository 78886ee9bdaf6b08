//! What a gate is made of.

use std::sync::Arc;

use licentia_core::{Code, Expect, Key};

use crate::{event::Sink, gate::Gate, store::Store};

/// Whether a gate's denials hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// What is denied is denied.
    #[default]
    Enforce,
    /// Everything is allowed; decisions and events say what would have been denied.
    Advisory,
}

/// Makes a [`Gate`].
#[derive(Clone)]
#[must_use]
pub struct Builder {
    pub(crate) keys: Vec<Key>,
    pub(crate) root: Option<Key>,
    pub(crate) keyset: Option<Vec<u8>>,
    pub(crate) revocation: Option<Vec<u8>>,
    pub(crate) revocation_required: bool,
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) mode: Mode,
    pub(crate) skew: u64,
    pub(crate) proof_age: u64,
    pub(crate) replay_capacity: usize,
    pub(crate) cache_capacity: usize,
    pub(crate) preparation: Option<usize>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) share_rates: bool,
    pub(crate) sinks: Vec<Arc<dyn Sink>>,
}

impl Builder {
    /// Starts to make a gate with a store for its counters and marks.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            keys: Vec::new(),
            root: None,
            keyset: None,
            revocation: None,
            revocation_required: false,
            issuer: None,
            audience: None,
            mode: Mode::Enforce,
            skew: Expect::DEFAULT_SKEW,
            proof_age: Expect::DEFAULT_PROOF_AGE,
            replay_capacity: 65_536,
            cache_capacity: 16_384,
            preparation: None,
            store,
            share_rates: false,
            sinks: Vec::new(),
        }
    }

    /// Trusts a key.
    pub fn key(mut self, key: Key) -> Self {
        self.keys.push(key);
        self
    }

    /// Trusts the keys of a keyset that the root key signed, and of newer ones: see [`Gate::load_keyset`].
    pub fn keyset(mut self, root: Key, keyset: impl Into<Vec<u8>>) -> Self {
        (self.root, self.keyset) = (Some(root), Some(keyset.into()));
        self
    }

    /// Refuses what a revocation bundle revokes, and what newer ones do: see [`Gate::load_revocation`]. It
    /// must be signed with a revocation key of the keyset.
    pub fn revocation(mut self, bundle: impl Into<Vec<u8>>) -> Self {
        self.revocation = Some(bundle.into());
        self
    }

    /// Refuses licences while there is no revocation bundle of their issuer, as their policy for stale
    /// revocations says (510 `revocation_stale`). Without it a gate that has no bundle, as after a restart before
    /// one is loaded, takes nothing to be revoked, unless the licence itself asks for a bundle.
    pub fn require_revocation(mut self) -> Self {
        self.revocation_required = true;
        self
    }

    /// Requires this issuer.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Names this service, for licences that name the services they are for.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Enforces decisions, or only says what they would have been.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Tolerates that the issuer's clock is ahead by this many seconds; 60 where it is not said.
    pub fn skew(mut self, seconds: u64) -> Self {
        self.skew = seconds;
        self
    }

    /// How old a proof of possession may be, in seconds; 60 where it is not said.
    pub fn proof_age(mut self, seconds: u64) -> Self {
        self.proof_age = seconds;
        self
    }

    /// How many proofs are remembered against replay; when it is full, further ones are refused. 65,536
    /// where it is not said: with proofs of 60 seconds, about 500 requests a second.
    pub fn replay_capacity(mut self, proofs: usize) -> Self {
        self.replay_capacity = proofs;
        self
    }

    /// How many verified tokens there is space for; 16,384 where it is not said. Of as many, more than nine in ten are
    /// kept; of half as many, nearly all.
    pub fn cache_capacity(mut self, tokens: usize) -> Self {
        self.cache_capacity = tokens;
        self
    }

    /// Spends up to so many bytes on tables for each key that signs licences, and once more for all, which halves
    /// the time of a token that was not seen before: 700,000 make it fastest, 220,160 nearly so, 81,920 are the
    /// least. Without it there are no tables. Making them takes about a millisecond for each key.
    pub fn prepare(mut self, bytes_per_key: usize) -> Self {
        self.preparation = Some(bytes_per_key);
        self
    }

    /// Where counters and marks are kept; in memory where it is not said.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = store;
        self
    }

    /// Shares rates with every gate that counts in the same store and is told so too: each takes short slices of a rate
    /// ahead, so that the sum over all of them keeps to it. Else a rate is counted in each gate by itself.
    pub fn share_rates(mut self, share: bool) -> Self {
        self.share_rates = share;
        self
    }

    /// Sends every decision to a sink. There may be several.
    pub fn sink(mut self, sink: Arc<dyn Sink>) -> Self {
        self.sinks.push(sink);
        self
    }

    /// Makes the gate.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] where there is no key to trust, too little space to prepare one, or a cache that would
    /// be too large to have; else what [`Gate::load_keyset`] says.
    pub fn build(self) -> Result<Gate, Code> {
        Gate::new(self)
    }
}
