//! A vendor, a gateway and a service behind it.
#![allow(clippy::unused_self, dead_code, unreachable_pub, reason = "each test file uses a part")]

use std::{
    convert::Infallible,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use licentia::revocation::RevocationTerms;
use licentia_gateway::{Config, Gateway, config::Address};
use licentia_issuer::{BundleDraft, Catalogue, Issuer, KeyPurpose, KeysetDraft, KeysetEntry, SigningKey};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const CATALOGUE: &str = r#"
    [[tier]]
    name = "free"
    version = 1
    term = "1 month"
    quotas = { calls = "5/day" }
    rates = { api = "100/1s" }

    [[tier]]
    name = "pro"
    version = 3
    term = "1 year"
    features = { export = true }
    quotas = { calls = "1000/day" }
    rates = { api = "1000/1s" }
"#;

/// The vendor, with a folder for configurations.
pub struct World {
    pub folder: TempDir,
    pub issuer: Issuer,
}

impl World {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            issuer: Issuer::new("acme", SigningKey::generate().unwrap()),
        }
    }

    /// A licence of a tier.
    pub fn license(&self, tier: &str, subject: &str) -> String {
        self.indexed(tier, subject, None)
    }

    /// A licence of a tier that bundles can revoke by its index.
    pub fn indexed(&self, tier: &str, subject: &str, index: Option<u64>) -> String {
        let catalogue: Catalogue = CATALOGUE.parse().unwrap();
        let mut draft = catalogue.tier(tier, None).unwrap().draft(subject, now()).unwrap();
        draft.index = index;
        self.issuer.issue(&draft).unwrap().text()
    }

    /// A keyset with the key of licences and one for revocations, signed by the root key.
    pub fn keyset(&self, sequence: u64) -> Vec<u8> {
        let mut draft = KeysetDraft { sequence: sequence - 1, ..KeysetDraft::default() };
        draft.add(KeysetEntry::new(&self.issuer.key().public())).unwrap();
        let mut entry = KeysetEntry::new(&key(5).public());
        entry.purpose = KeyPurpose::Revocation;
        draft.add(entry).unwrap();
        draft.sign(&key(9), now() - 60, now() + 86_400).unwrap()
    }

    /// A bundle that revokes these indices.
    pub fn bundle(&self, sequence: u64, indices: &[u64]) -> Vec<u8> {
        self.bundle_draft(sequence, indices).sign(&key(5)).unwrap()
    }

    /// The same before it is signed.
    pub fn bundle_draft(&self, sequence: u64, indices: &[u64]) -> BundleDraft {
        BundleDraft {
            issuer: "acme".into(),
            sequence,
            issued_at: now().into(),
            next_update: (now() + 3600).into(),
            expires: (now() + 7200).into(),
            salt: [3; 16].into(),
            indices: indices.iter().map(|index| (*index, RevocationTerms::default())).collect(),
            ..BundleDraft::default()
        }
    }

    /// `[trust]` with the root key, and the keyset and the bundle at these places.
    pub fn followed(&self, keyset: &str, bundle: &str) -> String {
        format!(
            "[trust]\nroot = \"{}\"\nkeyset = \"{keyset}\"\nbundle = \"{bundle}\"\npoll = \"20ms\"\ncache = \"cache\"\n",
            key(9).public()
        )
    }

    /// Starts a gateway from the text of a whole configuration.
    pub async fn start_whole(&self, text: &str) -> Result<Gateway, String> {
        let config = Config::parse(text, "gateway.toml", self.folder.path());
        Gateway::start(config.unwrap_or_else(|faults| panic!("{faults}"))).await
    }

    /// `[trust]` with the vendor's key.
    pub fn trust(&self) -> String {
        format!("[trust]\nkeys = [\"{}\"]\n", self.issuer.key().public())
    }

    pub fn config(&self, text: &str) -> Config {
        let text = format!("{text}\n{}", self.trust());
        Config::parse(&text, "gateway.toml", self.folder.path()).unwrap_or_else(|faults| panic!("{faults}"))
    }

    pub async fn start(&self, text: &str) -> Gateway {
        Gateway::start(self.config(text)).await.unwrap()
    }
}

/// A key of the vendor's: the root is 9, the one for revocations 5.
pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// What a service got.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A service that remembers what it got. The request's field `x-answer` chooses the status.
pub struct Upstream {
    pub address: SocketAddr,
    pub seen: Arc<Mutex<Vec<Seen>>>,
}

impl Upstream {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let all = Arc::clone(&all);
                tokio::spawn(async move {
                    let service = service_fn(move |request| respond(Arc::clone(&all), request));
                    let builder = auto::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, seen }
    }

    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

async fn respond(
    seen: Arc<Mutex<Vec<Seen>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<bytes::Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let field = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let mut response =
        Response::builder().status(field("x-answer").map_or(200, |status| status.parse().unwrap()));
    if let Some(cost) = field("x-cost") {
        response = response.header("licentia-cost", cost);
    }
    seen.lock().unwrap().push(Seen {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    Ok(response.body(Full::new("hello\n".into())).unwrap())
}

/// A response, as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The name in the problem details.
    pub fn name(&self) -> &str {
        self.body.split(r#""name":""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("")
    }
}

#[allow(clippy::ref_option, reason = "the field of a gateway")]
pub fn tcp(address: &Option<Address>) -> SocketAddr {
    match address {
        Some(Address::Tcp(address)) => *address,
        other => panic!("{other:?} is no TCP address"),
    }
}

/// Sends a request as it is written, so that tests can send what no client would.
pub async fn send(address: SocketAddr, method: &str, target: &str, fields: &[(&str, &str)]) -> Answer {
    let mut text = format!("{method} {target} HTTP/1.1\r\n");
    if !fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        text += "Host: api.example\r\n";
    }
    for (name, value) in fields {
        text += &format!("{name}: {value}\r\n");
    }
    if !fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("connection")) {
        text += "Connection: close\r\n";
    }
    raw(address, &(text + "\r\n")).await
}

/// Sends bytes, and reads the response until the connection ends or the body is there.
pub async fn raw(address: SocketAddr, text: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    loop {
        if let Some(answer) = parse(&bytes) {
            return answer;
        }
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap();
        assert_ne!(read, 0, "the connection ended early: {}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&chunk[..read]);
    }
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let complete = match length {
        Some((_, length)) => body.len() >= length.parse().ok()?,
        None => status == 204 || body.ends_with("0\r\n\r\n"),
    };
    complete.then(|| Answer { status, headers: headers.clone(), body: body.to_owned() })
}

/// Writes a file of a world.
pub fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    std::fs::write(folder.join(name), bytes).unwrap();
}

/// A Redis server that keeps what it has answered, also if it is killed.
pub struct Redis {
    folder: PathBuf,
    pub port: u16,
    server: Option<Child>,
}

impl Redis {
    pub fn start(folder: &Path) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut redis = Self { folder: folder.to_owned(), port, server: None };
        redis.come();
        redis
    }

    pub fn come(&mut self) {
        let mut server = Command::new("redis-server");
        server.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
        server
            .args(["--loglevel", "warning", "--port", &self.port.to_string()])
            .arg("--dir")
            .arg(&self.folder);
        self.server = Some(server.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("redis-server"));
        for _ in 0..1000 {
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("redis-server does not listen");
    }

    pub fn go(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.go();
    }
}
