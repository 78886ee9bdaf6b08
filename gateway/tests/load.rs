//! Load for some seconds (`LICENTIA_LOAD_SECONDS`, 20 without it), while routes are reloaded, licences are revoked and
//! reinstated, and the store is killed and comes back. Every response is held against a model, and neither memory nor
//! descriptors may grow. `cargo xtask soak gateway` runs it for longer.

mod common;

use std::{
    fs,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use common::{Redis, Upstream, World, tcp, write};
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use licentia::Action;
use licentia_gateway::Gateway;
use licentia_issuer::Draft;

/// Something that changes while requests are on their way. A request that began and ended without a change between must be
/// answered by the value; another may be answered by either.
#[derive(Default)]
struct Fact {
    changes: AtomicU64,
    value: AtomicBool,
}

impl Fact {
    fn begin(&self) {
        self.changes.fetch_add(1, SeqCst);
    }

    fn end(&self, value: bool) {
        self.value.store(value, SeqCst);
        self.changes.fetch_add(1, SeqCst);
    }

    /// The value and its version; none while it changes.
    fn now(&self) -> Option<(u64, bool)> {
        let before = self.changes.load(SeqCst);
        let value = self.value.load(SeqCst);
        (before.is_multiple_of(2) && self.changes.load(SeqCst) == before).then_some((before, value))
    }
}

/// What the vendor, the operator and the machine have done.
#[derive(Default)]
struct Model {
    revoked: Fact,
    open: Fact,
    store_away: Fact,
    /// Requests that were allowed, of the customer with a small quota and of the one with a rate.
    used: AtomicU64,
    rated: AtomicU64,
    asked: AtomicU64,
    stop: AtomicBool,
}

const SMALL: u64 = 2000;
const RATE: u64 = 50;

/// Licences of customers.
struct Customers {
    tolerant: String,
    strict: String,
    small: String,
    revocable: String,
}

impl Customers {
    fn of(world: &World) -> Self {
        let issue = |name: &str, change: &dyn Fn(&mut Draft)| {
            let mut draft = Draft::new(name, "pro", 1, common::now() - 60, common::now() + 86_400);
            draft.grant.quotas.insert("calls".into(), "1000000000/day".parse().unwrap());
            draft.grant.rates.insert("burst".into(), format!("{RATE}/1s").parse().unwrap());
            change(&mut draft);
            world.issuer.issue(&draft).unwrap().text()
        };
        Self {
            tolerant: issue("tolerant", &|draft| draft.grant.policy.store_unreachable = Action::Allow),
            strict: issue("strict", &|_| ()),
            small: issue("small", &|draft| {
                draft.grant.quotas.insert("calls".into(), format!("{SMALL}/day").parse().unwrap());
            }),
            revocable: issue("revocable", &|draft| draft.index = Some(1)),
        }
    }
}

/// A client with a connection that stays open.
struct Caller {
    client: Client<HttpConnector, Empty<Bytes>>,
    address: SocketAddr,
    through_proxy: bool,
}

impl Caller {
    async fn ask(&self, path: &str, token: &str) -> (u16, String) {
        let uri = if self.through_proxy { path } else { "/forward" };
        let mut request = Request::get(format!("http://{}{uri}", self.address));
        if !self.through_proxy {
            request = request.header("x-forwarded-method", "GET").header("x-forwarded-uri", path);
        }
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = self.client.request(request.body(Empty::new()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        let name = body.split(r#""name":""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("");
        (status, name.to_owned())
    }
}

/// Asks again and again, and holds every answer against the model.
async fn call(caller: Caller, customers: Arc<Customers>, model: Arc<Model>, number: u64) {
    let forged = customers.tolerant.replace(&customers.tolerant[100..104], "AAAA");
    let mut turn = number;
    while !model.stop.load(SeqCst) {
        turn += 1;
        model.asked.fetch_add(1, SeqCst);
        let facts = || (model.revoked.now(), model.open.now(), model.store_away.now());
        let before = facts();
        let (path, token) = match turn % 8 {
            0 => ("/plain", ""),
            1 => ("/plain", &*forged),
            2 => ("/exports/7", &*customers.tolerant),
            3 => ("/plain", &*customers.revocable),
            4 => ("/flip", ""),
            5 => ("/search", &*customers.small),
            6 => ("/rated", &*customers.strict),
            _ if turn % 16 < 8 => ("/search", &*customers.strict),
            _ => ("/search", &*customers.tolerant),
        };
        let (status, name) = caller.ask(path, token).await;
        let after = facts();
        let got = (status, &*name);
        let certain =
            |before: Option<(u64, bool)>, after| before.filter(|_| before == after).map(|(_, value)| value);
        let is_away = certain(before.2, after.2);
        match turn % 8 {
            0 => assert_eq!(got, (401, "missing_token")),
            1 => assert_eq!(status, 401, "{name}"),
            2 => assert_eq!(got, (403, "feature_not_licensed")),
            3 => match certain(before.0, after.0) {
                Some(true) => assert_eq!(got, (401, "revoked")),
                Some(false) => assert_eq!(got, (200, "")),
                None => assert!(matches!(got, (200, _) | (401, "revoked")), "{got:?}"),
            },
            4 => match certain(before.1, after.1) {
                Some(true) => assert_eq!(got, (200, "")),
                Some(false) => assert_eq!(got, (401, "missing_token")),
                None => assert!(matches!(got, (200, _) | (401, "missing_token")), "{got:?}"),
            },
            5 => match got {
                (200, _) => drop(model.used.fetch_add(1, SeqCst)),
                (429, "quota_exceeded") => {}
                (503, "store_unreachable") if is_away != Some(false) => {}
                _ => panic!("a small quota: {got:?}, away: {is_away:?}"),
            },
            6 => match got {
                (200, _) => drop(model.rated.fetch_add(1, SeqCst)),
                _ => assert_eq!(got, (429, "rate_limited")),
            },
            _ if turn % 16 < 8 => match got {
                (200, _) => {}
                (503, "store_unreachable") if is_away != Some(false) => {}
                _ => panic!("a strict licence: {got:?}, away: {is_away:?}"),
            },
            _ => assert_eq!(got, (200, ""), "a tolerant licence is allowed, whatever the store does"),
        }
    }
}

fn routes(is_open: bool) -> String {
    let flip = if is_open { "access = \"open\"\n" } else { "" };
    format!(
        "[[route]]\nmatch = \"GET /search\"\nmeters = {{ calls = 1 }}\n[[route]]\nmatch = \"GET /exports/{{id}}\"\nfeatures = [\"export\"]\n[[route]]\nmatch = \"GET /plain\"\n[[route]]\nmatch = \"GET /rated\"\nrates = {{ burst = 1 }}\n[[route]]\nmatch = \"GET /flip\"\n{flip}"
    )
}

/// Pages of memory that are in use, and open descriptors.
fn in_use() -> (u64, usize) {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    let pages = pages.split(' ').nth(1).unwrap().parse().unwrap();
    (pages, fs::read_dir("/proc/self/fd").unwrap().count())
}

/// Changes one thing after another, until the time is over.
async fn disturb(
    sequence: &mut u64,
    gateway: &Gateway,
    world: &World,
    redis: &mut Redis,
    model: &Model,
    head: &str,
    ends: Instant,
) {
    let file = world.folder.path().join("gateway.toml");
    let mut changes = gateway.trusted.loaded();
    for round in 0_u64.. {
        if Instant::now() > ends {
            return;
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
        match round % 5 {
            0 | 3 => {
                let is_open = round.is_multiple_of(2);
                model.open.begin();
                fs::write(&file, format!("{head}{}", routes(is_open))).unwrap();
                gateway.reload(&file).unwrap();
                model.open.end(is_open);
            }
            1 => {
                fs::write(&file, format!("{head}[[route]]\nmatch = nonsense\n")).unwrap();
                assert!(gateway.reload(&file).is_err(), "a bad file changes nothing");
            }
            2 => {
                *sequence += 1;
                let is_revoked = sequence.is_multiple_of(2);
                model.revoked.begin();
                let bundle = world.bundle(*sequence, if is_revoked { &[1] } else { &[] });
                write(world.folder.path(), "new", bundle);
                fs::rename(world.folder.path().join("new"), world.folder.path().join("bundle.cbor")).unwrap();
                tokio::time::timeout(Duration::from_secs(30), changes.changed()).await.unwrap().unwrap();
                model.revoked.end(is_revoked);
            }
            _ => {
                model.store_away.begin();
                redis.go();
                model.store_away.end(true);
                tokio::time::sleep(Duration::from_millis(400 + 200 * (round % 4))).await;
                model.store_away.begin();
                tokio::task::block_in_place(|| redis.come());
                // The gate asks the store again after a while.
                tokio::time::sleep(Duration::from_secs(4)).await;
                model.store_away.end(false);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_answer_is_right_while_everything_changes() {
    let seconds = std::env::var("LICENTIA_LOAD_SECONDS").map_or(20, |seconds| seconds.parse().unwrap());
    let (world, upstream) = (World::new(), Upstream::start().await);
    let folder = world.folder.path();
    fs::create_dir(folder.join("redis")).unwrap();
    let mut redis = Redis::start(&folder.join("redis"));
    write(folder, "keyset.cbor", world.keyset(1));
    write(folder, "bundle.cbor", world.bundle(1, &[]));
    let head = format!(
        "store = \"redis://127.0.0.1:{}/0\"\n[listen]\ncheck = \"127.0.0.1:0\"\nproxy = \"127.0.0.1:0\"\n[proxy]\nupstream = \"http://{}\"\n{}",
        redis.port,
        upstream.address,
        world.followed("keyset.cbor", "bundle.cbor"),
    );
    let gateway = world.start_whole(&format!("{head}{}", routes(false))).await.unwrap();
    let (customers, model) = (Arc::new(Customers::of(&world)), Arc::new(Model::default()));
    let addresses = [tcp(&gateway.listening.check), tcp(&gateway.listening.proxy)];
    let callers: Vec<_> = (0..8_u64)
        .map(|number| {
            let client = Client::builder(TokioExecutor::new()).build_http();
            let through_proxy = number % 2 == 1;
            let caller = Caller { client, address: addresses[usize::from(through_proxy)], through_proxy };
            tokio::spawn(call(caller, Arc::clone(&customers), Arc::clone(&model), number * 3))
        })
        .collect();
    let forget = upstream.seen.clone();
    let forgetting = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            forget.lock().unwrap().clear();
        }
    });
    let started = Instant::now();
    let (whole, mut sequence) = (Duration::from_secs(seconds), 1);
    disturb(&mut sequence, &gateway, &world, &mut redis, &model, &head, started + whole / 4).await;
    let (pages, descriptors) = in_use();
    disturb(&mut sequence, &gateway, &world, &mut redis, &model, &head, started + whole).await;
    let (pages_then, descriptors_then) = in_use();
    model.stop.store(true, SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
    forgetting.abort();
    let elapsed = started.elapsed().as_secs() + 1;
    let (asked, used, rated) = (model.asked.load(SeqCst), model.used.load(SeqCst), model.rated.load(SeqCst));
    println!(
        "{asked} answers in {elapsed} s; pages {pages} -> {pages_then}; descriptors {descriptors} -> {descriptors_then}"
    );
    assert!(asked > 100 * seconds, "{asked} answers are no load");
    assert!(used <= SMALL, "{used} of {SMALL} were granted");
    assert!(rated <= RATE * (elapsed + 1), "{rated} in {elapsed} s at {RATE}/s");
    assert!(pages_then < pages + 8192, "{pages} pages of memory have become {pages_then}");
    assert!(descriptors_then < descriptors + 16, "{descriptors} descriptors have become {descriptors_then}");

    // What the store has counted is what was allowed, once everything that was taken ahead is back.
    let gate = Arc::clone(gateway.gate());
    gateway.stop().await;
    let left = tokio::task::spawn_blocking(move || {
        let look = licentia::Request::new().meters(&[("calls", 0)]);
        let decision = gate.check(&customers.small, &look, licentia::Now::system());
        decision.quota("calls").map_or(0, |quota| quota.remaining)
    });
    let left = left.await.unwrap();
    assert!(left + used <= SMALL, "{left} are left, {used} were granted, of {SMALL}");
}
