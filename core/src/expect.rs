//! What a caller requires of a licence.

use core::fmt;

use crate::{
    proof::{Presented, Replay, ServiceNonces},
    revocation::bundle::Bundle,
    time::timestamp::Timestamp,
};

/// What the caller requires of a licence.
#[derive(Clone, Copy)]
#[must_use]
pub struct Expect<'a> {
    pub(crate) issuer: Option<&'a str>,
    pub(crate) audience: Option<&'a str>,
    pub(crate) features: &'a [&'a str],
    pub(crate) skew: u64,
    pub(crate) keyset_expires: Option<Timestamp>,
    pub(crate) node: Option<&'a [u8; 32]>,
    pub(crate) release: Option<Timestamp>,
    pub(crate) proof: Option<Presented<'a>>,
    pub(crate) replay: Option<&'a dyn Replay>,
    pub(crate) service_nonces: Option<ServiceNonces<'a>>,
    pub(crate) revocations: Option<Bundle<'a>>,
    pub(crate) revocations_required: bool,
}

impl Default for Expect<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Expect<'a> {
    /// Tolerance of clocks that differ, if it is not set: 60 seconds.
    pub const DEFAULT_SKEW: u64 = 60;
    /// How old a proof may be, if it is not set: 60 seconds.
    pub const DEFAULT_PROOF_AGE: u64 = 60;

    /// Requires a good signature and the right time, and no more.
    pub const fn new() -> Self {
        Self {
            issuer: None,
            audience: None,
            features: &[],
            skew: Self::DEFAULT_SKEW,
            keyset_expires: None,
            node: None,
            release: None,
            proof: None,
            replay: None,
            service_nonces: None,
            revocations: None,
            revocations_required: false,
        }
    }

    /// Requires this issuer (`iss`). Without it, whoever holds one of the keys may issue.
    pub const fn issuer(self, issuer: &'a str) -> Self {
        Self { issuer: Some(issuer), ..self }
    }

    /// Names this service. A licence that names audiences is refused by a service that is not among them.
    pub const fn audience(self, audience: &'a str) -> Self {
        Self { audience: Some(audience), ..self }
    }

    /// Requires all of these features.
    pub const fn features(self, features: &'a [&'a str]) -> Self {
        Self { features, ..self }
    }

    /// Tolerates that the issuer's clock is ahead by up to `seconds`.
    ///
    /// It applies to `iat` and `nbf` alone and so never makes a licence last longer.
    pub const fn skew(self, seconds: u64) -> Self {
        Self { skew: seconds, ..self }
    }

    /// Refuses everything from this time on: when the keyset in use expires.
    pub const fn keyset_expires(self, expires: Timestamp) -> Self {
        Self { keyset_expires: Some(expires), ..self }
    }

    /// Refuses what a revocation bundle revokes. It says nothing about the licences of another issuer.
    pub const fn revocations(self, bundle: Bundle<'a>) -> Self {
        Self { revocations: Some(bundle), ..self }
    }

    /// Requires a bundle of the licence's issuer: without one its revocation data is stale, even if the licence does not
    /// ask for one.
    pub const fn require_revocations(self) -> Self {
        Self { revocations_required: true, ..self }
    }

    /// The bundle that is asked.
    pub(crate) const fn bundle(&self) -> Option<&Bundle<'a>> {
        self.revocations.as_ref()
    }

    /// Names the machine, by the SHA-256 of a fingerprint that the host chooses.
    pub const fn node(self, fingerprint: &'a [u8; 32]) -> Self {
        Self { node: Some(fingerprint), ..self }
    }

    /// Names the date of the running release, for licences that cover releases up to one.
    pub const fn release(self, date: Timestamp) -> Self {
        Self { release: Some(date), ..self }
    }

    /// Presents a proof of possession, and a memory of the proofs that were used.
    ///
    /// Without a memory a proof can be used again for the same request until it is too old.
    pub const fn proof(self, presented: Presented<'a>, replay: Option<&'a dyn Replay>) -> Self {
        Self { proof: Some(presented), replay, ..self }
    }

    /// Takes nonces of the service in proofs, which replace the check of the proof's own time.
    pub const fn service_nonces(self, nonces: ServiceNonces<'a>) -> Self {
        Self { service_nonces: Some(nonces), ..self }
    }
}

/// What is presented is not shown: neither the proof nor the machine's fingerprint.
impl fmt::Debug for Expect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expect")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("features", &self.features)
            .field("skew", &self.skew)
            .field("keyset_expires", &self.keyset_expires)
            .field("release", &self.release)
            .field("revocations_required", &self.revocations_required)
            .finish_non_exhaustive()
    }
}
