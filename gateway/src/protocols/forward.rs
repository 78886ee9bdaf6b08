//! `/forward`: a request about a request, as Traefik's ForwardAuth, Caddy's `forward_auth`, HAProxy's Lua action and
//! APISIX's `forward-auth` send it.

use std::net::IpAddr;

use http::{Response, request::Parts};

use crate::decide::{Decider, Protocol, Verdict};

use super::{
    body::{AnyBody, refusal, response},
    forwarded::{self, Hints},
};

const HINTS: Hints = Hints {
    method: "use Traefik's `forwardAuth`, Caddy's `forward_auth`, or the shipped configuration of the proxy, which set it",
    target: "use Traefik's `forwardAuth`, Caddy's `forward_auth`, or the shipped configuration of the proxy, which set it",
};

/// Answers with the request's verdict; on allow, the proxy copies the fields of the answer into the request.
pub(super) async fn answer(decider: &Decider, asked: &Parts, peer: Option<IpAddr>) -> Response<AnyBody> {
    match forwarded::verdict(decider, Protocol::Forward, asked, peer, &HINTS).await {
        Verdict::Allowed(allowed) => response(200, allowed.set.into_iter().chain(allowed.answer), ""),
        Verdict::Refused(refused) => refusal(*refused),
    }
}
