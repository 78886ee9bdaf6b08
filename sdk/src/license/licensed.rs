//! A verified licence as a gate holds it between requests.

use std::{ops::Deref, sync::Arc};

use licentia_core::{Claims, OwnedLicense, Step, Timestamp, revocation::BundleHead};

use crate::{metering::Counters, platform::Guard};

/// A token that was authenticated, and what was derived from it.
pub(crate) struct Token {
    pub(crate) text: Box<str>,
    pub(crate) kept: OwnedLicense<Box<[u8]>>,
    pub(crate) tier: Box<str>,
    /// The checks that it passed.
    pub(crate) passed: Box<[Step<'static>]>,
    /// The generation of keys that it was authenticated under.
    pub(crate) generation: u64,
}

/// The keys and revocations in use when a licence was looked up. While nothing new is loaded, the look-up holds.
#[derive(Clone, Copy)]
pub(crate) struct TrustSnapshot {
    /// How many keysets and bundles had been loaded.
    pub(crate) epoch: u64,
    /// The keyset's sequence number and times.
    pub(crate) keyset: u64,
    pub(crate) keyset_issued_at: Timestamp,
    pub(crate) keyset_expires: Option<Timestamp>,
    /// The bundle of the licence's issuer and stream.
    pub(crate) revocation: Option<BundleHead>,
    /// Whether a bundle of the issuer concerns the licence.
    pub(crate) is_concerned: bool,
}

/// A licence with its counters, and the snapshot that it was looked up under.
pub(crate) struct Licensed {
    pub(crate) token: Arc<Token>,
    pub(crate) snapshot: TrustSnapshot,
    pub(crate) counters: Counters,
}

impl Licensed {
    /// Whether the look-up still holds.
    pub(crate) fn is_current(&self, epoch: u64) -> bool {
        self.snapshot.epoch == epoch && !self.counters.are_outdated()
    }

    /// The licence.
    pub(crate) fn license(&self) -> License<'_> {
        License(self.kept.license())
    }
}

impl Deref for Licensed {
    type Target = Token;

    fn deref(&self) -> &Token {
        &self.token
    }
}

/// A verified licence. It has the getters of [`Claims`].
#[derive(Debug)]
pub struct License<'d>(licentia_core::License<'d>);

impl<'d> Deref for License<'d> {
    type Target = Claims<'d>;

    fn deref(&self) -> &Claims<'d> {
        &self.0
    }
}

/// The licence of a request, or none. One from the cache is not reference-counted, so that threads that see the same
/// token share no memory that they write to.
pub(crate) struct Found(Guard<Option<Arc<Licensed>>>);

impl Found {
    /// The licence.
    pub(crate) fn get(&self) -> Option<&Licensed> {
        self.0.as_deref()
    }

    /// The licence, reference-counted, to outlive the request.
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
