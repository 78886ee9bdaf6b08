//! A `tower` layer that checks each request before the service gets it.
//!
//! The licence is in `Authorization: Bearer lic1_...` (RFC 6750), a proof of possession in `Licentia-Proof` in unpadded
//! base64url. The response to a denied request has the status, header fields and problem details of the decision. An
//! allowed request has an [`Admitted`] in its extensions, and its response the `RateLimit` fields.
//!
//! Meters are charged before the service is called. With [`LicenseLayer::charge_on_success`] they are reserved, and charged
//! when the response is there: not for a server error, and for what the work did cost if the service says so ([`Cost`]).
//!
//! A check that must ask the gate's store waits as a future does ([`Gate::check_async`]): it blocks no thread of the async
//! runtime, and starts none.

use std::{
    borrow::Cow,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use http::{
    HeaderMap, HeaderName, HeaderValue, Request as HttpRequest, Response, StatusCode, header, request::Parts,
};
use licentia_core::{
    Buffer, State,
    http::{PROBLEM_TYPE, PROOF_FIELD, bearer},
    text::decode_base64url,
};
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    gate::{Decision, Gate, Proof, Request, Reservation},
    license::{License, Licensed},
    platform::Now,
};

/// The header field of the proof of possession.
pub const PROOF: HeaderName = HeaderName::from_static(PROOF_FIELD);

/// A layer, with what its routes need of a licence.
#[derive(Clone, Debug)]
#[must_use]
pub struct LicenseLayer {
    gate: Arc<Gate>,
    features: &'static [&'static str],
    meters: &'static [(&'static str, u64)],
    rates: &'static [(&'static str, u64)],
    origin: Arc<str>,
    /// Which responses are charged, if meters are charged only then.
    charged: Option<fn(StatusCode) -> bool>,
}

impl LicenseLayer {
    /// Needs a valid licence, and nothing else.
    pub fn new(gate: Arc<Gate>) -> Self {
        Self { gate, features: &[], meters: &[], rates: &[], origin: Arc::from(""), charged: None }
    }

    /// Needs all of these features.
    pub fn features(self, features: &'static [&'static str]) -> Self {
        Self { features, ..self }
    }

    /// Charges these meters, all or none, before it calls the service.
    pub fn meters(self, meters: &'static [(&'static str, u64)]) -> Self {
        Self { meters, ..self }
    }

    /// Charges the meters only if the response is no server error (5xx, RFC 9110, section 15.6) and the service does not
    /// fail. Until then they are reserved: set them to the most that a request may cost, and let the service say what it
    /// did cost with [`Cost`], or commit [`Admitted::reservation`] itself.
    ///
    /// Rates are counted in any case. A client that goes away before the response is charged, since the work may have
    /// been done; a service that panics is not.
    pub fn charge_on_success(self) -> Self {
        self.charge_if(|status| !status.is_server_error())
    }

    /// As [`LicenseLayer::charge_on_success`], but `charged` says for which status the meters are charged.
    pub fn charge_if(self, charged: fn(StatusCode) -> bool) -> Self {
        Self { charged: Some(charged), ..self }
    }

    /// Counts against these rates.
    pub fn rates(self, rates: &'static [(&'static str, u64)]) -> Self {
        Self { rates, ..self }
    }

    /// The public origin, such as `https://api.acme.example`, which precedes path and query in proofs. Without it
    /// every proof is refused as `proof_wrong_uri`: the `Host` field is the client's to choose.
    ///
    /// A layer checks proofs that do not cover the body, since it has not read the body.
    pub fn origin(self, origin: &str) -> Self {
        Self { origin: Arc::from(origin), ..self }
    }

    async fn check(&self, parts: &Parts) -> Checked {
        let authorization = joined(&parts.headers, &header::AUTHORIZATION);
        let token = authorization.as_deref().and_then(bearer).unwrap_or("");
        let target = original(parts);
        let path = target.path_and_query().map_or("/", |path| path.as_str());
        // Without an origin a proof would name no service: the empty URI matches none.
        let uri = if self.origin.is_empty() { String::new() } else { format!("{}{path}", self.origin) };
        let action = format!("{} {}", parts.method, target.path());
        let proof = proof(&parts.headers);
        let mut request =
            Request::new().action(&action).features(self.features).meters(self.meters).rates(self.rates);
        if let Some(bytes) = &proof {
            request = request.proof(Proof { bytes, method: parts.method.as_str(), uri: &uri, body: None });
        }
        if self.charged.is_none() {
            return Checked::new(&self.gate.check_async(token, &request, Now::system()).await, None);
        }
        let (decision, reservation) = self.gate.reserve_async(token, &request, Now::system()).await;
        Checked::new(&decision, reservation)
    }
}

/// The URI that the client asked for: a nested router strips its prefix from the one in the parts.
fn original(parts: &Parts) -> &http::Uri {
    #[cfg(feature = "axum")]
    if let Some(axum::extract::OriginalUri(uri)) = parts.extensions.get() {
        return uri;
    }
    &parts.uri
}

/// The value of a field that may stand several times (RFC 9110, section 5.3). Joined like this, two licences are no
/// licence, as with every other middleware and server.
fn joined<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, str>> {
    let mut values = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("!"));
    let first = values.next()?;
    Some(values.fold(Cow::Borrowed(first), |all, value| Cow::Owned(format!("{all}, {value}"))))
}

/// What a response needs of a decision.
struct Checked {
    fields: Vec<(HeaderName, HeaderValue)>,
    verdict: Result<Admitted, (u16, String)>,
}

impl Checked {
    fn new(decision: &Decision<'_>, reservation: Option<Reservation>) -> Self {
        let field = |(name, value): (&'static str, String)| {
            Some((HeaderName::from_static(name), HeaderValue::try_from(value).ok()?))
        };
        let fields = decision.http_headers().into_iter().filter_map(field).collect();
        let verdict = if decision.is_allowed() {
            let reserved = reservation.map(|held| Arc::new(Mutex::new(Some(held))));
            Ok(Admitted { licensed: decision.shared_license(), state: decision.state(), reserved })
        } else {
            Err((decision.http_status(), decision.problem()))
        };
        Self { fields, verdict }
    }
}

/// The licence of an allowed request, in the request's extensions.
#[derive(Clone)]
pub struct Admitted {
    licensed: Option<Arc<Licensed>>,
    state: State,
    /// What is reserved, until somebody takes it.
    reserved: Option<Arc<Mutex<Option<Reservation>>>>,
}

/// What a request did cost, in the extensions of its response: at most what the layer reserved of each meter. Meters
/// that it does not name cost what was reserved. See [`LicenseLayer::charge_on_success`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost(pub Vec<(String, u64)>);

/// Charges what is reserved when the response is there. If it never comes, because the client has gone, everything is
/// charged; if the service panics, nothing.
struct Pending {
    reserved: Option<Arc<Mutex<Option<Reservation>>>>,
}

impl Pending {
    fn take(&mut self) -> Option<Reservation> {
        self.reserved
            .take()
            .and_then(|reserved| reserved.lock().unwrap_or_else(PoisonError::into_inner).take())
    }

    /// Ends the reservation, unless the service has taken it.
    fn end(mut self, charge: bool, cost: &Cost) {
        let Some(reservation) = self.take() else { return };
        if !charge {
            return reservation.cancel();
        }
        let cost: Vec<_> = cost.0.iter().map(|(meter, units)| (meter.as_str(), *units)).collect();
        // A cost above what was reserved charges all of that: no more can be.
        let _ = reservation.commit(&cost);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(reservation) = self.take() {
            if std::thread::panicking() {
                reservation.cancel();
            } else {
                let _ = reservation.commit(&[]);
            }
        }
    }
}

impl Admitted {
    /// What the layer has reserved, for a service that knows its cost only after the response has begun, such as one
    /// that streams. It is then the service's to commit; dropping it charges nothing. `None` if nothing is reserved, or
    /// it was taken before. See [`LicenseLayer::charge_on_success`].
    pub fn reservation(&self) -> Option<Reservation> {
        self.reserved.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The licence; none if an advisory gate allowed a request without a valid licence.
    pub fn license(&self) -> Option<License<'_>> {
        self.licensed.as_ref().map(|licensed| licensed.license())
    }

    /// The state in which it grants the request.
    pub fn state(&self) -> State {
        self.state
    }
}

impl<S> Layer<S> for LicenseLayer {
    type Service = Licensing<S>;

    fn layer(&self, inner: S) -> Licensing<S> {
        Licensing { inner, layer: self.clone() }
    }
}

/// A service behind a gate.
#[derive(Clone, Debug)]
pub struct Licensing<S> {
    inner: S,
    layer: LicenseLayer,
}

impl<S, In, Out> Service<HttpRequest<In>> for Licensing<S>
where
    S: Service<HttpRequest<In>, Response = Response<Out>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: 'static,
    In: Send + 'static,
    Out: From<String>,
{
    type Response = Response<Out>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequest<In>) -> Self::Future {
        let (parts, body) = request.into_parts();
        // This request uses the service that is ready; the copy becomes ready for the next one.
        let copy = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, copy);
        let layer = self.layer.clone();
        let charged = layer.charged;
        Box::pin(async move {
            let Checked { fields, verdict } = layer.check(&parts).await;
            let mut parts = parts;
            match verdict {
                Ok(admitted) => {
                    let pending = Pending { reserved: admitted.reserved.clone() };
                    parts.extensions.insert(admitted);
                    let mut response = match inner.call(HttpRequest::from_parts(parts, body)).await {
                        Ok(response) => response,
                        Err(error) => {
                            pending.end(false, &Cost::default());
                            return Err(error);
                        }
                    };
                    let cost = response.extensions_mut().remove::<Cost>().unwrap_or_default();
                    pending.end(charged.is_none_or(|charged| charged(response.status())), &cost);
                    response.headers_mut().extend(fields);
                    Ok(response)
                }
                Err((status, problem)) => {
                    let mut response = Response::new(Out::from(problem));
                    *response.status_mut() =
                        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                    response.headers_mut().extend(fields);
                    let media_type = HeaderValue::from_static(PROBLEM_TYPE);
                    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
                    Ok(response)
                }
            }
        })
    }
}

/// The bytes of the proof. Text that is not base64url becomes an empty proof, which is refused as malformed.
fn proof(headers: &HeaderMap) -> Option<Vec<u8>> {
    let text = joined(headers, &PROOF)?;
    Some(decode_base64url(&text, &mut Buffer::new()).map(<[u8]>::to_vec).unwrap_or_default())
}

impl fmt::Debug for Admitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admitted")
            .field("license", &self.license())
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
