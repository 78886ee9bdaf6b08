//! Looks licences up: in the cache, or with the keys and bundles in use.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use licentia_core::{
    Check, Code, Explanation, Facts, Key, Preparation, Timestamp, authenticate, inner::decode, limits,
};

use crate::{
    metering::{Accounts, Driver},
    platform::{Guard, Now},
    store::Store,
};

use super::{
    cache::Cache,
    error::LoadError,
    licensed::{Found, Licensed, Token, TrustSnapshot},
    revocations::{Bundles, Revocations},
    trust::{Trust, Trusted},
};

/// What [`Licences`] starts with.
pub(crate) struct LicenceSettings {
    pub(crate) keys: Vec<Key>,
    pub(crate) root: Option<Key>,
    /// How the keys get tables; without it they have none.
    pub(crate) tables: Option<Preparation>,
    pub(crate) cache_capacity: usize,
    pub(crate) share_rates: bool,
}

/// Every licence that a gate knows, with the keys and the revocations that it is held against.
pub(crate) struct Licences {
    trusted: Trusted,
    revocations: Revocations,
    /// How many keysets and bundles were loaded.
    epoch: AtomicU64,
    cache: Cache,
    accounts: Accounts,
    driver: Arc<Driver>,
}

impl Licences {
    pub(crate) fn new(settings: LicenceSettings, store: &Arc<dyn Store>, driver: Arc<Driver>) -> Self {
        let LicenceSettings { keys, root, tables, cache_capacity, share_rates } = settings;
        Self {
            trusted: Trusted::new(keys, root, tables, Arc::clone(store)),
            revocations: Revocations::new(Arc::clone(store)),
            epoch: AtomicU64::new(0),
            cache: Cache::new(cache_capacity),
            accounts: Accounts::new(share_rates),
            driver,
        }
    }

    /// Loads a newer keyset; `false` if it is the one in use. `known` is the latest time that is known, or 1970.
    pub(crate) fn load_keyset(&self, keyset: &[u8], known: Timestamp) -> Result<bool, LoadError> {
        let newer = self.trusted.load(keyset, known)?;
        self.epoch.fetch_add(u64::from(newer), Ordering::Release);
        Ok(newer)
    }

    /// Loads a newer bundle, or a delta on the one in use; `false` if it is the one in use.
    #[cfg(feature = "follow")]
    pub(crate) fn load_revocation_chain(&self, chain: &[Vec<u8>]) -> Result<bool, LoadError> {
        let newer = self.revocations.load_chain(chain, &self.trusted)?;
        self.epoch.fetch_add(u64::from(newer), Ordering::Release);
        Ok(newer)
    }

    pub(crate) fn load_revocation(&self, bundle: &[u8]) -> Result<bool, LoadError> {
        let newer = self.revocations.load(bundle, &self.trusted)?;
        self.epoch.fetch_add(u64::from(newer), Ordering::Release);
        Ok(newer)
    }

    /// The bundles in use.
    pub(crate) fn bundles(&self) -> Guard<Arc<Bundles>> {
        self.revocations.current()
    }

    /// Counts the keysets that were loaded.
    pub(crate) fn keys_generation(&self) -> u64 {
        self.trusted.current().generation
    }

    /// The counters of every licence that is known.
    pub(crate) fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Whether `token` was verified with the keys in use.
    pub(crate) fn has_verified(&self, token: &str) -> bool {
        let (found, generation) = (self.cache.find(token), self.trusted.current().generation);
        found.is_some_and(|found| found.get().is_some_and(|licensed| licensed.generation == generation))
    }

    /// Finds a licence in the cache, or looks it up.
    pub(crate) fn find(
        &self,
        token: &str,
        now: Now,
        explanation: &mut Explanation<'_>,
    ) -> Result<Found, Code> {
        let epoch = self.epoch.load(Ordering::Acquire);
        let cached = self.cache.find(token);
        match cached {
            Some(found) if found.get().is_some_and(|licensed| licensed.is_current(epoch)) => {
                explanation.resume(found.get().map_or(&[], |licensed| &licensed.passed));
                Ok(found)
            }
            cached => self.look_up(token, cached.as_ref().and_then(Found::get), now, explanation),
        }
    }

    /// Looks a token up with the keys and the bundles in use, and caches the result. A signature that was verified
    /// with the same keys is not verified again.
    #[cold]
    fn look_up(
        &self,
        token: &str,
        cached: Option<&Licensed>,
        now: Now,
        explanation: &mut Explanation<'_>,
    ) -> Result<Found, Code> {
        // Read first: what is loaded during the look-up must make it outdated.
        let epoch = self.epoch.load(Ordering::Acquire);
        let trust = self.trusted.current();
        let token = match cached.filter(|licensed| licensed.generation == trust.generation) {
            Some(licensed) => Arc::clone(&licensed.token),
            None => Arc::new(verify(token, &trust, explanation)?),
        };
        explanation.resume(&token.passed);
        let license = token.kept.license();
        let snapshot = TrustSnapshot { epoch, ..self.snapshot(Some(&license)) };
        let counters = self.accounts.counters(&license, now, &self.driver);
        let licensed = Arc::new(Licensed { token, snapshot, counters });
        self.cache.insert(Arc::clone(&licensed));
        Ok(Found::from(licensed))
    }

    /// The keys in use, and the bundle about a licence; without a licence, the only bundle.
    pub(crate) fn snapshot(&self, license: Option<&licentia_core::License<'_>>) -> TrustSnapshot {
        let (trust, bundles) = (self.trusted.current(), self.revocations.current());
        let (own, is_concerned) = match license {
            None => (bundles.only(), true),
            Some(license) => (
                bundles.of(license.issuer(), license.stream()),
                bundles.of_issuer(license.issuer()).any(|loaded| loaded.bundle().concerns(license)),
            ),
        };
        let revocation = own.map(|loaded| loaded.bundle().head());
        TrustSnapshot {
            epoch: 0,
            keyset: trust.sequence,
            keyset_issued_at: trust.issued_at,
            keyset_expires: trust.expires,
            revocation,
            is_concerned,
        }
    }
}

/// Authenticates a token that was not seen before with these keys.
fn verify(token: &str, trust: &Trust, explanation: &mut Explanation<'_>) -> Result<Token, Code> {
    if token.is_empty() {
        explanation.note(Check::Frame, Code::MissingToken, Facts::None)?;
    }
    // The bytes are shorter than their text.
    let mut space = vec![0; token.len().min(limits::TOKEN_BYTES)];
    let bytes = decode(token, &mut space, explanation)?;
    let mut passed = Explanation::default();
    let license = authenticate(bytes, trust.keyring(), &mut passed);
    explanation.resume(passed.steps());
    let license = license?;
    Ok(Token {
        text: token.into(),
        kept: license.keep(),
        tier: license.tier().name.into(),
        passed: passed.steps().into(),
        generation: trust.generation,
    })
}
