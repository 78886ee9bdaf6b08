//! HTTP/2: gRPC through the reverse proxy with its trailers, and attacks on the protocol.

mod common;

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use bytes::Bytes;
use common::{Upstream, World, send, tcp};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

const ROUTES: &str = "[[route]]\nmatch = \"POST /acme.Search/Find\"\nmeters = { calls = 1 }\n[[route]]\nmatch = \"GET /search\"\n";

fn config(upstream: SocketAddr) -> String {
    format!("[listen]\nproxy = \"127.0.0.1:0\"\n[proxy]\nupstream = \"http://{upstream}\"\n{ROUTES}")
}

/// A service that answers a call of gRPC with a message and trailers, and tells what it saw.
async fn grpc(seen: mpsc::UnboundedSender<HeaderMap>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let seen = seen.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                seen.send(request.headers().clone()).unwrap();
                async {
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    let mut trailers = HeaderMap::new();
                    trailers.insert("grpc-status", "0".parse().unwrap());
                    let body = Full::new(body).with_trailers(async { Some(Ok(trailers)) });
                    let response = Response::builder().header("content-type", "application/grpc");
                    Ok::<_, Infallible>(response.body(body).unwrap())
                }
            });
            tokio::spawn(async move {
                let _ = auto::Builder::new(TokioExecutor::new())
                    .http2_only()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_passes_with_its_trailers() {
    let (send, mut seen) = mpsc::unbounded_channel();
    let world = World::new();
    let gateway = world.start(&config(grpc(send).await)).await;
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let call = |token: Option<&str>| {
        let uri = format!("http://{}/acme.Search/Find", tcp(&gateway.listening.proxy));
        let mut request =
            Request::post(uri).header("content-type", "application/grpc").header("te", "trailers");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        client.request(request.body(Full::new(Bytes::from_static(b"\0\0\0\0\x05hello"))).unwrap())
    };
    let token = world.license("pro", "bob");
    let response = call(Some(&token)).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().map(|trailers| trailers["grpc-status"].clone()), Some("0".parse().unwrap()));
    assert_eq!(body.to_bytes(), &b"\0\0\0\0\x05hello"[..]);
    let fields = seen.recv().await.unwrap();
    assert_eq!((&fields["x-licentia-subject"], fields.get("authorization")), (&"bob".parse().unwrap(), None));
    assert_eq!(fields["te"], "trailers");
    assert_eq!(call(None).await.unwrap().status(), 401);
    assert!(seen.try_recv().is_err());
}

/// A frame (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A field that is in no table (RFC 7541, section 6.2.2).
fn field(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| u8::try_from(text.len()).ok().filter(|length| *length < 127).unwrap();
    [&[0, length(name)], name.as_bytes(), &[length(value)], value.as_bytes()].concat()
}

fn fields(of: &[(&str, &str)]) -> Vec<u8> {
    let whole =
        [(":method", "GET"), (":scheme", "http"), (":authority", "api.example"), (":path", "/search")];
    let given = |name: &str| of.iter().any(|(other, _)| *other == name);
    let pseudo = whole.iter().filter(|(name, _)| !given(name));
    let others = of.iter().filter(|(name, _)| name.starts_with(':')).chain(pseudo);
    others
        .chain(of.iter().filter(|(name, _)| !name.starts_with(':')))
        .flat_map(|(name, value)| field(name, value))
        .collect()
}

const HEADERS: u8 = 1;
const RESET: u8 = 3;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

async fn open(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&frame(4, 0, 0, &[])).await.unwrap();
    stream
}

/// The kind of the first frame that answers, besides those that every connection has; none if the connection ends.
async fn answer(stream: &mut TcpStream) -> Option<u8> {
    loop {
        let mut head = [0; 9];
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read_exact(&mut head)).await;
        read.expect("an answer or an end").ok()?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        stream.read_exact(&mut vec![0; length]).await.ok()?;
        if matches!(head[3], HEADERS | RESET | GOAWAY) {
            return Some(head[3]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_are_smuggled_in_frames_reach_nobody() {
    let (world, upstream) = (World::new(), Upstream::start().await);
    let gateway = world.start(&config(upstream.address)).await;
    let address = tcp(&gateway.listening.proxy);
    let bearer = format!("Bearer {}", world.license("pro", "bob"));
    let attacks: [&[(&str, &str)]; 11] = [
        &[("x-a", "b\r\nx-licentia-subject: evil")],
        &[("x-a\r\nx-licentia-subject", "evil")],
        &[("x-a", "b\0evil")],
        &[("X-Licentia-Subject", "evil")],
        &[("x_licentia_subject", "evil")],
        &[("connection", "x-licentia-subject")],
        &[("transfer-encoding", "chunked")],
        &[("x-a ", "evil")],
        &[(":path", "/search\r\nx-licentia-subject: evil")],
        &[(":path", "/search"), (":path", "/evil")],
        &[(":method", "GET /evil HTTP/1.1\r\n")],
    ];
    for attack in attacks {
        let mut stream = open(address).await;
        // The licence is longer than the short form of a length.
        let long = |text: &str| {
            let rest = text.len() - 127;
            let low = u8::try_from(rest & 127).unwrap() | 128;
            [&[0, 13][..], b"authorization", &[127, low, u8::try_from(rest >> 7).unwrap()], text.as_bytes()]
                .concat()
        };
        let block = [fields(attack), long(&bearer)].concat();
        stream.write_all(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &block)).await.unwrap();
        let _ = answer(&mut stream).await;
        for seen in upstream.take() {
            let text = format!("{seen:?}");
            assert!(
                !text.contains("evil") && seen.header("x-licentia-subject") == Some("bob"),
                "{attack:?}: {text}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_end_their_connection_and_nobody_elses() {
    let (world, upstream) = (World::new(), Upstream::start().await);
    let gateway = world.start(&config(upstream.address)).await;
    let address = tcp(&gateway.listening.proxy);
    let block = fields(&[]);
    // CONTINUATION without an end.
    let mut flood = frame(HEADERS, END_STREAM, 1, &block);
    let more = frame(CONTINUATION, 0, 1, &field("x-a", "b").repeat(100));
    flood.extend(more.repeat(20_000));
    // Requests that are reset at once.
    let rapid = |count: u32| -> Vec<u8> {
        let one = |number: u32| {
            let id = number * 2 + 1;
            [frame(HEADERS, END_STREAM | END_HEADERS, id, &block), frame(RESET, 0, id, &8_u32.to_be_bytes())]
                .concat()
        };
        (0..count).flat_map(one).collect()
    };
    // One list of fields of a megabyte.
    let mut huge = frame(HEADERS, END_STREAM, 1, &block);
    let part = field("x-a", &"b".repeat(120)).repeat(100);
    for number in 0..80 {
        huge.extend(frame(CONTINUATION, if number == 79 { END_HEADERS } else { 0 }, 1, &part));
    }
    for (name, attack) in [("continuation", flood), ("rapid reset", rapid(20_000)), ("huge", huge)] {
        let mut stream = open(address).await;
        let (mut read, mut write) = stream.split();
        let sending = async {
            // It fails when the gateway has closed the connection.
            let _ = write.write_all(&attack).await;
        };
        let reading = async {
            let (mut all, mut chunk) = (Vec::new(), [0; 4096]);
            while let Ok(Ok(count)) =
                tokio::time::timeout(Duration::from_secs(10), read.read(&mut chunk)).await
            {
                if count == 0 || all.len() > 1 << 20 {
                    break;
                }
                all.extend_from_slice(&chunk[..count]);
                // Another connection is served meanwhile.
            }
            all
        };
        let other = send(address, "GET", "/search", &[]);
        let ((), all, other) = tokio::join!(sending, reading, other);
        assert_eq!(other.status, 401, "{name}");
        // The kinds of the frames that came, in their order.
        let (mut kinds, mut rest) = (Vec::new(), &all[..]);
        while let [high, middle, low, kind, ..] = *rest {
            let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
            kinds.push(kind);
            rest = rest.get(9 + length..).unwrap_or_default();
        }
        assert!(kinds.iter().any(|kind| matches!(*kind, GOAWAY | RESET | HEADERS)), "{name}: {kinds:?}");
        if name != "huge" {
            assert!(kinds.contains(&GOAWAY), "{name}: {} frames", kinds.len());
        }
        assert_eq!(upstream.take().len(), 0, "{name}");
    }
    assert_eq!(send(address, "GET", "/search", &[]).await.status, 401);
}
