//! The layer's header fields: a request goes on exactly if it has one `Authorization` field, whose scheme is Bearer and
//! whose token is the licence, and the response to any other is well-formed.

#![no_main]

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll, Waker},
};

use http::{HeaderValue, Request, Response, header::AUTHORIZATION};
use libfuzzer_sys::{arbitrary::Unstructured, fuzz_target};
use licentia::{GateBuilder, http::LicenseLayer};
use licentia_core::http::{PROOF_FIELD, bearer};
use licentia_fuzz::{Bound, KEY, bounded};
use licentia_issuer::{Draft, Issuer, SigningKey};
use tower_layer::Layer as _;
use tower_service::Service;

const BOUND: Bound = Bound { heap: (65_536, 32), nanos: (1_500_000, 2_000) };

/// A service that is reached.
#[derive(Clone)]
struct Inner;

impl Service<Request<()>> for Inner {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new("reached".to_owned())))
    }
}

static LAYER: LazyLock<(LicenseLayer, String)> = LazyLock::new(|| {
    let issuer = Issuer::new("acme", SigningKey::from_seed(&KEY.seed).expect("a key"));
    let token = issuer.issue(&Draft::new("c", "pro", 1, 1_700_000_000, 253_402_300_799)).expect("a licence");
    let gate = GateBuilder::new().key(issuer.key().public()).build().expect("a gate");
    (LicenseLayer::new(Arc::new(gate)).origin("https://api.acme.example"), token.text())
});

fuzz_target!(|data: &[u8]| {
    let mut input = Unstructured::new(data);
    let (mut values, mut proofs): (Vec<Vec<u8>>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
    let (layer, token) = &*LAYER;
    for _ in 0..input.int_in_range(0..=3).unwrap_or(0) {
        let value: &[u8] = input.arbitrary().unwrap_or_default();
        // A mark stands for the licence, which no input would guess.
        let at = value.windows(2).position(|mark| mark == b"$$");
        values.push(at.map_or_else(
            || value.to_vec(),
            |at| [&value[..at], token.as_bytes(), &value[at + 2..]].concat(),
        ));
    }
    for _ in 0..input.int_in_range(0..=2).unwrap_or(0) {
        proofs.push(input.arbitrary::<&[u8]>().unwrap_or_default().to_vec());
    }
    let build = || {
        let mut request = Request::get("/v1/jobs?x=1").body(()).expect("a request");
        for value in &values {
            request.headers_mut().append(AUTHORIZATION, HeaderValue::from_bytes(value).ok()?);
        }
        for proof in &proofs {
            request.headers_mut().append(PROOF_FIELD, HeaderValue::from_bytes(proof).ok()?);
        }
        Some(request)
    };
    if build().is_none() {
        return;
    }
    let response = bounded(data.len() + token.len(), BOUND, || {
        let future = layer.layer(Inner).call(build().expect("it was built"));
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(response)) => response,
            other => panic!("a gate without a store answers at once: {}", other.is_pending()),
        }
    });
    let expected = match &values[..] {
        [one] => std::str::from_utf8(one).is_ok_and(|value| by_hand(value) == Some(token.as_str())),
        _ => false,
    };
    assert_eq!(response.body() == "reached", expected, "{values:?}");
    if !expected {
        assert_eq!(response.status(), 401);
        let problem: serde_json::Value = serde_json::from_str(response.body()).expect("problem details");
        assert_eq!(problem["status"], 401);
        assert!(response.headers().contains_key("www-authenticate"));
    }
    for value in values.iter().filter_map(|value| std::str::from_utf8(value).ok()) {
        assert_eq!(bearer(value), by_hand(value), "{value:?}");
    }
});

/// RFC 6750, section 2.1, with any number of spaces, as RFC 9110 (section 11.4) has them.
fn by_hand(value: &str) -> Option<&str> {
    let (scheme, rest) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| rest.trim_matches(|c: char| c.is_ascii_whitespace()))
}
