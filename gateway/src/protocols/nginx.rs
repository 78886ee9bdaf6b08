//! `/nginx`: a subrequest of nginx's `auth_request`.
//!
//! nginx turns every status but 2xx, 401 and 403 into 500, and passes on no body. So the real status is in
//! `X-Licentia-Status` and the problem details in `X-Licentia-Problem`, and the shipped snippet restores both.

use std::net::IpAddr;

use http::{HeaderValue, Response, request::Parts};

use crate::decide::{Decider, Protocol, Verdict, fields::names};

use super::{
    body::{AnyBody, response},
    forwarded::{self, Hints},
};

const HINTS: Hints = Hints {
    method: "write `proxy_set_header X-Forwarded-Method $request_method;` in the location of `auth_request`",
    target: "write `proxy_set_header X-Forwarded-Uri $request_uri;` in the location of `auth_request`",
};

pub(super) async fn answer(decider: &Decider, asked: &Parts, peer: Option<IpAddr>) -> Response<AnyBody> {
    match forwarded::verdict(decider, Protocol::Nginx, asked, peer, &HINTS).await {
        Verdict::Allowed(allowed) => response(200, allowed.set.into_iter().chain(allowed.answer), ""),
        Verdict::Refused(refused) => {
            let shown = if refused.status == 401 { 401 } else { 403 };
            let mut headers = refused.headers;
            headers.push((names::STATUS, HeaderValue::from(refused.status)));
            headers.push((names::CODE, HeaderValue::from_static(refused.name)));
            if let Ok(problem) = HeaderValue::try_from(&refused.body) {
                headers.push((names::PROBLEM, problem));
            }
            response(shown, headers, refused.body)
        }
    }
}
