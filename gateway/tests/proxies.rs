//! Real proxies with the configurations of `deploy/`: `cargo xtask test gateway` installs and runs them.

mod common;

use std::{
    env, fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use common::{Upstream, World, send, tcp};
use licentia_gateway::Gateway;
use tokio::net::TcpStream;

/// A proxy that runs, with its configuration.
struct Proxy {
    process: Child,
    address: SocketAddr,
    name: &'static str,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A vendor, a service, and a gateway with the routes of `deploy/gateway.toml`.
struct Site {
    world: World,
    upstream: Upstream,
    gateway: Gateway,
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Site {
    async fn start() -> Self {
        let (world, upstream) = (World::new(), Upstream::start().await);
        let text = fs::read_to_string(deploy().join("gateway.toml")).unwrap();
        // The vendor of the test is another one.
        let (before, after) = text.split_once("[trust]").unwrap();
        let after = after.split_once("[defaults]").unwrap().1;
        let socket = world.folder.path().join("grpc.sock");
        let text = format!("{before}{}[defaults]{after}", world.trust())
            .replace("127.0.0.1:9000", "127.0.0.1:0")
            .replace("/run/licentia/grpc.sock", &socket.display().to_string());
        let gateway = world.start_whole(&text).await.unwrap();
        Self { world, upstream, gateway }
    }

    /// Starts a proxy with a copy of a folder of `deploy/`, in which the addresses are those of this site.
    async fn proxy(&self, name: &'static str, program: &Path, arguments: &[&str]) -> Proxy {
        let folder = self.world.folder.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        let address = free_port();
        let check = tcp(&self.gateway.listening.check).to_string();
        let socket = self.world.folder.path().join("grpc.sock").display().to_string();
        for entry in fs::read_dir(deploy().join(name)).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let port = |address: &SocketAddr| format!("port_value: {}", address.port());
            let text = text
                .replace("127.0.0.1:9000", &check)
                .replace("127.0.0.1:3000", &self.upstream.address.to_string())
                .replace("127.0.0.1:8080", &address.to_string())
                .replace("http://:8080", &format!("http://:{}", address.port()))
                .replace("port_value: 9901", &port(&free_port()))
                .replace("port_value: 9000", &port(&check.parse().unwrap()))
                .replace("port_value: 3000", &port(&self.upstream.address))
                .replace("port_value: 8080", &port(&address))
                .replace("/run/licentia/grpc.sock", &socket);
            fs::write(folder.join(path.file_name().unwrap()), text).unwrap();
        }
        let log = fs::File::create(self.world.folder.path().join(format!("{name}.log"))).unwrap();
        let mut process = Command::new(program);
        process.args(arguments).current_dir(&folder).env("LICENTIA_CHECK", &check).env("HOME", &folder);
        process.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let process = process.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let mut proxy = Proxy { process, address, name };
        for _ in 0..600 {
            if TcpStream::connect(address).await.is_ok() {
                return proxy;
            }
            assert!(proxy.process.try_wait().unwrap().is_none(), "{name} ended: {}", self.log(name));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{name} does not listen: {}", self.log(name));
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.world.folder.path().join(format!("{name}.log"))).unwrap_or_default()
    }

    /// What every proxy must do.
    async fn exercise(self, proxy: Proxy) {
        let (address, name) = (proxy.address, proxy.name);
        let (free, pro) = (self.world.license("free", "ada"), self.world.license("pro", "bob"));
        let (free, pro) = (format!("Bearer {free}"), format!("Bearer {pro}"));
        let (free, pro) = (("authorization", &*free), ("authorization", &*pro));

        let answer = send(address, "GET", "/search", &[]).await;
        assert_eq!(answer.status, 401, "{name}: {answer:?}\n{}", self.log(name));
        assert_eq!(answer.name(), "missing_token", "{name}: {answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}: {answer:?}");
        assert!(answer.header("www-authenticate").is_some(), "{name}: {answer:?}");
        assert_eq!(self.upstream.take().len(), 0, "{name}");

        for _ in 0..5 {
            let answer = send(address, "GET", "/search?q=1", &[free]).await;
            assert_eq!(answer.status, 200, "{name}: {answer:?}\n{}", self.log(name));
        }
        assert_eq!(self.upstream.take().len(), 5, "{name}");
        let answer = send(address, "GET", "/search", &[free]).await;
        assert_eq!((answer.status, answer.name()), (429, "quota_exceeded"), "{name}: {answer:?}");
        assert!(answer.header("retry-after").is_some(), "{name}: {answer:?}");
        let answer = send(address, "GET", "/exports/7", &[free]).await;
        assert_eq!((answer.status, answer.name()), (403, "feature_not_licensed"), "{name}: {answer:?}");
        let answer = send(address, "GET", "/unlisted", &[pro]).await;
        assert_eq!((answer.status, answer.name()), (403, "route_not_listed"), "{name}: {answer:?}");
        assert_eq!(self.upstream.take().len(), 0, "{name}");

        let answer = send(address, "GET", "/exports/7", &[pro, ("x-licentia-subject", "evil")]).await;
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        let seen = self.upstream.take();
        assert_eq!(seen[0].target, "/exports/7", "{name}");
        assert_eq!(seen[0].header("x-licentia-subject"), Some("bob"), "{name}");
        assert_eq!(seen[0].header("x-licentia-tier"), Some("pro"), "{name}");
        for field in ["authorization", "licentia-proof"] {
            assert!(seen[0].header(field).unwrap_or_default().is_empty(), "{name}: {field}");
        }

        self.smuggle(address, name, pro).await;

        // With the gateway away nothing passes.
        self.gateway.stop().await;
        let answer = send(address, "GET", "/exports/7", &[pro]).await;
        assert!(answer.status >= 400, "{name}: {answer:?}");
        assert_eq!(self.upstream.take().len(), 0, "{name}");
    }

    /// Nothing that a client makes up reaches the service.
    async fn smuggle(&self, address: SocketAddr, name: &str, pro: (&str, &str)) {
        let attacks: [&[(&str, &str)]; 9] = [
            &[("x-licentia-subject", "evil")],
            &[("X-LICENTIA-SUBJECT", "evil")],
            &[("x_licentia_subject", "evil")],
            &[("x.licentia.subject", "evil")],
            &[("x-licentia-subject", "evil"), ("x-licentia-subject", "evil")],
            &[("x-licentia-warning", "evil")],
            &[("x-licentia-anything", "evil")],
            &[("connection", "close, x-licentia-subject")],
            &[("licentia-cost", "evil")],
        ];
        for attack in attacks {
            for (target, who) in [("/exports/8", Some(pro)), ("/status", None)] {
                let fields: Vec<_> = who.into_iter().chain(attack.iter().copied()).collect();
                let answer = send(address, "GET", target, &fields).await;
                for seen in self.upstream.take() {
                    assert_eq!(answer.status, 200, "{name}: {attack:?}: {answer:?}");
                    let evil = seen.headers.iter().find(|(_, value)| value.contains("evil"));
                    assert_eq!(evil, None, "{name}: {attack:?} {target}");
                    let subject = seen.header("x-licentia-subject").unwrap_or_default();
                    assert_eq!(
                        subject,
                        if who.is_some() { "bob" } else { "" },
                        "{name}: {attack:?} {target}"
                    );
                }
            }
        }
        for target in [
            "/status/..%2fexports%2f7",
            "/status/../exports/7",
            "/status/%2e%2e/exports/7",
            "//exports/7",
            "/exports/7%00",
            "/exports/7;x",
            "/STATUS",
            "/status%5c..%5cexports",
            "/status/%252e%252e/exports/7",
        ] {
            let answer = send(address, "GET", target, &[]).await;
            assert!((400..500).contains(&answer.status), "{name}: {target}: {answer:?}");
            assert_eq!(self.upstream.take().len(), 0, "{name}: {target}");
        }
    }
}

fn envoy() -> PathBuf {
    env::var_os("LICENTIA_ENVOY")
        .expect("LICENTIA_ENVOY names Envoy's binary; `cargo xtask test gateway` sets it")
        .into()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs nginx: cargo xtask test gateway"]
async fn nginx() {
    let site = Site::start().await;
    let folder = site.world.folder.path().join("nginx");
    fs::create_dir_all(&folder).unwrap();
    let prefix = folder.display().to_string();
    let configuration = folder.join("nginx.conf").display().to_string();
    let global = format!("daemon off; pid {prefix}/pid; error_log stderr;");
    let arguments = ["-p", &prefix, "-c", &configuration, "-g", &global];
    let proxy = site.proxy("nginx", Path::new("nginx"), &arguments).await;
    site.exercise(proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs HAProxy: cargo xtask test gateway"]
async fn haproxy() {
    let site = Site::start().await;
    let proxy = site.proxy("haproxy", Path::new("haproxy"), &["-f", "haproxy.cfg", "-db"]).await;
    site.exercise(proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Caddy: cargo xtask test gateway"]
async fn caddy() {
    let site = Site::start().await;
    let proxy = site
        .proxy("caddy", Path::new("caddy"), &["run", "--config", "Caddyfile", "--adapter", "caddyfile"])
        .await;
    site.exercise(proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Envoy: cargo xtask test gateway"]
async fn envoy_over_grpc() {
    let site = Site::start().await;
    let proxy = site
        .proxy("envoy", &envoy(), &["-c", "grpc.yaml", "--use-dynamic-base-id", "--concurrency", "1"])
        .await;
    let (free, pro) = (site.world.license("free", "eve"), site.world.license("pro", "eve"));
    for (token, status) in [(free, 403), (pro, 200)] {
        let bearer = format!("Bearer {token}");
        let answer = send(proxy.address, "GET", "/special/x", &[("authorization", &bearer)]).await;
        assert_eq!(answer.status, status, "the route is the operator's: {answer:?}");
    }
    assert_eq!(site.upstream.take()[0].header("x-licentia-route"), Some("* /special"));
    site.exercise(proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Envoy: cargo xtask test gateway"]
async fn envoy_over_http() {
    let site = Site::start().await;
    let proxy = site
        .proxy("envoy", &envoy(), &["-c", "http.yaml", "--use-dynamic-base-id", "--concurrency", "1"])
        .await;
    site.exercise(proxy).await;
}
