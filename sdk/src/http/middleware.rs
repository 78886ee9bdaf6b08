//! A `tower` layer that checks each request before the service gets it.
//!
//! The licence is in `Authorization: Bearer lic1_...` (RFC 6750) or where [`LicenseLayer::tokens`] says, a proof of
//! possession in `Licentia-Proof` in unpadded base64url. The response to a denied request has the status, header fields and
//! problem details of the decision; over gRPC it has a status of gRPC. An allowed request has an [`Admitted`] in its
//! extensions, and its response the `RateLimit` fields.
//!
//! Meters are charged before the service is called. With [`LicenseLayer::charge_on_success`] they are reserved, and charged
//! when the response is there: not for a server error, and for what the work did cost if the service says so ([`Cost`]).
//!
//! A check that must ask the gate's store waits as a future does ([`Gate::check_async`]): it blocks no thread of the async
//! runtime, and starts none.

use std::{
    borrow::Borrow,
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderMap, Request as HttpRequest, Response, StatusCode, header, request::Parts};
use licentia_core::Timestamp;
use tower_layer::Layer;
use tower_service::Service;

use crate::gate::{Decision, Gate, Reservation};

use super::{
    admitted::{Admitted, Cost},
    call::{Call, fields},
    grpc,
    needs::Needs,
    presented::{Presented, offers_subprotocol, select_subprotocol},
    token_source::TokenSource,
};

/// What a request needs, beyond what its layer says.
type Each = dyn Fn(&Parts, Needs) -> Needs + Send + Sync;
/// Changes a refusal.
type Refuse = dyn Fn(&Decision<'_>, &mut Response<String>) + Send + Sync;
/// Which responses are charged.
type Charged = dyn Fn(StatusCode) -> bool + Send + Sync;

/// A layer, with what its routes need of a licence. `B` says which bodies refusals have: [`TextBody`], or
/// [`EmptyBody`] for services whose bodies are not made from text, as tonic's.
#[must_use]
pub struct LicenseLayer<B = TextBody> {
    gate: Arc<Gate>,
    needs: Needs,
    each: Option<Arc<Each>>,
    origin: Arc<str>,
    charged: Option<Arc<Charged>>,
    refuse: Option<Arc<Refuse>>,
    body: PhantomData<fn() -> B>,
}

impl LicenseLayer {
    /// Needs a valid licence, and nothing else.
    pub fn new(gate: Arc<Gate>) -> Self {
        let (needs, origin) = (Needs::new(), Arc::from(""));
        Self { gate, needs, each: None, origin, charged: None, refuse: None, body: PhantomData }
    }

    /// Answers as gRPC does, with a status in the fields and an empty body: for `tonic::transport::Server::layer`. Behind
    /// axum's routers, requests of gRPC are answered so without this.
    pub fn grpc(self) -> LicenseLayer<EmptyBody> {
        let Self { gate, needs, each, origin, charged, refuse, body: _ } = self;
        LicenseLayer { gate, needs, each, origin, charged, refuse, body: PhantomData }
    }
}

impl<B> LicenseLayer<B> {
    /// Needs all of these features.
    pub fn features<N: AsRef<str>>(self, features: impl IntoIterator<Item = N>) -> Self {
        Self { needs: self.needs.features(features), ..self }
    }

    /// Charges these meters, all or none, before it calls the service.
    pub fn meters<N: AsRef<str>>(self, meters: impl IntoIterator<Item: Borrow<(N, u64)>>) -> Self {
        Self { needs: self.needs.meters(meters), ..self }
    }

    /// Counts against these rates.
    pub fn rates<N: AsRef<str>>(self, rates: impl IntoIterator<Item: Borrow<(N, u64)>>) -> Self {
        Self { needs: self.needs.rates(rates), ..self }
    }

    /// Names the service that licences must be for, instead of the gate's own audience.
    pub fn audience(self, audience: impl Into<Arc<str>>) -> Self {
        Self { needs: self.needs.audience(audience), ..self }
    }

    /// Names this machine, by the SHA-256 of its fingerprint, for licences that are bound to machines.
    pub fn node(self, fingerprint: [u8; 32]) -> Self {
        Self { needs: self.needs.node(fingerprint), ..self }
    }

    /// Names the date of the running release, for licences with maintenance.
    pub fn release(self, date: impl Into<Timestamp>) -> Self {
        Self { needs: self.needs.release(date), ..self }
    }

    /// Looks for the token in these places, in this order. With [`TokenSource::WebSocket`] the service does not see the
    /// token among the subprotocols, and the answer selects one that the client offered.
    pub fn tokens(self, sources: impl IntoIterator<Item = TokenSource>) -> Self {
        Self { needs: self.needs.tokens(sources), ..self }
    }

    /// Says what a request needs: the closure gets the request, and what the layer says so far, and returns what counts.
    ///
    /// ```
    /// # fn layer(layer: licentia::http::LicenseLayer) -> licentia::http::LicenseLayer {
    /// layer.each(|request, needs| {
    ///     let rows = if request.uri.path().ends_with("/all") { 100 } else { 1 };
    ///     needs.meters([("rows", rows)])
    /// })
    /// # }
    /// ```
    pub fn each(self, needs: impl Fn(&Parts, Needs) -> Needs + Send + Sync + 'static) -> Self {
        Self { each: Some(Arc::new(needs)), ..self }
    }

    /// Charges the meters only if the response is no server error (5xx, RFC 9110, section 15.6), and over gRPC no failure
    /// of the server, and the service does not fail. Until then they are reserved: set them to the most that a request may
    /// cost, and let the service say what it did cost with [`Cost`], or commit [`Admitted::reservation`] itself.
    ///
    /// Rates are counted in any case. A client that goes away before the response is charged, since the work may have
    /// been done; a service that panics is not.
    pub fn charge_on_success(self) -> Self {
        self.charge_if(|status| !status.is_server_error())
    }

    /// As [`LicenseLayer::charge_on_success`], but `charged` says for which status the meters are charged.
    pub fn charge_if(self, charged: impl Fn(StatusCode) -> bool + Send + Sync + 'static) -> Self {
        Self { charged: Some(Arc::new(charged)), ..self }
    }

    /// Changes what a client that is refused gets: the closure gets the decision and the response that the layer would
    /// send. Over gRPC, status and fields of the response count, and its body is dropped.
    pub fn refusal(
        self,
        change: impl Fn(&Decision<'_>, &mut Response<String>) + Send + Sync + 'static,
    ) -> Self {
        Self { refuse: Some(Arc::new(change)), ..self }
    }

    /// The public origin, such as `https://api.acme.example`, which precedes path and query in proofs. Without it
    /// every proof is refused as `proof_wrong_uri`: the `Host` field is the client's to choose.
    ///
    /// A layer checks proofs that do not cover the body, since it has not read the body.
    pub fn origin(self, origin: &str) -> Self {
        Self { origin: Arc::from(origin), ..self }
    }

    async fn check(&self, parts: &mut Parts) -> Checked {
        let needs = match &self.each {
            Some(each) => each(parts, self.needs.clone()),
            None => self.needs.clone(),
        };
        let target = original(parts).path_and_query().map_or("/", |target| target.as_str());
        let (method, headers) = (parts.method.as_str(), &parts.headers);
        let call = Call { method, target, headers, origin: Some(&self.origin) };
        let look = |decision: &Decision<'_>, held| self.looked(decision, held, headers);
        let (checked, presented) = call.decide(&self.gate, &needs, self.charged.is_some(), look).await;
        let Presented { token: _, remove, replace } = presented;
        if needs.tokens.contains(&TokenSource::WebSocket) {
            // What else is removed by proxies is the service's own to see.
            if remove.contains(&header::SEC_WEBSOCKET_PROTOCOL) {
                parts.headers.remove(header::SEC_WEBSOCKET_PROTOCOL);
            }
            let replace = replace.into_iter().filter(|(name, _)| name == header::SEC_WEBSOCKET_PROTOCOL);
            replace.for_each(|(name, value)| drop(parts.headers.insert(name, value)));
        }
        checked
    }

    fn looked(
        &self,
        decision: &Decision<'_>,
        reservation: Option<Reservation>,
        headers: &HeaderMap,
    ) -> Checked {
        let fields: HeaderMap = fields(decision).into_iter().collect();
        if decision.is_allowed() {
            return Ok((Admitted::new(&self.gate, decision, reservation), fields));
        }
        let mut response = Response::new(decision.problem());
        *response.status_mut() =
            StatusCode::from_u16(decision.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = fields;
        if let Some(change) = &self.refuse {
            change(decision, &mut response);
        }
        let is_grpc = grpc::is_grpc(headers);
        Err(Box::new(if is_grpc { grpc::refusal(decision.code(), headers, response) } else { response }))
    }

    /// Whether a response is charged.
    fn is_charged<Out>(&self, response: &Response<Out>) -> bool {
        self.charged
            .as_ref()
            .is_none_or(|charged| charged(response.status()) && !grpc::has_failed(response.headers()))
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

/// An allowed request and the fields of its response, or a refusal.
type Checked = Result<(Admitted, HeaderMap), Box<Response<String>>>;

/// How the body of a refusal is made.
pub trait RefusalBody<Out> {
    /// The body with this text.
    fn body(text: String) -> Out;
}

/// Bodies that are made from text: those of axum, `String`, and others.
#[derive(Clone, Copy, Debug)]
pub enum TextBody {}

impl<Out: From<String>> RefusalBody<Out> for TextBody {
    fn body(text: String) -> Out {
        text.into()
    }
}

/// Bodies that are empty: those of tonic.
#[derive(Clone, Copy, Debug)]
pub enum EmptyBody {}

impl<Out: Default> RefusalBody<Out> for EmptyBody {
    fn body(_: String) -> Out {
        Out::default()
    }
}

impl<B> Clone for LicenseLayer<B> {
    fn clone(&self) -> Self {
        Self {
            gate: Arc::clone(&self.gate),
            needs: self.needs.clone(),
            each: self.each.clone(),
            origin: Arc::clone(&self.origin),
            charged: self.charged.clone(),
            refuse: self.refuse.clone(),
            body: PhantomData,
        }
    }
}

impl<B> fmt::Debug for LicenseLayer<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LicenseLayer")
            .field("needs", &self.needs)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl<S, B> Layer<S> for LicenseLayer<B> {
    type Service = Licensing<S, B>;

    fn layer(&self, inner: S) -> Licensing<S, B> {
        Licensing { inner, layer: self.clone() }
    }
}

/// A service behind a gate.
#[derive(Debug)]
pub struct Licensing<S, B = TextBody> {
    inner: S,
    layer: LicenseLayer<B>,
}

impl<S: Clone, B> Clone for Licensing<S, B> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<S, In, Out, B> Service<HttpRequest<In>> for Licensing<S, B>
where
    S: Service<HttpRequest<In>, Response = Response<Out>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: 'static,
    In: Send + 'static,
    B: RefusalBody<Out> + 'static,
{
    type Response = Response<Out>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequest<In>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        // This request uses the service that is ready; the copy becomes ready for the next one.
        let copy = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, copy);
        let layer = self.layer.clone();
        Box::pin(async move {
            let offered = offers_subprotocol(&parts.headers);
            let (admitted, fields) = match layer.check(&mut parts).await {
                Ok(checked) => checked,
                Err(refusal) => return Ok((*refusal).map(B::body)),
            };
            let pending = admitted.pending();
            parts.extensions.insert(admitted);
            let mut response = match inner.call(HttpRequest::from_parts(parts, body)).await {
                Ok(response) => response,
                Err(error) => {
                    pending.end(false, &Cost::default());
                    return Err(error);
                }
            };
            let cost = response.extensions_mut().remove::<Cost>().unwrap_or_default();
            pending.end(layer.is_charged(&response), &cost);
            response.headers_mut().extend(fields);
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                select_subprotocol(offered, response.headers_mut());
            }
            Ok(response)
        })
    }
}
