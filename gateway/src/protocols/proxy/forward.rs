//! Forwards requests to the service behind the gateway.

use std::{convert::Infallible, error::Error, net::IpAddr, sync::Arc};

use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, Version, header,
    uri::PathAndQuery,
};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::{body::Incoming, upgrade::OnUpgrade};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use licentia::{
    Timestamp,
    http::{offers_subprotocol, select_subprotocol},
};

use crate::{
    client::{Connector, connector},
    config::{HostField, Proxy, TrustedProxies},
    decide::{Allowed, Decider, Facts, Protocol, Reason, Verdict},
};

use super::{
    super::{
        body::{AnyBody, full, refusal},
        forwarded,
    },
    cost::{COST, settle},
    streams::{HeldBody, Hold, Streams},
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

/// A reverse proxy in front of one service.
#[derive(Debug)]
pub struct ReverseProxy {
    decider: Arc<Decider>,
    settings: Proxy,
    /// How clients reach it.
    scheme: &'static str,
    client: Client<Connector, Incoming>,
    /// For gRPC, which needs HTTP/2, also where the URL says `http`.
    client_http2: Client<Connector, Incoming>,
    streams: Arc<Streams>,
}

impl ReverseProxy {
    /// A proxy that forwards what `decider` allows. Clients reach it by a scheme, `http` or `https`.
    ///
    /// # Errors
    /// What is wrong with the certificates.
    pub fn new(decider: Arc<Decider>, settings: Proxy, scheme: &'static str) -> Result<Self, String> {
        let https = settings.upstream.scheme_str() == Some("https");
        let connector = |http2| connector(https, settings.connect_timeout, http2);
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new());
        let client = builder.build(connector(false)?);
        let client_http2 = builder.http2_only(true).build(connector(true)?);
        Ok(Self { decider, settings, scheme, client, client_http2, streams: Arc::default() })
    }

    /// Closes the streams whose licence has ended; with `all`, also those whose licence was revoked since, for when
    /// keys or revocations have changed.
    pub fn close_ended_streams(&self, now: Timestamp, all: bool) {
        self.streams.close_ended(&self.decider, now, all);
    }

    /// Closes every stream, for when the gateway stops.
    pub fn close_all_streams(&self) {
        self.streams.close_all();
    }

    /// How many streams are open.
    pub fn open_streams(&self) -> usize {
        self.streams.count()
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
        mut allowed: Allowed,
        peer: Option<IpAddr>,
        trusted: &TrustedProxies,
    ) -> Result<Response<AnyBody>, Reason> {
        let (mut parts, body) = request.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE);
        let is_grpc = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        let upgrade = upgrade(&parts.headers);
        let offered = offers_subprotocol(&parts.headers);
        let downstream = parts.extensions.remove::<OnUpgrade>();
        parts.uri = self.uri(&allowed.target).ok_or(Reason::PathMalformed)?;
        parts.version = Version::HTTP_11;
        self.fields(&mut parts.headers, &allowed, peer, trusted);
        if let Some(upgrade) = &upgrade {
            parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            parts.headers.insert(header::UPGRADE, upgrade.clone());
        }
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
        // What was reserved is taken back if this fails, or if the client goes away meanwhile.
        let mut response = sent.map_err(|_| Reason::UpstreamUnreachable)?;
        if let Some(reservation) = allowed.reservation.take() {
            let costs = response.headers().get_all(COST);
            settle(reservation, response.status(), costs, &allowed.charging).await;
        }
        let upstream = (response.status() == StatusCode::SWITCHING_PROTOCOLS)
            .then(|| response.extensions_mut().remove::<OnUpgrade>())
            .flatten();
        let hold = allowed.held.take().map(|held| self.streams.add(held));
        let (mut parts, body) = response.into_parts();
        remove_hop_by_hop(&mut parts.headers);
        parts.headers.remove(COST);
        parts.headers.extend(allowed.answer);
        if let (Some(upstream), Some(downstream), Some(upgrade)) = (upstream, downstream, upgrade) {
            parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            parts.headers.insert(header::UPGRADE, upgrade);
            select_subprotocol(offered, &mut parts.headers);
            tokio::spawn(tunnel(downstream, upstream, hold));
            return Ok(Response::from_parts(parts, full("")));
        }
        let is_short = body.size_hint().exact().is_some();
        let body = match hold {
            // What has a length ends by itself.
            Some(hold) if !is_short => HeldBody { body, hold }.boxed_unsync(),
            _ => body.map_err(|error| Box::new(error) as Box<dyn Error + Send + Sync>).boxed_unsync(),
        };
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
            headers.insert("x-forwarded-proto", HeaderValue::from_static(self.scheme));
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

/// The protocol that a client wants to switch to.
fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let connection = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let mut options = connection.flat_map(|value| value.split(','));
    let wanted = options.any(|option| option.trim().eq_ignore_ascii_case("upgrade"));
    headers.get(header::UPGRADE).filter(|_| wanted).cloned()
}

/// Copies between client and upstream until one ends, or the licence does.
async fn tunnel(downstream: OnUpgrade, upstream: OnUpgrade, hold: Option<Hold>) {
    let (Ok(downstream), Ok(upstream)) = tokio::join!(downstream, upstream) else { return };
    let (mut downstream, mut upstream) = (TokioIo::new(downstream), TokioIo::new(upstream));
    let copied = tokio::io::copy_bidirectional(&mut downstream, &mut upstream);
    let Some(mut hold) = hold else {
        let _ = copied.await;
        return;
    };
    tokio::select! {
        _ = copied => {}
        () = hold.closed() => {}
    }
}
