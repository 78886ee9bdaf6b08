//! What a request needs of a licence.

use licentia_core::proof::Presented;

/// What a request needs of a licence. It borrows, so that making one costs nothing.
#[derive(Clone, Copy, Default)]
#[must_use]
pub struct Request<'a> {
    pub(crate) action: &'a str,
    pub(crate) source: &'a str,
    pub(crate) audience: Option<&'a str>,
    pub(crate) features: &'a [&'a str],
    pub(crate) meters: &'a [(&'a str, u64)],
    pub(crate) rates: &'a [(&'a str, u64)],
    pub(crate) job: Option<&'a str>,
    pub(crate) node: Option<&'a [u8; 32]>,
    pub(crate) release: Option<u64>,
    pub(crate) proof: Option<Proof<'a>>,
}

/// A proof of possession, and the request that it came with.
#[derive(Clone, Copy)]
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
    /// A request that needs a good licence, and no more.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what is asked for, for events: an operation or route, such as `GET /exports`.
    pub fn action(self, action: &'a str) -> Self {
        Self { action, ..self }
    }

    /// Says who presents the licence, for events: an address, an instance. It has no part in the decision.
    pub fn source(self, source: &'a str) -> Self {
        Self { source, ..self }
    }

    /// Names the service, in place of the gate's own audience.
    pub fn audience(self, audience: &'a str) -> Self {
        Self { audience: Some(audience), ..self }
    }

    /// Needs all of these features.
    pub fn features(self, features: &'a [&'a str]) -> Self {
        Self { features, ..self }
    }

    /// Charges these meters with these costs: all of them or none. A cost of 0 looks without charging.
    pub fn meters(self, meters: &'a [(&'a str, u64)]) -> Self {
        Self { meters, ..self }
    }

    /// Counts against these rates with these costs, which are 1 for most requests.
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

    /// Names the date of the running release, in seconds since 1970.
    pub fn release(self, date: u64) -> Self {
        Self { release: Some(date), ..self }
    }

    /// Presents a proof of possession.
    pub fn proof(self, proof: Proof<'a>) -> Self {
        Self { proof: Some(proof), ..self }
    }
}

impl<'a> Proof<'a> {
    pub(crate) fn presented(&self, max_age: u64) -> Presented<'a> {
        let Self { bytes, method, uri, body } = *self;
        Presented { proof: bytes, method, uri, body, max_age }
    }
}
