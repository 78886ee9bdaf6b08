//! Forwards requests to the service behind the gateway.

use std::{convert::Infallible, error::Error, net::IpAddr, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, Version, header, uri::PathAndQuery};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};

use crate::{
    client::{Connector, connector},
    config::{HostField, Proxy, TrustedProxies},
    decide::{Allowed, Decider, Facts, Protocol, Reason, Verdict},
};

use super::super::{
    body::{AnyBody, refusal},
    forwarded,
};

/// Fields that are about one connection only (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TRAILER,
    header::TRANSFER_ENCODING,
];

/// What an upstream says that a request did cost.
const COST: HeaderName = HeaderName::from_static("licentia-cost");

/// A reverse proxy in front of one service.
#[derive(Debug)]
pub struct ReverseProxy {
    decider: Arc<Decider>,
    settings: Proxy,
    client: Client<Connector, Incoming>,
    /// For gRPC, which needs HTTP/2, also where the URL says `http`.
    client_http2: Client<Connector, Incoming>,
}

impl ReverseProxy {
    /// A proxy that forwards what `decider` allows.
    ///
    /// # Errors
    /// What is wrong with the certificates.
    pub fn new(decider: Arc<Decider>, settings: Proxy) -> Result<Self, String> {
        let https = settings.upstream.scheme_str() == Some("https");
        let connector = |http2| connector(https, None, settings.connect_timeout, http2);
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new());
        let client = builder.build(connector(false)?);
        let client_http2 = builder.http2_only(true).build(connector(true)?);
        Ok(Self { decider, settings, client, client_http2 })
    }

    /// Answers a client.
    ///
    /// # Errors
    /// None.
    pub async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: Option<IpAddr>,
    ) -> Result<Response<AnyBody>, Infallible> {
        let rules = self.decider.rules();
        let target = request.uri().path_and_query().map_or("/", PathAndQuery::as_str).to_owned();
        let (method, headers) = (request.method().clone(), request.headers().clone());
        let facts = Facts {
            protocol: Protocol::Proxy,
            method: method.as_str(),
            target: if request.uri().path() == "*" { "*" } else { &target },
            headers: &headers,
            client: forwarded::client(&headers, peer, &rules.trusted_proxies),
            route: None,
        };
        let allowed = match self.decider.decide(&facts).await {
            Verdict::Allowed(allowed) => allowed,
            Verdict::Refused(refused) => return Ok(refusal(*refused)),
        };
        Ok(match self.forward(request, *allowed, peer, &rules.trusted_proxies).await {
            Ok(response) => response,
            Err(reason) => match self.decider.refuse(&facts, &reason) {
                Verdict::Refused(refused) => refusal(*refused),
                Verdict::Allowed(_) => refusal((&reason).into()),
            },
        })
    }

    /// Sends a request on, and charges what it did cost.
    async fn forward(
        &self,
        request: Request<Incoming>,
        allowed: Allowed,
        peer: Option<IpAddr>,
        trusted: &TrustedProxies,
    ) -> Result<Response<AnyBody>, Reason> {
        let (mut parts, body) = request.into_parts();
        let is_grpc = parts
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        parts.uri = self.uri(&allowed.target).ok_or(Reason::PathMalformed)?;
        parts.version = Version::HTTP_11;
        self.fields(&mut parts.headers, &allowed, peer, trusted);
        let client = if is_grpc { &self.client_http2 } else { &self.client };
        if is_grpc {
            parts.version = Version::HTTP_2;
            parts.headers.insert(header::TE, HeaderValue::from_static("trailers"));
        }
        let sent = client.request(Request::from_parts(parts, body));
        let sent = match self.settings.response_timeout {
            Some(limit) => tokio::time::timeout(limit, sent).await.map_err(|_| Reason::UpstreamTimeout)?,
            None => sent.await,
        };
        let response = sent.map_err(|_| Reason::UpstreamUnreachable)?;
        let (mut parts, body) = response.into_parts();
        remove_hop_by_hop(&mut parts.headers);
        parts.headers.remove(COST);
        parts.headers.extend(allowed.answer);
        let body = body.map_err(|error| Box::new(error) as Box<dyn Error + Send + Sync>).boxed_unsync();
        Ok(Response::from_parts(parts, body))
    }

    /// The upstream's URL for a target.
    fn uri(&self, target: &str) -> Option<Uri> {
        let mut parts = self.settings.upstream.clone().into_parts();
        parts.path_and_query = Some(target.parse().ok()?);
        Uri::from_parts(parts).ok()
    }

    /// The fields of a request, as the upstream gets them.
    fn fields(
        &self,
        headers: &mut HeaderMap,
        allowed: &Allowed,
        peer: Option<IpAddr>,
        trusted: &TrustedProxies,
    ) {
        remove_hop_by_hop(headers);
        let host = headers.get(header::HOST).cloned();
        // Only what a trusted proxy says about the client goes on.
        let is_trusted = trusted.contains(peer);
        let before = headers.get_all("x-forwarded-for").iter();
        let mut hops: Vec<String> =
            before.filter_map(|hops| hops.to_str().ok().map(ToOwned::to_owned)).collect();
        if !is_trusted {
            hops.clear();
            let forwarded = headers.keys().filter(|name| name.as_str().starts_with("x-forwarded")).cloned();
            forwarded.collect::<Vec<_>>().into_iter().for_each(|name| drop(headers.remove(name)));
        }
        headers.remove(header::FORWARDED);
        hops.extend(peer.map(|peer| peer.to_string()));
        if let Ok(hops) = HeaderValue::try_from(hops.join(", ")) {
            headers.insert("x-forwarded-for", hops);
        }
        if let Some(host) = host
            && !headers.contains_key("x-forwarded-host")
        {
            headers.insert("x-forwarded-host", host);
        }
        if !headers.contains_key("x-forwarded-proto") {
            headers.insert("x-forwarded-proto", HeaderValue::from_static("http"));
        }
        if self.settings.host == HostField::Upstream
            && let Some(authority) = self.settings.upstream.authority()
            && let Ok(host) = HeaderValue::try_from(authority.as_str())
        {
            headers.insert(header::HOST, host);
        }
        allowed.remove.iter().for_each(|name| drop(headers.remove(name)));
        for (name, value) in &allowed.set {
            headers.insert(name, value.clone());
        }
    }
}

/// Removes what is about one connection only, and what `Connection` names.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
    headers.remove(header::TE);
    headers.remove(header::UPGRADE);
}
