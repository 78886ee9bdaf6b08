//! The address that other proxies ask: `/envoy`, `/forward` and `/nginx`.

use std::net::IpAddr;

use http::{HeaderName, HeaderValue, Request, Response, header};

use crate::decide::Decider;

use super::{
    body::{AnyBody, response},
    envoy_http, forward, nginx,
};

/// Answers a proxy.
pub async fn answer<B>(decider: &Decider, request: Request<B>, peer: Option<IpAddr>) -> Response<AnyBody> {
    let (parts, _body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let mut answer = match endpoint(target) {
        Some(("envoy", target)) => {
            let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
            envoy_http::answer(decider, parts.method.as_str(), &target, &parts.headers, peer).await
        }
        Some(("forward", _)) => forward::answer(decider, &parts, peer).await,
        Some(("nginx", _)) => nginx::answer(decider, &parts, peer).await,
        _ => {
            let text: (HeaderName, HeaderValue) =
                (header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
            response(404, [text], "There are /envoy, /forward and /nginx.\n")
        }
    };
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// The endpoint that a target begins with, and what follows.
fn endpoint(target: &str) -> Option<(&str, &str)> {
    let target = target.strip_prefix('/')?;
    let end = target.find(['/', '?']).unwrap_or(target.len());
    target.split_at_checked(end)
}
