//! What is charged when the response is there, and streams that end with their licence.

mod common;

use std::time::Duration;

use common::{Upstream, World, raw, send, tcp, write};
use licentia_gateway::Gateway;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
};

const ROUTES: &str = r#"
    [[route]]
    match = "GET /success"
    meters = { calls = 1 }
    charge = "success"

    [[route]]
    match = "GET /uncharged"
    meters = { calls = 1 }
    uncharged = [404, "5xx"]

    [[route]]
    match = "GET /cost"
    meters = { calls = 3 }
    cost = "response"

    [[route]]
    match = "GET /left"
    meters = { calls = 0 }

    [[route]]
    match = "GET /socket"
    token = ["websocket"]

    [[route]]
    match = "POST /echo"
"#;

fn config(upstream: impl std::fmt::Display) -> String {
    format!("[listen]\nproxy = \"127.0.0.1:0\"\n[proxy]\nupstream = \"http://{upstream}\"\n{ROUTES}")
}

async fn left(gateway: &Gateway, bearer: &str) -> u64 {
    let answer = send(tcp(&gateway.listening.proxy), "GET", "/left", &[("authorization", bearer)]).await;
    let field = answer.header("ratelimit").unwrap().to_owned();
    let rest = field.split("\"calls\";r=").nth(1).unwrap();
    rest.split(';').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_not_charged_and_the_upstream_says_the_cost() {
    let (world, upstream) = (World::new(), Upstream::start().await);
    let gateway = world.start(&config(upstream.address)).await;
    let address = tcp(&gateway.listening.proxy);
    let bearer = format!("Bearer {}", world.license("free", "ada"));
    let authorization = ("authorization", &*bearer);
    assert_eq!(left(&gateway, &bearer).await, 5);
    for (target, fields, status, remaining) in [
        ("/success", &[("x-answer", "500")][..], 500, 5),
        ("/success", &[("x-answer", "503")], 503, 5),
        ("/success", &[("x-answer", "404")], 404, 4),
        ("/uncharged", &[("x-answer", "404")], 404, 4),
        ("/uncharged", &[("x-answer", "502")], 502, 4),
        ("/success", &[], 200, 3),
        ("/cost", &[("x-cost", "calls=1")], 200, 2),
        ("/cost", &[], 429, 2),
        ("/success", &[("x-cost", "calls=0")], 200, 1),
    ] {
        let fields: Vec<_> = [authorization].into_iter().chain(fields.iter().copied()).collect();
        let answer = send(address, "GET", target, &fields).await;
        assert_eq!(answer.status, status, "{target} {fields:?}: {}", answer.body);
        assert_eq!(answer.header("licentia-cost"), None, "clients never see it");
        assert_eq!(left(&gateway, &bearer).await, remaining, "{target} {fields:?}");
    }
    // The service is away: nobody pays for that.
    drop(gateway);
    // A port that is taken and does not listen.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let gateway = world.start(&config(taken.local_addr().unwrap())).await;
    let pro = format!("Bearer {}", world.license("pro", "bob"));
    let answer = send(tcp(&gateway.listening.proxy), "GET", "/success", &[("authorization", &pro)]).await;
    assert_eq!((answer.status, answer.name()), (502, "upstream_unreachable"), "{answer:?}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_pass_as_they_come() {
    let (world, upstream) = (World::new(), Upstream::start().await);
    let gateway = world.start(&config(upstream.address)).await;
    let bearer = world.license("pro", "bob");
    let text = format!(
        "POST /echo HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {bearer}\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    );
    assert_eq!(raw(tcp(&gateway.listening.proxy), &text).await.status, 200);
    assert_eq!(upstream.take()[0].body, "hello world");
    gateway.stop().await;
}

/// A service that switches protocols and then sends back what it gets.
async fn echo() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let head = head(&mut stream).await.to_ascii_lowercase();
                assert!(!head.contains("lic1_"), "the service does not see the licence: {head}");
                assert!(head.contains("upgrade: websocket"), "{head}");
                assert!(head.contains("x-licentia-subject: bob"), "{head}");
                let answer =
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
                stream.write_all(answer.as_bytes()).await.unwrap();
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    address
}

async fn head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_websocket_is_closed_when_its_licence_is_revoked() {
    let world = World::new();
    let folder = world.folder.path();
    write(folder, "keyset.cbor", world.keyset(1));
    write(folder, "bundle.cbor", world.bundle(1, &[]));
    let config = format!("{}{}", config(echo().await), world.followed("keyset.cbor", "bundle.cbor"));
    let gateway = world.start_whole(&config).await.unwrap();
    let address = tcp(&gateway.listening.proxy);
    let mut sockets = Vec::new();
    for index in [1, 2] {
        let token = world.indexed("pro", "bob", Some(index));
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: licentia, {token}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let head = head(&mut stream).await.to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 101"), "{head}");
        assert!(head.contains("sec-websocket-protocol: licentia\r\n"), "{head}");
        stream.write_all(b"hello").await.unwrap();
        let mut back = [0; 5];
        stream.read_exact(&mut back).await.unwrap();
        assert_eq!(&back, b"hello");
        sockets.push(stream);
    }
    gateway.trusted.load_revocation(&world.bundle(2, &[1])).unwrap();
    let mut byte = [0; 1];
    let ended = tokio::time::timeout(Duration::from_secs(30), sockets[0].read(&mut byte)).await.unwrap();
    assert!(matches!(ended, Ok(0) | Err(_)), "the revoked one ends");
    sockets[1].write_all(b"x").await.unwrap();
    sockets[1].read_exact(&mut byte).await.unwrap();
    assert_eq!(&byte, b"x", "the other one goes on");
    gateway.stop().await;
}
