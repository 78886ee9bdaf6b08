//! The `tower` layer does not wait in the thread of an async runtime.

mod common;

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    pin::pin,
    sync::{Arc, Mutex, mpsc},
    task::{Context, Poll, Wake},
    thread::{self, Thread},
    time::{SystemTime, UNIX_EPOCH},
};

use common::{builder, issuer};
use http::{Request, Response};
use licentia::{
    HolderKey,
    http::{Admitted, LicenseLayer},
    store::{Cell, Memory, Store, Taken, Unreachable},
};
use licentia_core::text::Base64Url;
use licentia_issuer::Confirmation;
use tower_layer::Layer;
use tower_service::Service;

/// A store that gives units when somebody lets it.
struct Slow {
    memory: Memory,
    go_on: Mutex<mpsc::Receiver<()>>,
}

impl Store for Slow {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        self.go_on.lock().unwrap().recv().map_err(|error| Unreachable(error.into()))?;
        self.memory.take(cell, need, want, limit)
    }
    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        self.memory.give_back(cell, units)
    }
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        self.memory.load(name)
    }
    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable> {
        self.memory.save(name, value)
    }
}

#[derive(Clone)]
struct Hello;

impl Service<Request<()>> for Hello {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let admitted = request.extensions().get::<Admitted>().unwrap();
        ready(Ok(Response::new(admitted.license().unwrap().subject().to_owned())))
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Gives the answer, and how often it was not there yet.
fn wait<T>(future: impl Future<Output = T>, mut pending: impl FnMut()) -> T {
    let (waker, mut future) = (Arc::new(Unpark(thread::current())).into(), pin!(future));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => {
                pending();
                thread::park();
            }
        }
    }
}

#[test]
fn a_check_that_waits_for_the_store_lets_others_go_on() {
    let mut draft = common::draft();
    // The layer reads the system's clock.
    (draft.issued_at, draft.expires) = (1_500_000_000.into(), 4_000_000_000.into());
    draft.grant.quotas.insert("calls".into(), "1/day".parse().unwrap());
    let token = issuer(1).issue(&draft).unwrap().text();
    let (go_on, wait_for) = mpsc::channel();
    let store = Slow { memory: Memory::new(), go_on: Mutex::new(wait_for) };
    let gate = Arc::new(builder().store(Arc::new(store)).build().unwrap());
    let mut service = LicenseLayer::new(gate).meters(&[("calls", 1)]).layer(Hello);
    let mut ask = |token: &str| {
        let request = Request::builder().header("authorization", format!("Bearer {token}"));
        service.call(request.body(()).unwrap())
    };
    let mut waited = 0;
    // It would wait here for ever, were the store asked in this thread.
    let response = wait(ask(&token), || {
        waited += 1;
        go_on.send(()).unwrap();
    });
    assert_eq!((response.unwrap().body().as_str(), waited), ("customer-42", 1));
    // What the store is not asked for is answered at once.
    let refused = wait(ask("lic1_x"), || panic!("it waits")).unwrap();
    assert_eq!(refused.status(), 401);
    let denied = wait(ask(&token), || go_on.send(()).unwrap()).unwrap();
    assert_eq!(denied.status(), 429);
}

/// A licence that is good by the system's clock, bound to a key or not.
fn long_lived(holder: Option<&HolderKey>) -> String {
    common::licence(|draft| {
        (draft.issued_at, draft.expires) = (1_500_000_000.into(), 4_000_000_000.into());
        draft.holder = holder.map(|key| Confirmation::Key(key.public()));
    })
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The status and the name of the code that a layer answers a request with.
fn answer(layer: &LicenseLayer, request: Request<()>) -> (u16, String) {
    let response = wait(layer.layer(Hello).call(request), || panic!("it waits")).unwrap();
    let name =
        response.body().split_once(r#""name":""#).map(|(_, rest)| rest.split('"').next().unwrap().to_owned());
    (response.status().as_u16(), name.unwrap_or_default())
}

#[test]
fn several_authorization_fields_are_one_list() {
    let layer = LicenseLayer::new(Arc::new(builder().build().unwrap()));
    let token = long_lived(None);
    let ask = |values: &[&str]| {
        let request =
            values.iter().fold(Request::builder(), |request, value| request.header("authorization", *value));
        answer(&layer, request.body(()).unwrap())
    };
    let bearer = format!("Bearer {token}");
    assert_eq!(ask(&[&bearer]).0, 200);
    let twice = ask(&[&bearer, &bearer]);
    assert_eq!(twice.0, 401);
    assert_eq!(ask(&[&format!("{bearer}, {bearer}")]), twice, "as a server answers that joins them");
    assert_eq!(ask(&[&bearer, "Basic QTpC"]), twice);
    assert_eq!(ask(&["Basic QTpC", &bearer]), (401, "missing_token".to_owned()));
    assert_eq!(ask(&[]), (401, "missing_token".to_owned()));
}

#[test]
fn a_proof_needs_the_origin_of_the_service() {
    let (gate, key) = (Arc::new(builder().build().unwrap()), HolderKey::from_seed(&[33; 32]));
    let token = long_lived(Some(&key));
    let ask = |layer: &LicenseLayer, uri: &str, target: &str| {
        let proof = key.prove(&token, "GET", uri, None, seconds()).unwrap();
        let request = Request::builder().uri(target).header("authorization", format!("Bearer {token}"));
        let request = request
            .header("host", "api.acme.example")
            .header("licentia-proof", Base64Url(&proof).to_string());
        answer(layer, request.body(()).unwrap())
    };
    let layer = LicenseLayer::new(gate);
    let wrong = (401, "proof_wrong_uri".to_owned());
    for uri in ["/export", "https://api.acme.example/export", "https://elsewhere.example/export"] {
        assert_eq!(ask(&layer, uri, "/export"), wrong, "a service without a name takes no proof: {uri}");
    }
    let layer = layer.origin("https://api.acme.example");
    for (uri, target) in [
        ("https://api.acme.example/export", "/export"),
        ("https://API.acme.example:443/export#top", "/export"),
        ("https://api.acme.example/export", "/export?"),
        ("https://api.acme.example", "/"),
    ] {
        assert_eq!(ask(&layer, uri, target).0, 200, "{uri} {target}");
    }
    assert_eq!(ask(&layer, "/export", "/export"), wrong);
    assert_eq!(ask(&layer, "https://api.acme.example/other", "/export"), wrong);
}

/// The names of nested routers are in the URI that the client asked for, and so in its proof.
#[cfg(feature = "axum")]
#[test]
fn a_nested_router_checks_the_whole_path() {
    use axum::{Router, body::Body, routing::get};

    let (gate, key) = (Arc::new(builder().build().unwrap()), HolderKey::from_seed(&[33; 32]));
    let token = long_lived(Some(&key));
    let layer = LicenseLayer::new(gate).origin("https://api.acme.example");
    let inner = Router::new().route("/export", get(|| async { "hello" })).layer(layer);
    let mut app = Router::new().nest("/v1", inner).into_service::<Body>();
    for (path, status) in [("/v1/export", 200), ("/export", 401)] {
        let uri = format!("https://api.acme.example{path}");
        let proof = key.prove(&token, "GET", &uri, None, seconds()).unwrap();
        let request = Request::builder().uri("/v1/export").header("authorization", format!("Bearer {token}"));
        let request =
            request.header("licentia-proof", Base64Url(&proof).to_string()).body(Body::empty()).unwrap();
        let response = wait(app.call(request), || panic!("it waits")).unwrap();
        assert_eq!(response.status(), status, "{path}");
    }
}
