//! What an HTTP request needs of a licence.

use std::{borrow::Borrow, sync::Arc};

use licentia_core::Timestamp;

use crate::gate::Request;

use super::token_source::TokenSource;

/// What an HTTP request needs of a licence: what its route asks for, and what is known of this request. Routes share it:
/// cloning copies no name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Needs {
    /// The operation for events, such as `GET /exports/{id}`. Without it, events have method and path.
    pub action: Option<Arc<str>>,
    /// Who presents the licence for events, such as an address.
    pub source: Option<Arc<str>>,
    /// The service that the licence must be for, instead of the gate's own audience.
    pub audience: Option<Arc<str>>,
    /// Features that the licence must have.
    pub features: Arc<[Box<str>]>,
    /// Meters, and what the request costs; or the most that it may cost, if the cost is known late.
    pub meters: Arc<[(Box<str>, u64)]>,
    /// Rates, and what the request counts.
    pub rates: Arc<[(Box<str>, u64)]>,
    /// The job that the request is about: see [`Request::job`].
    pub job: Option<Arc<str>>,
    /// SHA-256 of this machine's fingerprint.
    pub node: Option<[u8; 32]>,
    /// The date of the running release.
    pub release: Option<Timestamp>,
    /// Where the token is looked for, in this order.
    pub tokens: Arc<[TokenSource]>,
}

impl Needs {
    /// Needs a valid licence in `Authorization`, and nothing else.
    pub fn new() -> Self {
        Self {
            action: None,
            source: None,
            audience: None,
            features: Arc::default(),
            meters: Arc::default(),
            rates: Arc::default(),
            job: None,
            node: None,
            release: None,
            tokens: Arc::new([TokenSource::Authorization]),
        }
    }

    /// Names the operation.
    pub fn action(self, action: impl Into<Arc<str>>) -> Self {
        Self { action: Some(action.into()), ..self }
    }

    /// Names who presents the licence.
    pub fn source(self, source: impl Into<Arc<str>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// Names the service.
    pub fn audience(self, audience: impl Into<Arc<str>>) -> Self {
        Self { audience: Some(audience.into()), ..self }
    }

    /// Needs all of these features.
    pub fn features<N: AsRef<str>>(self, features: impl IntoIterator<Item = N>) -> Self {
        Self { features: features.into_iter().map(|name| name.as_ref().into()).collect(), ..self }
    }

    /// Charges these meters, all or none.
    pub fn meters<N: AsRef<str>>(self, meters: impl IntoIterator<Item: Borrow<(N, u64)>>) -> Self {
        Self { meters: costs(meters), ..self }
    }

    /// Counts against these rates.
    pub fn rates<N: AsRef<str>>(self, rates: impl IntoIterator<Item: Borrow<(N, u64)>>) -> Self {
        Self { rates: costs(rates), ..self }
    }

    /// Names the job: trying it again costs nothing. Clients choose most request ids, so name it by something that they
    /// don't.
    pub fn job(self, job: impl Into<Arc<str>>) -> Self {
        Self { job: Some(job.into()), ..self }
    }

    /// Names this machine, by the SHA-256 of its fingerprint.
    pub fn node(self, fingerprint: [u8; 32]) -> Self {
        Self { node: Some(fingerprint), ..self }
    }

    /// Names the date of the running release.
    pub fn release(self, date: impl Into<Timestamp>) -> Self {
        Self { release: Some(date.into()), ..self }
    }

    /// Looks for the token in these places, in this order.
    pub fn tokens(self, sources: impl IntoIterator<Item = TokenSource>) -> Self {
        Self { tokens: sources.into_iter().collect(), ..self }
    }

    /// The same without charges, for asking again whether a stream may stay open.
    pub fn without_charges(self) -> Self {
        Self { meters: Arc::default(), rates: Arc::default(), job: None, ..self }
    }

    /// Calls `ask` with these needs as a [`Request`], which has no proof.
    pub fn with<T>(&self, ask: impl FnOnce(&Request<'_>) -> T) -> T {
        ask(&Names::of(self).request())
    }
}

impl Default for Needs {
    fn default() -> Self {
        Self::new()
    }
}

fn costs<N: AsRef<str>>(costs: impl IntoIterator<Item: Borrow<(N, u64)>>) -> Arc<[(Box<str>, u64)]> {
    let cost = |cost: &(N, u64)| (cost.0.as_ref().into(), cost.1);
    costs.into_iter().map(|item| cost(item.borrow())).collect()
}

/// The names of needs, as a [`Request`] borrows them.
pub(super) struct Names<'n> {
    needs: &'n Needs,
    features: Vec<&'n str>,
    meters: Vec<(&'n str, u64)>,
    rates: Vec<(&'n str, u64)>,
}

impl<'n> Names<'n> {
    pub(super) fn of(needs: &'n Needs) -> Self {
        let costs =
            |costs: &'n [(Box<str>, u64)]| costs.iter().map(|(name, cost)| (&**name, *cost)).collect();
        let features = needs.features.iter().map(|name| &**name).collect();
        Self { needs, features, meters: costs(&needs.meters), rates: costs(&needs.rates) }
    }

    pub(super) fn request(&self) -> Request<'_> {
        let mut request = Request::new().features(&self.features).meters(&self.meters).rates(&self.rates);
        if let Some(action) = &self.needs.action {
            request = request.action(action);
        }
        if let Some(source) = &self.needs.source {
            request = request.source(source);
        }
        if let Some(audience) = &self.needs.audience {
            request = request.audience(audience);
        }
        if let Some(job) = &self.needs.job {
            request = request.job(job);
        }
        if let Some(node) = &self.needs.node {
            request = request.node(node);
        }
        if let Some(release) = self.needs.release {
            request = request.release(release);
        }
        request
    }
}
