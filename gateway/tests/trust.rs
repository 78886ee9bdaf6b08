//! Keysets and bundles: from files and URLs, with the vendor there and away, good and bad.

mod common;

use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{World, send, tcp, write};
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use licentia_gateway::Gateway;
use tokio::net::TcpListener;

const ROUTES: &str = "[listen]\ncheck = \"127.0.0.1:0\"\n[[route]]\nmatch = \"GET /search\"\n";

/// The answer about a licence.
async fn name(gateway: &Gateway, token: &str) -> String {
    let bearer = format!("Bearer {token}");
    let fields = [("authorization", &*bearer), ("x-forwarded-method", "GET"), ("x-forwarded-uri", "/search")];
    let answer = send(tcp(&gateway.listening.check), "GET", "/forward", &fields).await;
    if answer.status == 200 { "allowed".into() } else { answer.name().to_owned() }
}

/// Waits until something new was loaded. Nothing that is waited for takes long.
async fn loaded(changes: &mut tokio::sync::watch::Receiver<u64>) {
    tokio::time::timeout(Duration::from_secs(30), changes.changed()).await.unwrap().unwrap();
}

/// A vendor's server: the keyset and the bundle, with an entity tag each, and how often each was sent whole.
#[derive(Clone, Default)]
struct Published {
    files: Arc<Mutex<[Vec<u8>; 2]>>,
    whole: Arc<Mutex<[u32; 2]>>,
    /// Deltas by the sequence number that they lead on from.
    deltas: Arc<Mutex<HashMap<u64, Vec<u8>>>>,
    asked: Arc<Mutex<u32>>,
}

impl Published {
    fn publish(&self, at: usize, bytes: Vec<u8>) {
        self.files.lock().unwrap()[at] = bytes;
    }

    async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, published) = (listener.local_addr().unwrap(), self.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let published = published.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    let answer = published.answer(&request);
                    async move { Ok::<_, Infallible>(answer) }
                });
                tokio::spawn(async move {
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        address
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<bytes::Bytes>> {
        *self.asked.lock().unwrap() += 1;
        let at = match request.uri().path() {
            "/keyset" => 0,
            "/bundle" => 1,
            "/moved" => {
                return Response::builder()
                    .status(302)
                    .header("location", "/bundle")
                    .body(Full::default())
                    .unwrap();
            }
            "/circle" => {
                return Response::builder()
                    .status(302)
                    .header("location", "/circle")
                    .body(Full::default())
                    .unwrap();
            }
            path => {
                let from = path.strip_prefix("/delta/").and_then(|from| from.parse().ok());
                let delta = from.and_then(|from: u64| self.deltas.lock().unwrap().get(&from).cloned());
                let status = match delta {
                    Some(_) => 200,
                    None if from.is_some() => 204,
                    None => 404,
                };
                let delta = Full::new(delta.unwrap_or_default().into());
                return Response::builder().status(status).body(delta).unwrap();
            }
        };
        let bytes = self.files.lock().unwrap()[at].clone();
        let tag = format!("\"{}-{:x}\"", bytes.len(), bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>());
        if request.headers().get("if-none-match").is_some_and(|known| known == &*tag) {
            return Response::builder().status(304).body(Full::default()).unwrap();
        }
        self.whole.lock().unwrap()[at] += 1;
        Response::builder().header("etag", tag).body(Full::new(bytes.into())).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_in_a_file_is_loaded_and_a_bad_one_is_not() {
    let world = World::new();
    let folder = world.folder.path();
    write(folder, "keyset.cbor", world.keyset(1));
    write(folder, "bundle.cbor", world.bundle(1, &[]));
    let config = format!("{ROUTES}{}", world.followed("keyset.cbor", "bundle.cbor"));
    let gateway = world.start_whole(&config).await.unwrap();
    let (one, two) = (world.indexed("pro", "bob", Some(1)), world.indexed("pro", "eve", Some(2)));
    assert_eq!(name(&gateway, &one).await, "allowed");

    let mut changes = gateway.trusted.loaded();
    write(folder, "new", world.bundle(2, &[1]));
    std::fs::rename(folder.join("new"), folder.join("bundle.cbor")).unwrap();
    loaded(&mut changes).await;
    assert_eq!(name(&gateway, &one).await, "revoked");
    assert_eq!(name(&gateway, &two).await, "allowed");

    // A damaged one, an older one: the good one stays.
    for bad in [b"nonsense".to_vec(), world.bundle(1, &[]), vec![]] {
        write(folder, "bundle.cbor", &bad);
        let problems = tokio::time::timeout(Duration::from_secs(30), gateway.polled()).await;
        problems.unwrap();
        assert_eq!(name(&gateway, &one).await, "revoked");
        assert_eq!(name(&gateway, &two).await, "allowed");
    }
    write(folder, "bundle.cbor", world.bundle(3, &[2]));
    loaded(&mut changes).await;
    assert_eq!((&*name(&gateway, &one).await, &*name(&gateway, &two).await), ("allowed", "revoked"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_works_and_starts_with_the_vendor_away() {
    let (world, vendor) = (World::new(), Published::default());
    vendor.publish(0, world.keyset(1));
    vendor.publish(1, world.bundle(5, &[1]));
    let address = vendor.serve().await;
    let place = |path: &str| format!("http://{address}/{path}");
    let (one, two) = (world.indexed("pro", "bob", Some(1)), world.indexed("pro", "eve", Some(2)));

    let config = format!("{ROUTES}{}", world.followed(&place("keyset"), &place("moved")));
    let gateway = world.start_whole(&config).await.unwrap();
    assert_eq!((&*name(&gateway, &one).await, &*name(&gateway, &two).await), ("revoked", "allowed"));
    // What has not changed is not sent again.
    for _ in 0..3 {
        gateway.polled().await;
    }
    assert_eq!(*vendor.whole.lock().unwrap(), [1, 1]);
    assert!(*vendor.asked.lock().unwrap() > 4);
    gateway.stop().await;

    // The vendor is away: the last good ones are on disk.
    let away = |path: &str| format!("http://127.0.0.1:1/{path}");
    let config = format!("{ROUTES}{}", world.followed(&away("keyset"), &away("bundle")));
    let gateway = world.start_whole(&config).await.unwrap();
    assert_eq!((&*name(&gateway, &one).await, &*name(&gateway, &two).await), ("revoked", "allowed"));
    gateway.stop().await;

    // It offers an older keyset and an older bundle: those on disk stay.
    vendor.publish(0, world.keyset(1));
    vendor.publish(1, world.bundle(4, &[]));
    let config = format!("{ROUTES}{}", world.followed(&place("keyset"), &place("bundle")));
    let gateway = world.start_whole(&config).await.unwrap();
    gateway.polled().await;
    assert_eq!(name(&gateway, &one).await, "revoked");
    gateway.stop().await;

    // Without a bundle, what is revoked is not known.
    let other = World { folder: tempfile::tempdir().unwrap(), ..world };
    let health = ROUTES.replace("[listen]", "[listen]\nhealth = \"127.0.0.1:0\"");
    let config = format!("{health}{}", other.followed(&place("keyset"), &place("circle")));
    let gateway = other.start_whole(&config).await.unwrap();
    assert_eq!(name(&gateway, &two).await, "revocation_stale");
    let ready = send(tcp(&gateway.listening.health), "GET", "/readyz", &[]).await;
    assert_eq!((ready.status, ready.body.contains("bundle")), (503, true), "{ready:?}");
    gateway.stop().await;

    // Without a keyset, nobody is trusted.
    let other = World { folder: tempfile::tempdir().unwrap(), ..other };
    let config = format!("{ROUTES}{}wait = \"1ms\"\n", other.followed(&away("keyset"), &away("bundle")));
    let error = other.start_whole(&config).await.map(|_| ()).unwrap_err();
    assert!(error.contains("`keyset`") && error.contains("`cache`"), "{error}");
}

/// Deltas are fetched instead of the bundle, and a restart with the vendor away knows what they revoked, though the store
/// remembers that a newer bundle than the whole one on disk was loaded.
#[tokio::test(flavor = "multi_thread")]
async fn deltas_are_fetched_by_url_and_survive_a_restart() {
    let (world, vendor) = (World::new(), Published::default());
    let drafts = [world.bundle_draft(1, &[]), world.bundle_draft(2, &[1]), world.bundle_draft(3, &[1, 2])];
    vendor.publish(0, world.keyset(1));
    vendor.publish(1, drafts[0].sign(&common::key(5)).unwrap());
    let address = vendor.serve().await;
    let place = |path: &str| format!("http://{address}/{path}");
    let config = |keyset: &str, bundle: &str, more: &str| {
        format!("store = \"sqlite:counters.db\"\n{ROUTES}{}{more}", world.followed(keyset, bundle))
    };
    let deltas = format!("delta = \"{}\"\n", place("delta/{from}"));
    let with_url = config(&place("keyset"), &place("bundle"), &deltas);
    let gateway = world.start_whole(&with_url).await.unwrap();
    let (one, two) = (world.indexed("pro", "bob", Some(1)), world.indexed("pro", "eve", Some(2)));
    assert_eq!((&*name(&gateway, &one).await, &*name(&gateway, &two).await), ("allowed", "allowed"));
    let mut changes = gateway.trusted.loaded();
    for (at, expected) in [(1, ("revoked", "allowed")), (2, ("revoked", "revoked"))] {
        let delta = drafts[at].sign_delta(&drafts[at - 1], &common::key(5)).unwrap();
        vendor.deltas.lock().unwrap().insert(at as u64, delta);
        loaded(&mut changes).await;
        assert_eq!((&*name(&gateway, &one).await, &*name(&gateway, &two).await), expected);
    }
    assert_eq!(vendor.whole.lock().unwrap()[1], 1, "the whole bundle was fetched once");
    gateway.stop().await;

    // The vendor is away.
    let gone = "http://127.0.0.1:9";
    let away = config(&format!("{gone}/keyset"), &format!("{gone}/bundle"), "");
    let gateway = world.start_whole(&away).await.unwrap();
    assert_eq!((&*name(&gateway, &one).await, &*name(&gateway, &two).await), ("revoked", "revoked"));
    gateway.stop().await;
    // A damaged delta leaves the bundle before it, which the store knows to be old: nothing is granted on it.
    std::fs::write(world.folder.path().join("cache/bundle.0.delta.2"), b"damaged").unwrap();
    let gateway = world.start_whole(&away).await.unwrap();
    assert_eq!(name(&gateway, &two).await, "revocation_stale");
    gateway.stop().await;
}

/// A server whose event stream sends what the test gives it. A client may open a connection that it does not use.
async fn stream(events: tokio::sync::mpsc::Receiver<String>) -> SocketAddr {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let events = Arc::new(tokio::sync::Mutex::new(events));
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let events = Arc::clone(&events);
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { return };
                    request.push(byte);
                }
                let mut events = events.lock().await;
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
                stream.write_all(head.as_bytes()).await.unwrap();
                while let Some(event) = events.recv().await.filter(|event| event != "end") {
                    stream.write_all(event.as_bytes()).await.unwrap();
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_is_pushed_is_known_without_a_poll() {
    let world = World::new();
    let folder = world.folder.path();
    write(folder, "keyset.cbor", world.keyset(1));
    let first = world.bundle_draft(1, &[]);
    write(folder, "bundle.cbor", first.sign(&common::key(5)).unwrap());
    let (push, events) = tokio::sync::mpsc::channel(10);
    let address = stream(events).await;
    // A poll would come in an hour.
    let trust = world.followed("keyset.cbor", "bundle.cbor").replace("20ms", "1h");
    let config = format!("{ROUTES}{trust}events = \"http://{address}/events\"\n");
    let gateway = world.start_whole(&config).await.unwrap();
    let (one, two) = (world.indexed("pro", "bob", Some(1)), world.indexed("pro", "eve", Some(2)));
    assert_eq!(name(&gateway, &one).await, "allowed");

    // The delta itself, in two pieces with a heartbeat between them.
    let mut changes = gateway.trusted.loaded();
    let second = world.bundle_draft(2, &[1]);
    let delta = second.sign_delta(&first, &common::key(5)).unwrap();
    let delta = data_encoding::BASE64URL_NOPAD.encode(&delta);
    let event =
        format!("data: {{\"issuer\":\"acme\",\"stream\":0,\"sequence\":2,\"delta\":\"{delta}\"}}\n\n");
    let (start, end) = event.split_at(100);
    for part in [": heartbeat\n\n", start, end] {
        push.send(part.to_owned()).await.unwrap();
    }
    loaded(&mut changes).await;
    assert_eq!((&*name(&gateway, &one).await, &*name(&gateway, &two).await), ("revoked", "allowed"));

    // Without one, or with one that does not fit, the places are looked at; also after the stream was away.
    for (sequence, revoked, event) in [
        (3, 2, "data: {\"sequence\":3}\n\n"),
        (4, 1, "data: {\"delta\":\"AAAA\"}\n\n"),
        (5, 2, "data: nonsense\n\n"),
        (6, 1, "end"),
    ] {
        write(folder, "new", world.bundle(sequence, &[revoked]));
        std::fs::rename(folder.join("new"), folder.join("bundle.cbor")).unwrap();
        push.send(event.to_owned()).await.unwrap();
        loaded(&mut changes).await;
        let expected = if revoked == 1 { ("revoked", "allowed") } else { ("allowed", "revoked") };
        assert_eq!((&*name(&gateway, &one).await, &*name(&gateway, &two).await), expected, "{event}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_are_replaced_while_the_gateway_runs_and_bad_ones_are_not() {
    let world = World::new();
    let folder = world.folder.path();
    let text = format!("{ROUTES}{}", world.trust());
    write(folder, "gateway.toml", &text);
    let path = folder.join("gateway.toml");
    let config = licentia_gateway::Config::load(&path).unwrap();
    let gateway = Gateway::start(config).await.unwrap();
    let token = world.license("pro", "bob");
    assert_eq!(name(&gateway, &token).await, "allowed");
    write(folder, "gateway.toml", "nonsense");
    assert!(gateway.reload(&path).is_err());
    assert_eq!(name(&gateway, &token).await, "allowed");
    write(folder, "gateway.toml", text.replace("GET /search", "GET /find"));
    gateway.reload(&path).unwrap();
    assert_eq!(name(&gateway, &token).await, "route_not_listed");
    gateway.stop().await;
}
