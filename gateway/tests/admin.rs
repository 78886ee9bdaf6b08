//! The admin address: who gets in, what a page receives, and what happens to one that reads too slowly.

use std::{collections::BTreeSet, path::Path, time::Duration};

use licentia_gateway::{Config, Gateway};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::{Instant, timeout},
};

const CONFIG: &str = r#"
issuer = "acme"
[listen]
check = "127.0.0.1:0"
admin = "127.0.0.1:0"
health = "127.0.0.1:0"
[admin]
hosts = ["gate.internal"]
[trust]
keys = ["KEY"]
[[route]]
match = "GET /a"
meters = { calls = 1 }
"#;

/// A gateway, the address of its page, and the token.
async fn start() -> (Gateway, String, String) {
    let key = licentia_issuer::SigningKey::from_seed(&[1; 32]).unwrap().public().to_string();
    let config = Config::parse(&CONFIG.replace("KEY", &key), "gateway.toml", Path::new(".")).unwrap();
    let gateway = Gateway::start(config).await.unwrap();
    let page = gateway.listening.page.clone().unwrap();
    let (address, token) = page.strip_prefix("http://").unwrap().split_once("/#token=").unwrap();
    let found = (address.to_owned(), token.to_owned());
    (gateway, found.0, found.1)
}

/// A connection that has sent a request and read nothing. Its buffer is small.
async fn connect(address: &str, request: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address.parse().unwrap()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn ask(address: &str, request: &str) -> String {
    let mut stream = connect(address, request).await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn events(token: &str) -> String {
    format!("GET /api/events HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\r\n")
}

/// Counts what a page received.
#[derive(Default)]
struct Page {
    text: String,
    decisions: u64,
    missed: u64,
    last: u64,
    total: u64,
}

impl Page {
    /// Reads until it has, or knows that it missed, each of so many decisions.
    async fn read(&mut self, stream: &mut TcpStream, total: u64) {
        let mut bytes = vec![0; 1 << 16];
        while self.total < total || self.decisions + self.missed < total {
            let length = timeout(Duration::from_secs(20), stream.read(&mut bytes)).await.unwrap().unwrap();
            assert_ne!(length, 0, "the stream ended");
            self.text += std::str::from_utf8(&bytes[..length]).unwrap();
            self.take();
        }
    }

    fn take(&mut self) {
        // Chunks of HTTP/1.1 frame the events; their sizes stand on lines of their own.
        while let Some((event, rest)) = self.text.split_once("\n\n") {
            let data = |event: &str| {
                event.lines().find_map(|line| line.strip_prefix("data: ")).map(ToOwned::to_owned)
            };
            let json: Option<Value> = data(event).and_then(|data| serde_json::from_str(&data).ok());
            if event.contains("event: decision") {
                self.decisions += 1;
                let id = json.as_ref().and_then(|json| json["id"].as_u64());
                if let Some(id) = id {
                    assert!(id > self.last, "{id} after {}", self.last);
                    self.last = id;
                }
            } else if event.contains("event: tick") {
                let json = json.unwrap();
                self.missed += json["missed"].as_u64().unwrap();
                self.total = json["totals"]["allowed"].as_u64().unwrap();
            }
            self.text = rest.to_owned();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_reads_too_slowly_misses_decisions_and_is_told() {
    const COUNT: u64 = 20_000;
    let (gateway, address, token) = start().await;
    let mut slow = connect(&address, &events(&token)).await;
    let mut quick = connect(&address, &events(&token)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let stream = gateway.decider.events().clone();
    let filling = "x".repeat(700);
    let publish = tokio::spawn(async move {
        for second in 0..COUNT {
            stream.publish(second, true, |id| format!(r#"{{"id":{id},"filling":"{filling}"}}"#));
            if second % 100 == 99 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    });
    let mut page = Page::default();
    page.read(&mut quick, COUNT).await;
    assert_eq!(page.decisions + page.missed, COUNT, "a page that reads");
    publish.await.unwrap();
    let mut late = Page::default();
    late.read(&mut slow, COUNT).await;
    assert!(late.missed > 1000, "{} missed", late.missed);
    assert_eq!(late.decisions + late.missed, COUNT, "a page that does not read");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_the_token_or_under_a_foreign_name() {
    let (_gateway, address, token) = start().await;
    let get = |path: &str, host: &str, fields: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{fields}connection: close\r\n\r\n")
    };
    let own = format!("authorization: Bearer {token}\r\n");
    for (request, status) in [
        (get("/", "127.0.0.1", ""), 200),
        (get("/", &address, ""), 200),
        (get("/", "localhost:1", ""), 200),
        (get("/", "gate.internal", ""), 200),
        (get("/", "evil.example", ""), 421),
        (get("/api/events", "evil.example", &own), 421),
        (get("/api/events", "127.0.0.1", ""), 401),
        (get("/api/events", "127.0.0.1", &format!("authorization: Bearer {token}x\r\n")), 401),
        (get("/api/events", "127.0.0.1", &format!("authorization: Basic {token}\r\n")), 401),
        (get(&format!("/api/events?token={token}"), "127.0.0.1", ""), 401),
        (get("/api/nothing", "127.0.0.1", &own), 404),
        (get("/nothing", "127.0.0.1", ""), 404),
        (get("/", "127.0.0.1", "").replace("GET", "POST"), 404),
        // Buttons are for `licentia dev`.
        (get("/api/dev/a/revoke", "127.0.0.1", &own).replace("GET", "POST"), 404),
    ] {
        let answer = ask(&address, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}{answer}");
        for field in [
            "content-security-policy: default-src 'none'; script-src 'sha256-",
            "frame-ancestors 'none'",
            "referrer-policy: no-referrer",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
        ] {
            assert!(answer.contains(field), "{field} is not in {answer}");
        }
        assert!(!answer.contains(&token));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_bounded_and_a_gateway_stops_although_they_are_open() {
    let (gateway, address, token) = start().await;
    let mut pages = Vec::new();
    for _ in 0..32 {
        let mut page = connect(&address, &events(&token)).await;
        page.read_exact(&mut [0; 15]).await.unwrap();
        pages.push(page);
    }
    let close = events(&token).replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    assert!(ask(&address, &close).await.starts_with("HTTP/1.1 503 "));
    pages.pop();
    let begun = Instant::now();
    let mut page = loop {
        let mut page = connect(&address, &close).await;
        let mut status = [0; 12];
        page.read_exact(&mut status).await.unwrap();
        if status == *b"HTTP/1.1 200" {
            break page;
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "the place of a page that left stays taken");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let begun = Instant::now();
    gateway.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(3), "stopped after {:?}", begun.elapsed());
    page.read_to_end(&mut Vec::new()).await.unwrap();
}

/// Each metric that the dashboard in `deploy/grafana` asks for exists.
#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_asks_for_metrics_that_exist() {
    let (gateway, ..) = start().await;
    let health = gateway.listening.health.as_ref().unwrap().to_string();
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    for path in ["/healthz", "/readyz"] {
        assert!(ask(&health, &get(path)).await.starts_with("HTTP/1.1 200 "), "{path}");
    }
    assert!(ask(&health, &get("/")).await.starts_with("HTTP/1.1 404 "));
    let answer = ask(&health, &get("/metrics")).await;
    let types = answer.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let mut known: BTreeSet<String> = BTreeSet::new();
    for (name, kind) in types {
        match kind {
            "histogram" => known.extend(["_bucket", "_sum", "_count"].map(|part| format!("{name}{part}"))),
            _ => drop(known.insert(name.to_owned())),
        }
    }
    let dashboard = include_str!("../../deploy/grafana/licentia.json");
    let dashboard: Value = serde_json::from_str(dashboard).unwrap();
    let mut asked = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let words =
                target["expr"].as_str().unwrap().split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            asked.extend(words.filter(|word| word.starts_with("licentia_")).map(ToOwned::to_owned));
        }
    }
    assert!(asked.len() > 10, "{asked:?}");
    let unknown: Vec<_> = asked.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?} are not in {known:?}");
}
