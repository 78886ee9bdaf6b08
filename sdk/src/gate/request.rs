//! What a gate is asked.

use licentia_core::{Timestamp, proof::Presented};

use crate::platform::Now;

/// What a request needs of a licence. It only borrows, so constructing one is free.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct Request<'a> {
    pub(super) action: &'a str,
    pub(super) source: &'a str,
    pub(super) audience: Option<&'a str>,
    pub(super) features: &'a [&'a str],
    pub(super) meters: &'a [(&'a str, u64)],
    pub(super) rates: &'a [(&'a str, u64)],
    pub(super) job: Option<&'a str>,
    pub(super) node: Option<&'a [u8; 32]>,
    pub(super) release: Option<Timestamp>,
    pub(super) proof: Option<Proof<'a>>,
}

/// A proof of possession, and the request that it came with. It has these four fields for good, so that it can be
/// constructed.
#[derive(Clone, Copy, Debug)]
pub struct Proof<'a> {
    /// The proof's bytes.
    pub bytes: &'a [u8],
    /// The request's method.
    pub method: &'a str,
    /// The request's URI, in the form that service and holder agree on.
    pub uri: &'a str,
    /// SHA-256 of its body, where the body must be signed too.
    pub body: Option<&'a [u8; 32]>,
}

impl<'a> Request<'a> {
    /// Needs a valid licence, and nothing else.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the operation or route for events, such as `GET /exports`.
    pub fn action(self, action: &'a str) -> Self {
        Self { action, ..self }
    }

    /// Names who presents the licence for events: an address, an instance. It does not affect the decision.
    pub fn source(self, source: &'a str) -> Self {
        Self { source, ..self }
    }

    /// Names the service, instead of the gate's own audience.
    pub fn audience(self, audience: &'a str) -> Self {
        Self { audience: Some(audience), ..self }
    }

    /// Needs all of these features.
    pub fn features(self, features: &'a [&'a str]) -> Self {
        Self { features, ..self }
    }

    /// Charges these meters with these costs: all of them or none. A cost of 0 reads a
    /// meter without charging it.
    pub fn meters(self, meters: &'a [(&'a str, u64)]) -> Self {
        Self { meters, ..self }
    }

    /// Counts against these rates with these costs, usually 1.
    pub fn rates(self, rates: &'a [(&'a str, u64)]) -> Self {
        Self { rates, ..self }
    }

    /// Names the job that the request is about: its meters are charged once, however often it is tried again, in
    /// this process or in others on the same store, until each meter's period ends. At most 256 bytes.
    pub fn job(self, id: &'a str) -> Self {
        Self { job: Some(id), ..self }
    }

    /// Names this machine, by the SHA-256 of a fingerprint that the host chooses.
    pub fn node(self, fingerprint: &'a [u8; 32]) -> Self {
        Self { node: Some(fingerprint), ..self }
    }

    /// Names the date of the running release.
    pub fn release(self, date: impl Into<Timestamp>) -> Self {
        Self { release: Some(date.into()), ..self }
    }

    /// Presents a proof of possession.
    pub fn proof(self, proof: Proof<'a>) -> Self {
        Self { proof: Some(proof), ..self }
    }
}

impl<'a> Proof<'a> {
    pub(super) fn presented(&self, max_age: u64) -> Presented<'a> {
        let Self { bytes, method, uri, body } = *self;
        Presented { proof: bytes, method, uri, body, max_age }
    }
}

/// Everything that a gate is asked at once.
#[derive(Clone, Copy)]
pub(crate) struct Inquiry<'r, 'a> {
    pub(crate) request: &'r Request<'a>,
    /// The seat that is wanted with it.
    pub(crate) seat: Option<SeatRequest<'r>>,
    /// Whether its meters are reserved, and charged later.
    pub(crate) reserve: bool,
    pub(crate) now: Now,
}

/// Longest name of a seat's holder, in bytes.
const HOLDER_BYTES: usize = 256;
/// Longest time to live of a seat: 31 days, in seconds.
const LONGEST_TTL: u64 = 31 * 86_400;

/// Who wants a seat, and for how many seconds.
#[derive(Clone, Copy)]
pub(crate) struct SeatRequest<'a> {
    pub(crate) holder: &'a str,
    pub(crate) ttl: u64,
}

impl SeatRequest<'_> {
    /// Whether the holder's name and the time to live are within bounds.
    pub(super) fn is_valid(&self) -> bool {
        (1..=HOLDER_BYTES).contains(&self.holder.len()) && (1..=LONGEST_TTL).contains(&self.ttl)
    }
}
