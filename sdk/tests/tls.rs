//! Redis over TLS: the server is known by its certificate and its name, and a client by its own certificate.

#[path = "common/cluster.rs"]
mod cluster;
mod common;

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use cluster::cluster;
use common::{NOW, builder, licence, server_program};
use licentia::{
    Action, Code, Request,
    store::{self, OpenError},
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// An authority of the test's own, with its files.
struct Authority {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, format!("authority {}", fastrand::u64(..)));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key) }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes `NAME.pem` and `NAME.key` for some hosts, and returns their paths.
    fn sign(&self, name: &str, hosts: &[&str], change: impl FnOnce(&mut CertificateParams)) -> [PathBuf; 2] {
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let paths = [self.file(&format!("{name}.pem")), self.file(&format!("{name}.key"))];
        fs::write(&paths[0], certificate.pem()).unwrap();
        fs::write(&paths[1], key.serialize_pem()).unwrap();
        paths
    }

    /// What a server is told of its certificate.
    fn options(&self, [certificate, key]: &[PathBuf; 2], clients: &str) -> Vec<String> {
        let ca = self.file("ca.pem");
        let words: [(&str, &Path); 3] =
            [("--tls-cert-file", certificate), ("--tls-key-file", key), ("--tls-ca-cert-file", &ca)];
        let mut options: Vec<String> =
            words.iter().flat_map(|(word, path)| [(*word).to_owned(), path.display().to_string()]).collect();
        options.extend(["--tls-auth-clients".to_owned(), clients.to_owned()]);
        options
    }
}

/// A server that ends with its value.
struct Server {
    child: Child,
    port: u16,
    options: Vec<String>,
    folder: tempfile::TempDir,
}

impl Server {
    fn start(options: Vec<String>) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = free();
        match spawn(port, &options, folder.path()) {
            Ok(child) => Some(Self { child, port, options, folder }),
            Err(error) => {
                assert!(std::env::var_os("LICENTIA_REQUIRE_REDIS").is_none(), "redis-server: {error}");
                eprintln!("not run: redis-server: {error}; `cargo xtask test rust` installs it");
                None
            }
        }
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(port: u16, options: &[String], folder: &Path) -> std::io::Result<Child> {
    let mut server = Command::new(server_program());
    server.args(["--port", "0", "--tls-port", &port.to_string(), "--save", ""]).args(options);
    server.arg("--dir").arg(folder).stdout(Stdio::null()).spawn()
}

fn free() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Opens a store, when its server has started.
fn opened(url: &str) -> std::sync::Arc<dyn store::Store> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match store::open(url) {
            Ok(store) => return store,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Why a store is not opened.
fn refused(url: &str) -> String {
    let begun = Instant::now();
    let error = store::open(url).err().unwrap_or_else(|| panic!("{url} opens"));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}: {error}", begun.elapsed());
    error.to_string()
}

fn token() -> String {
    licence(|draft| {
        draft.lineage = Some([7; 16].into());
        draft.grant.policy.store_unreachable = Action::Deny;
    })
}

fn is_charged(store: std::sync::Arc<dyn store::Store>) {
    let gate = builder().store(store).build().unwrap();
    let decision = gate.check(&token(), &Request::new().meters(&[("calls", 1)]), NOW);
    assert_eq!(decision.code(), Code::Allowed);
}

#[test]
fn a_server_is_known_by_its_certificate_and_its_name() {
    let authority = Authority::new();
    let paths = authority.sign("server", &["localhost"], |_| {});
    let Some(mut server) = Server::start(authority.options(&paths, "no")) else { return };
    let (port, ca) = (server.port, authority.file("ca.pem"));
    let url = format!("rediss://localhost:{port}/?ca={}", ca.display());
    is_charged(opened(&url));
    is_charged(opened(&url.replace("rediss", "valkeys")));
    let unknown = refused(&format!("rediss://localhost:{port}/"));
    assert!(unknown.contains("UnknownIssuer") && unknown.contains("`ca=PATH`"), "{unknown}");
    let other = Authority::new();
    let unknown = refused(&format!("rediss://localhost:{port}/?ca={}", other.file("ca.pem").display()));
    assert!(unknown.contains("UnknownIssuer"), "{unknown}");
    let name = refused(&url.replace("localhost", "127.0.0.1"));
    assert!(name.contains("not valid for name"), "{name}");
    // A client without TLS.
    let plain = refused(&format!("redis://localhost:{port}/"));
    assert!(plain.contains("`rediss://`"), "{plain}");

    // And the other way round.
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port_of_none = silent.local_addr().unwrap().port();
    let none = refused(&url.replace(&format!(":{port}"), &format!(":{port_of_none}")));
    assert!(none.contains("only one side uses TLS"), "{none}");

    // After a restart the same store connects anew, and the handshake is repeated.
    let store = opened(&url);
    let gate = builder().store(store).prefetch(false).build().unwrap();
    let job = |name| gate.check(&token(), &Request::new().meters(&[("calls", 1)]).job(name), NOW).code();
    assert_eq!(job("a"), Code::Allowed);
    server.stop();
    assert_eq!(job("b"), Code::StoreUnreachable);
    server.child = spawn(port, &server.options, server.folder.path()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while job("c") != Code::Allowed {
        assert!(Instant::now() < deadline, "it recovers by itself");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_expired_certificate_is_refused() {
    let authority = Authority::new();
    let paths = authority.sign("server", &["localhost"], |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    let Some(server) = Server::start(authority.options(&paths, "no")) else { return };
    let url = format!("rediss://localhost:{}/?ca={}", server.port, authority.file("ca.pem").display());
    let deadline = Instant::now() + Duration::from_secs(20);
    // Until it has started, it cannot be reached.
    while !refused(&url).contains("certificate expired") {
        assert!(Instant::now() < deadline, "{}", refused(&url));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_may_ask_for_a_certificate() {
    let authority = Authority::new();
    let paths = authority.sign("server", &["localhost"], |_| {});
    let Some(server) = Server::start(authority.options(&paths, "yes")) else { return };
    let [certificate, key] = authority.sign("client", &["api"], |_| {});
    let url = format!("rediss://localhost:{}/?ca={}", server.port, authority.file("ca.pem").display());
    is_charged(opened(&format!("{url}&cert={}&key={}", certificate.display(), key.display())));
    // In TLS 1.3 the server says so after the handshake.
    let without = refused(&url);
    assert!(without.contains("CertificateRequired"), "{without}");
    // The key of another certificate.
    let [_, other] = authority.sign("other", &["api"], |_| {});
    refused(&format!("{url}&cert={}&key={}", certificate.display(), other.display()));
}

#[test]
fn what_a_url_says_wrongly_is_named() {
    let authority = Authority::new();
    let [certificate, key] = authority.sign("client", &["api"], |_| {});
    let (certificate, key) = (certificate.display(), key.display());
    let empty = authority.file("empty.pem");
    fs::write(&empty, "").unwrap();
    for (url, word) in [
        (format!("redis://localhost/?ca={certificate}"), "need `rediss://`"),
        (format!("rediss://localhost/?cert={certificate}"), "go together"),
        (format!("rediss://localhost/?key={key}"), "go together"),
        (format!("rediss://localhost/?ca={certificate}#insecure"), "always verified"),
        ("rediss://localhost/?ca=/nowhere/ca.pem".to_owned(), "/nowhere/ca.pem"),
        (format!("rediss://localhost/?ca={}", empty.display()), "no CERTIFICATE in PEM"),
        (format!("rediss://localhost/?ca={key}"), "no CERTIFICATE in PEM"),
        (format!("rediss://localhost/?cert={certificate}&key={certificate}"), "no PRIVATE KEY in PEM"),
        ("rediss://localhost/?ca=".to_owned(), "paths of files"),
        ("rediss://localhost/?ca=a%b".to_owned(), "`%25`"),
    ] {
        let error = store::open_lazily(&url).err().unwrap_or_else(|| panic!("{url} opens"));
        assert!(
            matches!(error, OpenError::InvalidUrl(_) | OpenError::InvalidFile { .. }),
            "{url}: {error:?}"
        );
        assert_eq!(error.code(), Code::InvalidArgument, "{url}");
        assert!(error.to_string().contains(word), "{url}: {error}");
    }
}

/// What the child of the next test does: a variable of its environment names the authorities.
#[test]
#[ignore = "run by `the_authorities_of_the_system_are_trusted`"]
fn a_child_opens() {
    let Ok(url) = std::env::var("LICENTIA_TLS_URL") else { return };
    is_charged(opened(&url));
}

#[test]
fn the_authorities_of_the_system_are_trusted() {
    let authority = Authority::new();
    let paths = authority.sign("server", &["localhost"], |_| {});
    let Some(server) = Server::start(authority.options(&paths, "no")) else { return };
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "a_child_opens"])
        .env("SSL_CERT_FILE", authority.file("ca.pem"))
        .env("LICENTIA_TLS_URL", format!("rediss://localhost:{}/", server.port))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn a_cluster_is_followed_over_tls() {
    let authority = Authority::new();
    let paths = authority.sign("server", &["localhost", "127.0.0.1"], |_| {});
    let ports = [(); 3].map(|()| cluster::port().unwrap());
    let options = ports.map(|port| {
        let mut options = authority.options(&paths, "no");
        options.extend(["--tls-cluster", "yes", "--tls-port", &port.to_string()].map(str::to_owned));
        options
    });
    let Some(nodes) = cluster(options.each_ref().map(Vec::as_slice)) else { return };
    let ca = authority.file("ca.pem");
    let gate = builder()
        .store(opened(&format!("rediss://localhost:{}/?ca={}", ports[0], ca.display())))
        .build()
        .unwrap();
    for number in 0..30 {
        let token = licence(|draft| {
            draft.lineage = Some([number; 16].into());
            draft.grant.policy.store_unreachable = Action::Deny;
        });
        let decision = gate.check(&token, &Request::new().meters(&[("calls", 1)]), NOW);
        assert_eq!(decision.code(), Code::Allowed, "{number}");
    }
    let keys = nodes.each_ref().map(|node| node.tell::<u64>(&["DBSIZE"]).unwrap());
    assert!(keys.iter().all(|keys| *keys > 3), "all of them have some: {keys:?}");
}
