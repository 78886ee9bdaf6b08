//! What a proxy says about the request that it asks about: `X-Forwarded-*`. `Forwarded` (RFC 7239) is never read,
//! because no proxy of those that are supported sets it, so it would be the client's.

use std::net::IpAddr;

use http::{HeaderMap, request::Parts};

use crate::{
    config::TrustedProxies,
    decide::{Decider, Facts, Protocol, Reason, Verdict},
};

use super::terms;

/// A request that a proxy asks about.
struct Forwarded<'r> {
    method: &'r str,
    target: &'r str,
    client: Option<IpAddr>,
}

/// How a proxy is told to send a field.
pub(super) struct Hints {
    pub(super) method: &'static str,
    pub(super) target: &'static str,
}

/// Reads the fields of a proxy's request.
fn read<'r>(
    headers: &'r HeaderMap,
    peer: Option<IpAddr>,
    trusted: &TrustedProxies,
    hints: &Hints,
) -> Result<Forwarded<'r>, Reason> {
    trust(peer, trusted)?;
    let method = single(headers, "x-forwarded-method", hints.method)?;
    let target = single(headers, "x-forwarded-uri", hints.target)?;
    Ok(Forwarded { method, target, client: client(headers, peer, trusted) })
}

/// Refuses a peer that is no trusted proxy.
pub(super) fn trust(peer: Option<IpAddr>, trusted: &TrustedProxies) -> Result<(), Reason> {
    if trusted.contains(peer) {
        return Ok(());
    }
    let peer = peer.map_or_else(|| "a Unix socket".to_owned(), |peer| peer.to_string());
    Err(Reason::ForwardedUntrusted(format!(
        "it came from {peer}, which is no trusted proxy: add it to `trusted_proxies` in the gateway's file"
    )))
}

/// The client's address.
pub(super) fn client(headers: &HeaderMap, peer: Option<IpAddr>, trusted: &TrustedProxies) -> Option<IpAddr> {
    let values: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().map(|value| value.to_str().unwrap_or("!")).collect();
    trusted.client(peer, (!values.is_empty()).then(|| values.join(", ")).as_deref())
}

/// The one value of a field.
fn single<'r>(headers: &'r HeaderMap, name: &'static str, hint: &str) -> Result<&'r str, Reason> {
    let mut values = headers.get_all(name).iter();
    let shown = match name {
        "x-forwarded-method" => "X-Forwarded-Method",
        _ => "X-Forwarded-Uri",
    };
    let value = values.next().and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty());
    let Some(value) = value else {
        return Err(Reason::ForwardedMissing(format!("the proxy sent no {shown}: {hint}")));
    };
    if values.next().is_some() {
        return Err(Reason::ForwardedMissing(format!("the proxy sent {shown} twice: {hint}")));
    }
    Ok(value)
}

/// Decides about the request that a proxy describes in its fields; refuses it if they don't say what it is.
pub(super) async fn verdict(
    decider: &Decider,
    protocol: Protocol,
    asked: &Parts,
    peer: Option<IpAddr>,
    hints: &Hints,
) -> Verdict {
    let headers = &asked.headers;
    let mut facts = Facts { protocol, method: "", target: "", headers, client: peer, route: None };
    let route = terms::in_query(asked.uri.query());
    match read(headers, peer, &decider.rules().trusted_proxies, hints).and_then(|asked| Ok((asked, route?))) {
        Ok((asked, route)) => {
            facts.route = route.as_ref();
            (facts.method, facts.target, facts.client) = (asked.method, asked.target, asked.client);
            decider.decide(&facts).await
        }
        Err(reason) => decider.refuse(&facts, &reason),
    }
}
