//! A service of a test's own, and a client.
#![allow(dead_code, unreachable_pub, reason = "each suite uses a part of it")]

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use licentia::Now;
use licentia_issuer::SigningKey;
use licentia_server::{Config, Init, Running, Server};
use serde_json::Value;
use ureq::Agent;

/// What the services of tests sell.
pub const TIERS: &str = "
[[tier]]
name = \"pro\"
version = 1
term = \"1 year\"
grace = \"14 days\"
features = { export = true }
quotas = { calls = \"1000/month\" }
rates = { api = \"10/1s\" }

[[tier]]
name = \"team\"
version = 1
term = \"1 year\"
seats = 5
features = { export = true, sso = true }
quotas = { calls = \"100000/month\" }
rates = { api = \"100/1s\" }
";

/// The issuer of tests.
pub const ISSUER: &str = "acme";

/// A service that runs in this process.
pub struct Service {
    pub folder: tempfile::TempDir,
    pub server: Server,
    pub address: SocketAddr,
    pub admin: String,
    running: Option<Running>,
    runtime: tokio::runtime::Runtime,
}

/// A response: status, fields, and body.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub fields: ureq::http::HeaderMap,
    pub text: String,
}

impl Response {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The name of a problem.
    pub fn problem(&self) -> String {
        assert_eq!(self.fields["content-type"], "application/problem+json", "{self:?}");
        self.json()["name"].as_str().unwrap().to_owned()
    }
}

pub fn now() -> u64 {
    Now::system().time.as_seconds()
}

/// Makes the folder of a service.
pub fn make(folder: &Path, ledger: &str) -> PathBuf {
    let init = Init {
        folder,
        issuer: ISSUER,
        ledger,
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        catalogue: TIERS,
        passphrase: None,
    };
    init.make(now().into()).unwrap().config
}

pub fn agent() -> Agent {
    let config =
        Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_mins(1)));
    config.build().new_agent()
}

impl Service {
    /// A service on a ledger in SQLite.
    pub fn start() -> Self {
        Self::on("ledger.db")
    }

    /// A service with more at the start of its configuration.
    pub fn with(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = make(folder.path(), "ledger.db");
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, format!("{more}{text}")).unwrap();
        Self::run(folder, &config)
    }

    /// A service on a ledger at a place.
    pub fn on(ledger: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = make(folder.path(), ledger);
        Self::run(folder, &config)
    }

    /// A service in a folder that was made.
    pub fn run(folder: tempfile::TempDir, config: &Path) -> Self {
        let config = Config::load(config).unwrap();
        let load = |path: &Path| SigningKey::load(path, None).map_err(|error| error.to_string());
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let server = Server::open(&config, load).unwrap();
        let running = runtime.block_on(Running::start(server.clone(), config.listen)).unwrap();
        let address = running.address;
        let admin = std::fs::read_to_string(folder.path().join("admin.lic")).unwrap().trim().to_owned();
        Self { folder, server, address, admin, running: Some(running), runtime }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, token: &str, path: &str) -> Response {
        let request = agent().get(self.url(path)).header("authorization", format!("Bearer {token}"));
        answered(request.call())
    }

    /// Posts with a new name.
    pub fn post(&self, token: &str, path: &str, body: &Value) -> Response {
        static NAMES: AtomicU64 = AtomicU64::new(0);
        let name = format!("request-{}", NAMES.fetch_add(1, Ordering::Relaxed));
        self.post_as(token, path, &name, body)
    }

    pub fn post_as(&self, token: &str, path: &str, name: &str, body: &Value) -> Response {
        let request = agent().post(self.url(path)).header("authorization", format!("Bearer {token}"));
        let request = request.header("idempotency-key", name).header("content-type", "application/json");
        answered(request.send(body.to_string()))
    }

    /// A credential with some features.
    pub fn credential(&self, features: &[&str]) -> String {
        let features: serde_json::Map<_, _> =
            features.iter().map(|name| ((*name).to_owned(), Value::Bool(true))).collect();
        let body = serde_json::json!({ "subject": "staff", "tier": "pro", "features": features });
        let answer = self.post(&self.admin, "/v1/licenses", &body);
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["token"].as_str().unwrap().to_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}

pub fn answered(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Response {
    let mut response = result.unwrap();
    let (status, fields) = (response.status().as_u16(), response.headers().clone());
    let text = String::from_utf8_lossy(&response.body_mut().read_to_vec().unwrap()).into_owned();
    Response { status, fields, text }
}
