//! `/envoy`: Envoy's `ext_authz` over HTTP, with `path_prefix: /envoy`. What follows the prefix is the request's target.
//!
//! Envoy takes 5xx for a failure of the gateway itself, which `failure_mode_allow` would let through. So a refusal of
//! 5xx becomes 403, with the real status in `X-Licentia-Status`.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Response};

use crate::decide::{Decider, Facts, Protocol, Verdict, fields::names};

use super::{
    body::{AnyBody, response},
    forwarded,
};

/// Envoy removes the fields that this one lists from the request.
const TO_REMOVE: HeaderName = HeaderName::from_static("x-envoy-auth-headers-to-remove");

pub(super) async fn answer(
    decider: &Decider,
    method: &str,
    target: &str,
    headers: &HeaderMap,
    peer: Option<IpAddr>,
) -> Response<AnyBody> {
    let rules = decider.rules();
    let trusted = forwarded::trust(peer, &rules.trusted_proxies);
    let client = forwarded::client(headers, peer, &rules.trusted_proxies);
    let facts = Facts { protocol: Protocol::EnvoyHttp, method, target, headers, client, route: None };
    let verdict = match trusted {
        Ok(()) => decider.decide(&facts).await,
        Err(reason) => decider.refuse(&facts, &reason),
    };
    match verdict {
        Verdict::Allowed(allowed) => {
            let removed: Vec<&str> = allowed.remove.iter().map(HeaderName::as_str).collect();
            let mut fields = allowed.set;
            fields.extend(allowed.answer);
            if let Ok(removed) = HeaderValue::try_from(removed.join(", ")) {
                fields.push((TO_REMOVE, removed));
            }
            response(200, fields, "")
        }
        Verdict::Refused(refused) => {
            let shown = if refused.status >= 500 { 403 } else { refused.status };
            let mut headers = refused.headers;
            headers.push((names::STATUS, HeaderValue::from(refused.status)));
            response(shown, headers, refused.body)
        }
    }
}
