//! The vendor's side, the store, the proxy and the gateway are killed in turn. What each customer sees is what the licence's
//! policy says, and nothing is charged twice. `cargo xtask test gateway` runs it, with nginx.

mod common;

use std::{
    convert::Infallible,
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use common::{Answer, Redis, Upstream, World, send};
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use licentia::Action;
use licentia_issuer::Draft;
use tokio::{net::TcpStream, task::JoinHandle};

/// Units of each customer.
const QUOTA: u64 = 1000;

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A program that can be killed and started again.
struct Program {
    command: Box<dyn Fn() -> Command + Send + Sync>,
    address: SocketAddr,
    child: Option<Child>,
}

impl Program {
    async fn start(address: SocketAddr, command: impl Fn() -> Command + Send + Sync + 'static) -> Self {
        let mut program = Self { command: Box::new(command), address, child: None };
        program.come().await;
        program
    }

    async fn come(&mut self) {
        let mut command = (self.command)();
        self.child = Some(command.stdin(Stdio::null()).spawn().unwrap());
        for _ in 0..1000 {
            if TcpStream::connect(self.address).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{command:?} does not listen");
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The vendor's server, with a keyset and a bundle.
async fn vendor(keyset: Vec<u8>, bundle: Vec<u8>) -> (SocketAddr, JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let files = (keyset.clone(), bundle.clone());
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let (keyset, bundle) = files.clone();
                    let file = if request.uri().path() == "/keyset" { keyset } else { bundle };
                    async move { Ok::<_, Infallible>(Response::new(Full::new(bytes::Bytes::from(file)))) }
                });
                let io = TokioIo::new(stream);
                let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(io, service).await;
            });
        }
    });
    (address, serving)
}

fn licence(world: &World, name: &str, change: impl FnOnce(&mut Draft)) -> String {
    let mut draft = Draft::new(name, "pro", 1, common::now() - 60, common::now() + 86_400);
    draft.grant.quotas.insert("calls".into(), format!("{QUOTA}/day").parse().unwrap());
    change(&mut draft);
    format!("Bearer {}", world.issuer.issue(&draft).unwrap().text())
}

/// nginx with the configuration of `deploy/`.
async fn nginx(folder: &Path, check: SocketAddr, upstream: SocketAddr) -> Program {
    let (folder, address) = (folder.join("nginx"), free_port());
    fs::create_dir_all(&folder).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/nginx");
    for entry in fs::read_dir(shipped).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let text = text
            .replace("127.0.0.1:9000", &check.to_string())
            .replace("127.0.0.1:3000", &upstream.to_string())
            .replace("127.0.0.1:8080", &address.to_string());
        fs::write(folder.join(path.file_name().unwrap()), text).unwrap();
    }
    Program::start(address, move || {
        let prefix = folder.display().to_string();
        let global = format!("daemon off; master_process off; pid {prefix}/pid; error_log {prefix}/log;");
        let mut command = Command::new("nginx");
        command.args(["-p", &prefix, "-c", &format!("{prefix}/nginx.conf"), "-g", &global]);
        command.stderr(Stdio::null());
        command
    })
    .await
}

/// How many units of a customer are left, by the store.
fn left(answer: &Answer) -> u64 {
    let field = answer.header("ratelimit").unwrap_or_else(|| panic!("{answer:?}"));
    field.split("\"calls\";r=").nth(1).unwrap().split(';').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs nginx: cargo xtask test gateway"]
async fn whatever_is_killed_each_customer_sees_what_the_licence_says() {
    let (world, upstream) = (World::new(), Upstream::start().await);
    let folder = world.folder.path();
    fs::create_dir(folder.join("redis")).unwrap();
    let mut redis = Redis::start(&folder.join("redis"));
    let (vendor_address, serving) = vendor(world.keyset(1), world.bundle(1, &[1])).await;
    let check = free_port();
    let routes = "[[route]]\nmatch = \"GET /search\"\nmeters = { calls = 1 }\n[[route]]\nmatch = \"GET /left\"\nmeters = { calls = 0 }\n[[route]]\nmatch = \"GET /job\"\nmeters = { calls = 10 }\njob = \"x-job\"\n";
    let place = |path: &str| format!("http://{vendor_address}/{path}");
    let config = format!(
        "store = \"redis://127.0.0.1:{}/0\"\n[listen]\ncheck = \"{check}\"\n{}{routes}",
        redis.port,
        world.followed(&place("keyset"), &place("bundle")).replace("20ms", "200ms"),
    );
    let file = folder.join("gateway.toml");
    fs::write(&file, config).unwrap();
    let mut gateway = Program::start(check, move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_licentia-gateway"));
        command.arg("--config").arg(&file).stderr(Stdio::null());
        command
    })
    .await;
    let mut proxy = nginx(folder, check, upstream.address).await;
    let address = proxy.address;
    let strict = licence(&world, "strict", |_| ());
    let tolerant = licence(&world, "tolerant", |draft| draft.grant.policy.store_unreachable = Action::Allow);
    let revoked = licence(&world, "revoked", |draft| draft.index = Some(1));
    let worker = licence(&world, "worker", |_| ());
    let ask = |path: &'static str, token: &str| {
        let token = token.to_owned();
        async move { send(address, "GET", path, &[("authorization", &token), ("x-job", "7")]).await }
    };
    let mut granted = 0;
    for _ in 0..5 {
        assert_eq!(ask("/search", &strict).await.status, 200);
        granted += 1;
    }
    assert_eq!(ask("/search", &revoked).await.name(), "revoked");
    assert_eq!(ask("/job", &worker).await.status, 200);

    // The vendor's side: nothing changes, and a gateway that starts meanwhile knows what was revoked.
    serving.abort();
    gateway.kill();
    assert_eq!(upstream.take().len(), 6);
    let refused = ask("/search", &strict).await;
    assert_eq!((refused.status, upstream.take().len()), (500, 0), "nginx refuses what nobody has checked");
    gateway.come().await;
    assert_eq!(ask("/search", &strict).await.status, 200);
    granted += 1;
    assert_eq!(ask("/search", &revoked).await.name(), "revoked");
    assert_eq!(ask("/job", &worker).await.status, 200, "the same job again");

    // The proxy: whoever asks it gets nothing, and nothing was counted for that.
    proxy.kill();
    assert!(TcpStream::connect(address).await.is_err());
    proxy.come().await;
    assert_eq!(ask("/search", &strict).await.status, 200);
    granted += 1;

    // The store: what was taken ahead may be used; then it is the licence's policy that decides.
    redis.go();
    let began = Instant::now();
    loop {
        let answer = ask("/search", &strict).await;
        if answer.status != 200 {
            assert_eq!((answer.status, answer.name()), (503, "store_unreachable"), "{answer:?}");
            break;
        }
        granted += 1;
        assert!(began.elapsed() < Duration::from_mins(1) && granted <= QUOTA, "{granted} are granted");
    }
    for _ in 0..20 {
        assert_eq!(ask("/search", &tolerant).await.status, 200);
    }
    assert_eq!(ask("/search", &revoked).await.name(), "revoked");
    redis.come();
    let began = Instant::now();
    while ask("/search", &strict).await.status != 200 {
        assert!(began.elapsed() < Duration::from_secs(30), "the store is back, and nobody asks it");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    granted += 1;

    // The gateway once more, and then what the store has counted. A kill may lose what was taken ahead, and grants nothing
    // twice; a job that was tried three times was charged once.
    gateway.kill();
    gateway.come().await;
    assert_eq!(ask("/job", &worker).await.status, 200);
    let counted = left(&ask("/left", &strict).await);
    assert!(counted + granted <= QUOTA, "{counted} are left, {granted} were granted, of {QUOTA}");
    assert_eq!(left(&ask("/left", &worker).await), QUOTA - 10);
}
