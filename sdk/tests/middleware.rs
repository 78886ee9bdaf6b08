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
    http::{Admitted, Cost, LicenseLayer},
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
        self.go_on
            .lock()
            .unwrap()
            .recv()
            .map_err(|error| Unreachable::new(licentia::store::Fault::NotSent, error))?;
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
    let layer = LicenseLayer::new(gate);
    let request = Request::builder().header("authorization", format!("Bearer {token}"));
    // The first request of a gate waits for the clock's mark.
    let first = wait(layer.clone().layer(Hello).call(request.body(()).unwrap()), || {});
    assert_eq!(first.unwrap().status(), 200);
    let mut service = layer.meters(&[("calls", 1)]).layer(Hello);
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

#[test]
fn a_refusal_brings_a_nonce_that_makes_up_for_a_wrong_clock() {
    let (gate, key) = (Arc::new(builder().build().unwrap()), HolderKey::from_seed(&[33; 32]));
    let token = long_lived(Some(&key));
    let layer = LicenseLayer::new(gate).origin("https://api.acme.example");
    let ask = |nonce: Option<&str>| {
        let uri = "https://api.acme.example/export";
        let proof = key.prove_with_nonce(&token, "GET", uri, None, nonce, 1_000_000_000).unwrap();
        let request = Request::get("/export").header("authorization", format!("Bearer {token}"));
        let request = request.header("licentia-proof", Base64Url(&proof).to_string()).body(()).unwrap();
        wait(layer.layer(Hello).call(request), || panic!("it waits")).unwrap()
    };
    let refused = ask(None);
    assert_eq!(refused.status(), 401);
    let nonce = refused.headers()["licentia-proof-nonce"].to_str().unwrap();
    let allowed = ask(Some(nonce));
    assert_eq!(allowed.status(), 200);
    assert!(!allowed.headers().contains_key("licentia-proof-nonce"));
    let forged = ask(Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    let challenge = forged.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.starts_with(r#"Bearer error="use_proof_nonce""#), "{challenge}");
    assert!(forged.headers().contains_key("licentia-proof-nonce"));
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

/// Answers with a status, after it did what its test says.
#[derive(Clone)]
struct Work(fn(&Request<()>) -> Result<Response<String>, &'static str>);

impl Service<Request<()>> for Work {
    type Response = Response<String>;
    type Error = &'static str;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response<String>, &'static str>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let work = self.0;
        Box::pin(async move { work(&request) })
    }
}

fn status(code: u16) -> Response<String> {
    Response::builder().status(code).body(String::new()).unwrap()
}

fn costs(calls: u64) -> Response<String> {
    let mut response = status(200);
    response.extensions_mut().insert(Cost(vec![("calls".to_owned(), calls)]));
    response
}

#[test]
fn what_fails_is_not_charged_and_what_succeeds_costs_what_it_did() {
    let told = Arc::new(Mutex::new(0));
    let gate = builder().sink(Arc::new(Told(Arc::clone(&told)))).build().unwrap();
    let (gate, token) = (Arc::new(gate), long_lived(None));
    let before = LicenseLayer::new(Arc::clone(&gate)).meters(&[("calls", 5)]);
    let after = before.clone().charge_on_success();
    let call = |layer: &LicenseLayer, work: fn(&Request<()>) -> Result<Response<String>, &'static str>| {
        let request = Request::builder().header("authorization", format!("Bearer {token}"));
        layer.layer(Work(work)).call(request.body(()).unwrap())
    };
    // What a request has added to the licence's use, and to what sinks were told.
    let charged = |request: &mut dyn FnMut()| {
        let used = || {
            let now = licentia::Now::system();
            let look = gate.check(&token, &licentia::Request::new().meters(&[("calls", 0)]), now);
            100 - look.quota("calls").unwrap().remaining
        };
        let (start, said) = (used(), *told.lock().unwrap());
        request();
        let (added, said) = (used() - start, *told.lock().unwrap() - said);
        assert_eq!(added, said, "sinks are told what is counted");
        added
    };
    let of = |layer: &LicenseLayer, work| charged(&mut || drop(wait(call(layer, work), || ())));
    assert_eq!(of(&before, |_| Ok(status(500))), 5, "by default it is charged before");
    assert_eq!(of(&after, |_| Ok(status(500))), 0);
    assert_eq!(of(&after, |_| Ok(status(503))), 0);
    assert_eq!(of(&after, |_| Err("no answer")), 0);
    assert_eq!(of(&after, |_| Ok(status(200))), 5);
    assert_eq!(of(&after, |_| Ok(status(404))), 5);
    let own = before.clone().charge_if(|status| status.is_success());
    assert_eq!(of(&own, |_| Ok(status(404))), 0);
    assert_eq!(of(&after, |_| Ok(costs(2))), 2);
    assert_eq!(of(&after, |_| Ok(costs(0))), 0);
    assert_eq!(of(&after, |_| Ok(costs(9))), 5, "no more than was reserved");
    assert_eq!(
        of(&after, |request| {
            let held = request.extensions().get::<Admitted>().unwrap().reservation().unwrap();
            held.commit(&[("calls", 1)]).unwrap();
            Ok(status(500))
        }),
        1,
        "what the service takes is the service's"
    );
    let gone = charged(&mut || {
        let mut future = call(&after, |_| Ok(status(200)));
        drop(std::mem::replace(&mut future, Box::pin(async { Err("another") })));
    });
    assert_eq!(gone, 0, "a future that was never polled has called nobody");
    let panicked = charged(&mut || {
        let future = call(&after, |_| std::panic::resume_unwind(Box::new("a faulty service")));
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| wait(future, || ())));
        assert!(caught.is_err());
    });
    assert_eq!(panicked, 0);
}

#[test]
fn a_client_that_goes_away_while_the_service_works_is_charged() {
    #[derive(Clone)]
    struct Never;
    impl Service<Request<()>> for Never {
        type Response = Response<String>;
        type Error = Infallible;
        type Future = std::future::Pending<Result<Response<String>, Infallible>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Request<()>) -> Self::Future {
            std::future::pending()
        }
    }
    let (gate, token) = (Arc::new(builder().build().unwrap()), long_lived(None));
    let layer = LicenseLayer::new(Arc::clone(&gate)).meters(&[("calls", 5)]).charge_on_success();
    let request = Request::builder().header("authorization", format!("Bearer {token}"));
    let mut future = layer.layer(Never).call(request.body(()).unwrap());
    let waker = Arc::new(Unpark(thread::current())).into();
    assert!(std::pin::Pin::new(&mut future).poll(&mut Context::from_waker(&waker)).is_pending());
    drop(future);
    let now = licentia::Now::system();
    let look = gate.check(&token, &licentia::Request::new().meters(&[("calls", 0)]), now);
    assert_eq!(look.quota("calls").unwrap().remaining, 95);
}

/// Adds up what sinks are told.
struct Told(Arc<Mutex<u64>>);

impl licentia::event::Sink for Told {
    fn record(&self, event: &licentia::event::Event<'_, '_>) {
        let charged = event.decision.charges().map(|charge| charge.charged).sum::<u64>();
        *self.0.lock().unwrap() += charged;
    }
    fn used(&self, used: &licentia::event::Used<'_>) {
        *self.0.lock().unwrap() += used.units;
    }
}

/// The name of the code that a refusal's problem details have.
fn code(response: &Response<String>) -> &str {
    response.body().split_once(r#""name":""#).map_or("", |(_, rest)| rest.split('"').next().unwrap())
}

#[test]
fn a_layer_says_machine_release_and_audience_and_each_request_its_own() {
    let (machine, other) = ([7; 32], [8; 32]);
    let long = |change: &dyn Fn(&mut licentia_issuer::Draft)| {
        common::licence(|draft| {
            (draft.issued_at, draft.expires) = (1_500_000_000.into(), 4_000_000_000.into());
            change(draft);
        })
    };
    let bound = long(&|draft| draft.node_locks.push(machine));
    let maintained = long(&|draft| draft.maintained_until = Some(1_700_000_000.into()));
    let for_files = long(&|draft| draft.audiences.push("files".into()));
    let layer = LicenseLayer::new(Arc::new(builder().build().unwrap()));
    let ask = |layer: &LicenseLayer, token: &str| {
        let request = Request::get("/x").header("authorization", format!("Bearer {token}"));
        answer(layer, request.body(()).unwrap())
    };
    assert_eq!(ask(&layer, &bound), (403, "node_required".into()));
    assert_eq!(ask(&layer.clone().node(other), &bound), (403, "node_mismatch".into()));
    assert_eq!(ask(&layer.clone().node(machine), &bound).0, 200);
    assert_eq!(ask(&layer, &maintained), (403, "release_required".into()));
    assert_eq!(ask(&layer.clone().release(1_800_000_000), &maintained), (403, "release_not_covered".into()));
    assert_eq!(ask(&layer.clone().release(1_600_000_000), &maintained).0, 200);
    assert_eq!(ask(&layer.clone().audience("files"), &for_files).0, 200);
    assert_eq!(ask(&layer.clone().audience("mails"), &for_files).0, 401);
    // The request itself says which machine it is from.
    let layer = layer.each(move |parts, needs| {
        needs.node(if parts.headers.contains_key("x-other") { other } else { machine })
    });
    let request = || Request::get("/x").header("authorization", format!("Bearer {bound}"));
    assert_eq!(answer(&layer, request().body(()).unwrap()).0, 200);
    assert_eq!(answer(&layer, request().header("x-other", "1").body(()).unwrap()).0, 403);
}

#[test]
fn a_request_says_what_it_costs_and_whose_job_it_is() {
    let (gate, token) = (Arc::new(builder().build().unwrap()), long_lived(None));
    let layer = LicenseLayer::new(Arc::clone(&gate)).each(|parts, needs| {
        let calls = parts.uri.query().and_then(|query| query.parse().ok()).unwrap_or(1);
        let needs = needs.meters([("calls", calls)]);
        match parts.headers.get("x-job").and_then(|job| job.to_str().ok()) {
            Some(job) => needs.job(job),
            None => needs,
        }
    });
    let ask = |uri: &str, job: Option<&str>| {
        let request = Request::get(uri).header("authorization", format!("Bearer {token}"));
        let request = job.into_iter().fold(request, |request, job| request.header("x-job", job));
        wait(layer.layer(Hello).call(request.body(()).unwrap()), || ()).unwrap()
    };
    let left = |response: &Response<String>| response.headers()["ratelimit"].to_str().unwrap().to_owned();
    assert!(left(&ask("/x?7", None)).starts_with(r#""calls";r=93"#));
    assert!(left(&ask("/x?3", Some("a"))).starts_with(r#""calls";r=90"#));
    assert!(left(&ask("/x?3", Some("a"))).starts_with(r#""calls";r=90"#), "the same job");
    assert!(left(&ask("/x?3", Some("b"))).starts_with(r#""calls";r=87"#));
    let other = ask("/x?4", Some("b"));
    assert_eq!((other.status().as_u16(), code(&other)), (409, "job_cost_differs"));
}

#[test]
fn a_token_may_be_where_the_route_says() {
    use licentia::http::TokenSource;

    let (gate, token) = (Arc::new(builder().build().unwrap()), long_lived(None));
    let sources = ["x-api-key", "cookie:licence", "websocket"].map(|source| source.parse().unwrap());
    let layer = LicenseLayer::new(gate).tokens(sources);
    let ask =
        |field: &str, value: &str| answer(&layer, Request::get("/x").header(field, value).body(()).unwrap());
    assert_eq!(ask("x-api-key", &token).0, 200);
    assert_eq!(ask("cookie", &format!("a=b; licence={token}")).0, 200);
    assert_eq!(ask("sec-websocket-protocol", &format!("licentia, {token}")).0, 200);
    assert_eq!(ask("authorization", &format!("Bearer {token}")), (401, "missing_token".into()));
    let request = Request::get("/x").header("x-api-key", &token).header("cookie", format!("licence={token}"));
    assert_eq!(answer(&layer, request.body(()).unwrap()).0, 401, "two licences are none");
    // The service of a WebSocket sees no token, and the browser gets the subprotocol that it offered.
    let layer = layer.tokens([TokenSource::WebSocket]);
    let socket = |request: &Request<()>| {
        let offered = request.headers().get("sec-websocket-protocol");
        let mut response = status(101);
        let seen = offered.map_or("none", |offered| offered.to_str().unwrap()).to_owned();
        *response.body_mut() = seen;
        Ok(response)
    };
    let ask = |offered: &str| {
        let request = Request::get("/x").header("sec-websocket-protocol", offered).body(()).unwrap();
        wait(layer.layer(Work(socket)).call(request), || ()).unwrap()
    };
    let opened = ask(&format!("licentia, {token}"));
    assert_eq!(
        (opened.body().as_str(), &opened.headers()["sec-websocket-protocol"]),
        ("none", &"licentia".parse().unwrap())
    );
    let opened = ask(&format!("{token}, chat"));
    assert_eq!((opened.body().as_str(), opened.headers().get("sec-websocket-protocol")), ("chat", None));
}

#[test]
fn a_refusal_may_be_told_in_the_services_own_words() {
    let layer = LicenseLayer::new(Arc::new(builder().build().unwrap())).refusal(|decision, response| {
        *response.body_mut() = format!("<h1>{}</h1>", decision.code().name());
        response.headers_mut().insert("content-type", "text/html".parse().unwrap());
        *response.status_mut() = http::StatusCode::PAYMENT_REQUIRED;
    });
    let request = Request::get("/x").body(()).unwrap();
    let response = wait(layer.layer(Hello).call(request), || ()).unwrap();
    assert_eq!((response.status().as_u16(), response.body().as_str()), (402, "<h1>missing_token</h1>"));
    assert_eq!(
        (&response.headers()["content-type"], &response.headers()["cache-control"]),
        (&"text/html".parse().unwrap(), &"no-store".parse().unwrap())
    );
}

#[test]
fn a_service_sees_what_was_charged_and_counts_more() {
    let (gate, token) = (Arc::new(builder().build().unwrap()), long_lived(None));
    let layer = LicenseLayer::new(Arc::clone(&gate)).meters(&[("calls", 2)]).rates(&[("api", 1)]);
    let work = |request: &Request<()>| {
        let admitted = request.extensions().get::<Admitted>().unwrap();
        let names: Vec<String> = admitted.charges().map(|charge| charge.name.to_owned()).collect();
        assert_eq!(names, ["api", "calls"]);
        assert_eq!(
            (admitted.quota("calls").unwrap().remaining, admitted.rate("api").unwrap().limit),
            (98, 10)
        );
        assert_eq!((admitted.warning(), admitted.quota("mails")), (None, None));
        let counter = admitted.counter().unwrap();
        for _row in 0..3 {
            counter.charge(&[], &[("mails", 1)], licentia::Now::system()).unwrap();
        }
        Ok(status(200))
    };
    let request = Request::get("/x").header("authorization", format!("Bearer {token}")).body(()).unwrap();
    assert_eq!(wait(layer.layer(Work(work)).call(request), || ()).unwrap().status(), 200);
    let look = licentia::Request::new().meters(&[("mails", 0)]);
    assert_eq!(gate.check(&token, &look, licentia::Now::system()).quota("mails").unwrap().remaining, 2);
}

/// A body that is not made from text, as tonic's.
#[derive(Default)]
struct Frames;

#[derive(Clone)]
struct Rpc(Option<u16>);

impl Service<Request<()>> for Rpc {
    type Response = Response<Frames>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Frames>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let mut response = Response::new(Frames);
        if let Some(code) = self.0 {
            response.headers_mut().insert("grpc-status", code.into());
        }
        ready(Ok(response))
    }
}

#[test]
fn a_call_of_grpc_is_refused_with_a_status_of_grpc() {
    let (gate, token) = (Arc::new(builder().build().unwrap()), long_lived(None));
    let layer = LicenseLayer::new(Arc::clone(&gate)).grpc();
    let ask = |layer: &LicenseLayer<licentia::http::EmptyBody>, service: Rpc, token: Option<&str>| {
        let request = Request::post("/acme.Search/Find").header("content-type", "application/grpc+proto");
        let request = token
            .into_iter()
            .fold(request, |request, token| request.header("authorization", format!("Bearer {token}")));
        wait(layer.layer(service).call(request.body(()).unwrap()), || ()).unwrap()
    };
    let status = |response: &Response<Frames>| {
        let code = response.headers().get("grpc-status").map(|code| code.to_str().unwrap().to_owned());
        (response.status().as_u16(), code.unwrap_or_default())
    };
    let refused = ask(&layer, Rpc(None), None);
    assert_eq!(status(&refused), (200, "16".into()), "UNAUTHENTICATED");
    assert_eq!(refused.headers()["content-type"], "application/grpc+proto");
    assert!(refused.headers()["grpc-message"].to_str().unwrap().starts_with("missing_token: "));
    assert_eq!(status(&ask(&layer, Rpc(None), Some(&token))), (200, String::new()));
    let lacking = layer.clone().features(["pdf"]);
    assert_eq!(status(&ask(&lacking, Rpc(None), Some(&token))), (200, "7".into()), "PERMISSION_DENIED");
    let much = layer.clone().meters([("mails", 6)]);
    assert_eq!(status(&ask(&much, Rpc(None), Some(&token))), (200, "8".into()), "RESOURCE_EXHAUSTED");
    // Charged only if the call is good.
    let after = layer.meters([("mails", 1)]).charge_on_success();
    let left = || {
        let look = licentia::Request::new().meters(&[("mails", 0)]);
        gate.check(&token, &look, licentia::Now::system()).quota("mails").unwrap().remaining
    };
    for (answered, remaining) in [(Some(14), 5), (Some(13), 5), (Some(5), 4), (Some(0), 3), (None, 2)] {
        ask(&after, Rpc(answered), Some(&token));
        assert_eq!(left(), remaining, "{answered:?}");
    }
}

/// A handler takes the licence as an argument; without the layer that is the service's fault.
#[cfg(feature = "axum")]
#[test]
fn a_handler_takes_the_licence_as_an_argument() {
    use axum::{Router, body::Body, routing::get};

    let (gate, token) = (Arc::new(builder().build().unwrap()), long_lived(None));
    let route = get(|admitted: Admitted| async move { admitted.license().unwrap().subject().to_owned() });
    let guarded = Router::new().route("/a", route.clone()).layer(LicenseLayer::new(gate));
    let mut app = guarded.route("/b", route).into_service::<Body>();
    for (path, status) in [("/a", 200), ("/b", 500)] {
        let request = Request::get(path).header("authorization", format!("Bearer {token}"));
        let response = wait(app.call(request.body(Body::empty()).unwrap()), || ()).unwrap();
        assert_eq!(response.status(), status, "{path}");
    }
}
