//! Builds a gate.

use std::{
    error, fmt,
    sync::{Arc, atomic::AtomicU32},
};

use licentia_core::{Code, Expect, Key, Preparation};

use crate::{
    event::Sink,
    license::{LicenceSettings, Licences, LoadError},
    metering::{Driver, Outage},
    platform::process_id,
    store::{Memory, Store},
};

use super::{clock_guard::ClockGuard, gate::Gate, mode::Mode, replay::Nonces};

/// Most tokens that a cache may have space for.
const MAX_CACHED: usize = 1 << 24;

/// Builds a [`Gate`].
#[derive(Clone)]
#[must_use]
#[allow(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct GateBuilder {
    keys: Vec<Key>,
    root: Option<Key>,
    keyset: Option<Vec<u8>>,
    revocation: Option<Vec<u8>>,
    revocation_required: bool,
    issuer: Option<String>,
    audience: Option<String>,
    mode: Mode,
    skew: u64,
    proof_age: u64,
    replay_capacity: usize,
    share_proofs: bool,
    nonce_secret: Option<[u8; 32]>,
    nonces_required: bool,
    cache_capacity: usize,
    bytes_per_key: Option<usize>,
    store: Arc<dyn Store>,
    share_rates: bool,
    prefetch: bool,
    sinks: Vec<Arc<dyn Sink>>,
}

impl GateBuilder {
    /// Starts a gate that counts in memory, unless [`GateBuilder::store`] names another store.
    pub fn new() -> Self {
        Self::with_store(Arc::new(Memory::new()))
    }

    /// Starts a gate with a store for its counters and marks.
    pub fn with_store(store: Arc<dyn Store>) -> Self {
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
            share_proofs: false,
            nonce_secret: None,
            nonces_required: false,
            cache_capacity: 16_384,
            bytes_per_key: None,
            store,
            share_rates: false,
            prefetch: true,
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

    /// Refuses licences that a revocation bundle revokes, or a newer one: see [`Gate::load_revocation`]. It must be
    /// signed with a revocation key of the keyset.
    pub fn revocation(mut self, bundle: impl Into<Vec<u8>>) -> Self {
        self.revocation = Some(bundle.into());
        self
    }

    /// While no revocation bundle of a licence's issuer is loaded, applies the licence's policy for stale revocations
    /// (510 `revocation_stale`). Without this a gate that has no bundle, as after a restart, treats nothing as
    /// revoked, unless the licence itself requires a bundle.
    pub fn require_revocation(mut self) -> Self {
        self.revocation_required = true;
        self
    }

    /// Requires this issuer.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Names this service, for licences that are limited to some services.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Enforces decisions, or only reports them.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Tolerates an issuer's clock that is ahead by this many seconds. Default: 60.
    pub fn skew(mut self, seconds: u64) -> Self {
        self.skew = seconds;
        self
    }

    /// The greatest age of a proof of possession, in seconds. Default: 60.
    pub fn proof_age(mut self, seconds: u64) -> Self {
        self.proof_age = seconds;
        self
    }

    /// How many proofs are remembered against replay; when the memory is full, further ones are refused. Default:
    /// 65,536, which with proofs of 60 seconds is enough for about 500 requests a second.
    pub fn replay_capacity(mut self, proofs: usize) -> Self {
        self.replay_capacity = proofs;
        self
    }

    /// Remembers proofs in the store too, in one step with an expiry, so that one that was used at another replica is
    /// refused: the default is to remember them in this process alone. Each proof is then a round trip to the store, for
    /// which the check waits, also in [`Gate::check_async`]; while the store is out of reach, proofs are refused with [`Code::StoreUnreachable`].
    pub fn share_proofs(mut self, share: bool) -> Self {
        self.share_proofs = share;
        self
    }

    /// The secret of the nonces that refusals bring for the next proof (`Licentia-Proof-Nonce`): 32 random bytes, which
    /// all processes share that serve one address. Default: random, so that each gate takes its own nonces.
    ///
    /// An attacker who has the secret and the holder's key can make proofs of any age look new.
    pub fn nonce_secret(mut self, secret: [u8; 32]) -> Self {
        self.nonce_secret = Some(secret);
        self
    }

    /// Refuses proofs without a nonce of the service ([`Code::ProofNonceRequired`]), so that no proof is good that was
    /// made ahead of its time. Without this, a proof without a nonce is judged by its own time.
    pub fn require_proof_nonce(mut self) -> Self {
        self.nonces_required = true;
        self
    }

    /// How many verified tokens the cache has space for, at most 16,777,216. Default: 16,384. At capacity over 90 % of
    /// tokens stay cached; at half of it nearly all.
    pub fn cache_capacity(mut self, tokens: usize) -> Self {
        self.cache_capacity = tokens;
        self
    }

    /// Builds tables of up to this many bytes for each key that signs licences, and one more for all of them. They halve
    /// the time of a token that is not cached: 700,000 is fastest, 220,160 nearly as fast, 81,920 is the least.
    /// Building takes about a millisecond for each key. Default: no tables.
    pub fn prepare_keys(mut self, bytes_per_key: usize) -> Self {
        self.bytes_per_key = Some(bytes_per_key);
        self
    }

    /// Stores counters and marks here. Default: in memory.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = store;
        self
    }

    /// Shares rates with every gate on the same store that does so too: each takes short slices of a rate ahead, so that
    /// their sum keeps to the rate. Default: each gate counts rates by itself.
    pub fn share_rates(mut self, share: bool) -> Self {
        self.share_rates = share;
        self
    }

    /// Fetches units before they are used up and gives back those that nobody uses for 0.3 seconds, in the thread that
    /// asks a store for all requests. Default: `true`. A gate whose store never waits, such as memory, has no such
    /// thread. Without this, [`Gate::refill`] or a [`Refiller`](crate::Refiller) does it.
    pub fn prefetch(mut self, prefetch: bool) -> Self {
        self.prefetch = prefetch;
        self
    }

    /// Sends every decision to a sink. Call it again for further sinks.
    pub fn sink(mut self, sink: Arc<dyn Sink>) -> Self {
        self.sinks.push(sink);
        self
    }

    /// Builds the gate.
    ///
    /// # Errors
    /// [`BuildError`], which names the setting.
    pub fn build(self) -> Result<Gate, BuildError> {
        if self.keys.is_empty() && self.keyset.is_none() {
            return Err(BuildError::NoKey);
        }
        if self.cache_capacity > MAX_CACHED {
            return Err(BuildError::CacheCapacity { tokens: self.cache_capacity, max: MAX_CACHED });
        }
        let tables = match self.bytes_per_key {
            None => None,
            Some(bytes) => Some(Preparation::within(bytes).ok_or(BuildError::KeyTables { bytes })?),
        };
        let settings = LicenceSettings {
            keys: self.keys,
            root: self.root,
            tables,
            cache_capacity: self.cache_capacity,
            share_rates: self.share_rates,
        };
        let driver = Driver::new(Arc::clone(&self.store), self.prefetch);
        let gate = Gate {
            licences: Licences::new(settings, &self.store, Arc::clone(&driver)),
            revocation_required: self.revocation_required,
            issuer: self.issuer,
            audience: self.audience,
            mode: self.mode,
            skew: self.skew,
            proof_age: self.proof_age,
            nonces: if self.share_proofs {
                Nonces::new(self.replay_capacity).shared(Arc::clone(&self.store))
            } else {
                Nonces::new(self.replay_capacity)
            },
            nonce_secret: self.nonce_secret.or_else(random_secret),
            nonces_required: self.nonces_required,
            clock: Arc::new(ClockGuard::new(Arc::clone(&self.store))),
            driver,
            outage: Outage::none(),
            timed: self.sinks.iter().any(|sink| sink.is_timed()),
            sinks: self.sinks.into(),
            process: AtomicU32::new(process_id()),
        };
        if let Some(keyset) = self.keyset {
            gate.load_keyset(&keyset).map_err(BuildError::Keyset)?;
        }
        if let Some(bundle) = self.revocation {
            gate.load_revocation(&bundle).map_err(BuildError::Revocation)?;
        }
        Ok(gate)
    }
}

/// A random secret; none if there is no randomness, and then no nonce is handed out.
fn random_secret() -> Option<[u8; 32]> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).ok().map(|()| secret)
}

impl Default for GateBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for GateBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateBuilder")
            .field("keys", &self.keys.len())
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// Why a gate was not built.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// There is no key to trust.
    NoKey,
    /// [`GateBuilder::cache_capacity`] is too large.
    CacheCapacity {
        /// The tokens that were asked for.
        tokens: usize,
        /// The most that there may be.
        max: usize,
    },
    /// [`GateBuilder::prepare_keys`] is too small for any table.
    KeyTables {
        /// The bytes that were given.
        bytes: usize,
    },
    /// [`GateBuilder::keyset`] was not loaded.
    Keyset(LoadError),
    /// [`GateBuilder::revocation`] was not loaded.
    Revocation(LoadError),
}

impl BuildError {
    /// Its code: [`Code::InvalidArgument`] for a setting, else why the keyset or the bundle was refused.
    pub fn code(&self) -> Code {
        match self {
            Self::NoKey | Self::CacheCapacity { .. } | Self::KeyTables { .. } => Code::InvalidArgument,
            Self::Keyset(error) | Self::Revocation(error) => error.code(),
        }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey => f.write_str("the gate has no key to trust: add one with `key` or `keyset`"),
            Self::CacheCapacity { tokens, max } => {
                write!(f, "`cache_capacity` is {tokens} tokens: give at most {max}")
            }
            Self::KeyTables { bytes } => {
                write!(f, "`prepare_keys` has {bytes} bytes per key: give at least 81920, or leave it out")
            }
            Self::Keyset(error) => write!(f, "`keyset`: {error}"),
            Self::Revocation(error) => write!(f, "`revocation`: {error}"),
        }
    }
}

impl error::Error for BuildError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Keyset(error) | Self::Revocation(error) => Some(error),
            Self::NoKey | Self::CacheCapacity { .. } | Self::KeyTables { .. } => None,
        }
    }
}

impl From<BuildError> for Code {
    fn from(error: BuildError) -> Self {
        error.code()
    }
}
