//! A licence as a gate keeps it between requests.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use licentia_core::{Step, claims::Kept, revocation::Head};

use crate::{account::Counters, swap::Guard};

/// A token that was authenticated, and what belongs to it.
pub(crate) struct Token {
    pub(crate) text: Box<str>,
    pub(crate) kept: Kept<Box<[u8]>>,
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
    pub(crate) revocation: Option<(Head, bool)>,
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
