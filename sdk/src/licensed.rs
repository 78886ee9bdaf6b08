//! A licence as a gate keeps it between requests.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use licentia_core::{
    Check, Code, Explanation, Facts, OwnedLicense, Step, authenticate, inner::decode, limits,
    revocation::BundleHead,
};

use crate::{account::Counters, gate::Gate, now::Now, revocation::Loaded, swap::Guard, trust::Trust};

/// A token that was authenticated, and what belongs to it.
pub(crate) struct Token {
    pub(crate) text: Box<str>,
    pub(crate) kept: OwnedLicense<Box<[u8]>>,
    pub(crate) tier: Box<str>,
    /// The checks that it passed.
    pub(crate) passed: Box<[Step<'static>]>,
    /// The generation of keys that it was authenticated under.
    pub(crate) generation: u64,
}

/// What a gate knew of keys and revocations when it looked at a licence: so long as nothing new is loaded, it need not
/// look again.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    /// How many keysets and bundles had been loaded.
    pub(crate) epoch: u64,
    /// The keyset's number and times.
    pub(crate) keyset: u64,
    pub(crate) keyset_issued_at: u64,
    pub(crate) keyset_expires: Option<u64>,
    /// The bundle of the licence's issuer, and whether it concerns the licence.
    pub(crate) revocation: Option<(BundleHead, bool)>,
}

/// A licence, and what is known of it.
pub(crate) struct Licensed {
    pub(crate) token: Arc<Token>,
    pub(crate) known: Known,
    pub(crate) counters: Counters,
    /// Whether its counters are of a period that is over, so that it should be looked at again.
    pub(crate) outdated: AtomicBool,
}

impl Licensed {
    /// Whether nothing new is known since it was looked at.
    pub(crate) fn is_current(&self, epoch: u64) -> bool {
        self.known.epoch == epoch && !self.outdated.load(Ordering::Relaxed)
    }
}

impl Deref for Licensed {
    type Target = Token;

    fn deref(&self) -> &Token {
        &self.token
    }
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

impl From<Guard<Option<Arc<Licensed>>>> for Found {
    fn from(guard: Guard<Option<Arc<Licensed>>>) -> Self {
        Self(guard)
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

impl Gate {
    /// Finds a licence among those that were looked at before, or looks at it.
    pub(crate) fn find(
        &self,
        token: &str,
        now: Now,
        explanation: &mut Explanation<'_>,
    ) -> Result<Found, Code> {
        let epoch = self.epoch.load(Ordering::Acquire);
        let seen = self.cache.find(token);
        match seen {
            Some(found) if found.get().is_some_and(|licensed| licensed.is_current(epoch)) => {
                explanation.resume(found.get().map_or(&[], |licensed| &licensed.passed));
                Ok(found)
            }
            seen => self.look(token, seen.as_ref().and_then(Found::get), now, explanation),
        }
    }

    /// Looks at a token with the keys and the bundles in use, and keeps what it finds. The signature is not verified
    /// again where it was with the same keys.
    #[cold]
    fn look(
        &self,
        token: &str,
        seen: Option<&Licensed>,
        now: Now,
        explanation: &mut Explanation<'_>,
    ) -> Result<Found, Code> {
        // Before the rest, so that what is loaded meanwhile is looked at again.
        let epoch = self.epoch.load(Ordering::Acquire);
        let trust = self.trusted.current();
        let token = match seen.filter(|licensed| licensed.generation == trust.generation) {
            Some(licensed) => Arc::clone(&licensed.token),
            None => Arc::new(Self::authenticate(token, &trust, explanation)?),
        };
        explanation.resume(&token.passed);
        let license = token.kept.license();
        let known = Known { epoch, ..self.known(Some(&license)) };
        let counters = self.accounts.counters(&license, now, &*self.store);
        let licensed = Arc::new(Licensed { token, known, counters, outdated: AtomicBool::new(false) });
        self.cache.insert(Arc::clone(&licensed));
        Ok(Found::from(licensed))
    }

    /// What is known of keys and revocations, and of a licence.
    pub(crate) fn known(&self, license: Option<&licentia_core::License<'_>>) -> Known {
        let (trust, bundles) = (self.trusted.current(), self.revocations.current());
        let loaded = license.map_or_else(|| bundles.only(), |license| bundles.of(license.issuer()));
        let revocation = loaded
            .map(Loaded::bundle)
            .map(|bundle| (bundle.head(), license.is_none_or(|license| bundle.concerns(license))));
        Known {
            epoch: 0,
            keyset: trust.sequence,
            keyset_issued_at: trust.issued_at,
            keyset_expires: trust.expires,
            revocation,
        }
    }

    /// Authenticates a token that was not seen before with these keys.
    fn authenticate(token: &str, trust: &Trust, explanation: &mut Explanation<'_>) -> Result<Token, Code> {
        if token.is_empty() {
            explanation.note(Check::Frame, Code::MissingToken, Facts::None)?;
        }
        // What a text says is shorter than itself.
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
}
