//! The table of outages in `docs/metering.md`: each class of error, for each operation, on each store; and what real
//! servers say when they refuse.

mod common;
#[path = "common/server.rs"]
mod server;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use common::{DAY, NOW, builder, licence};
use licentia::{
    Action, Code, Gate, Now, Request, Seat,
    store::{
        self, Answer, Became, Cell, Fault, Finish, FinishPart, JobAsk, JobCharged, JobFinish, JobPart, Op,
        PartDone, RateAsk, SeatAsk, Seats, Store, Taken, Taker, Turn, Unreachable,
    },
};
use licentia_core::{
    AccountId, Lineage, Rate, Window,
    metering::rate::{Gcra, RateTaken},
};
use server::Server;

const LIMIT: u64 = 1_000;
const CLASSES: [Fault; 4] = [Fault::NotSent, Fault::OneKey, Fault::Refused, Fault::Unknown];

/// A store that fails in a class. What is unknown is done.
struct Failing {
    store: Arc<dyn Store>,
    fault: Mutex<Option<Fault>>,
}

impl Failing {
    fn new(store: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { store, fault: Mutex::default() })
    }

    fn set(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Only the first account's keys are wrong, if it is of one key.
    fn go<T>(
        &self,
        account: Option<&AccountId>,
        work: impl FnOnce() -> Result<T, Unreachable>,
    ) -> Result<T, Unreachable> {
        let fault = *self.fault.lock().unwrap();
        let error = |fault| Err(Unreachable::new(fault, "the test says so"));
        match fault {
            None => work(),
            Some(Fault::OneKey) if account.is_none_or(|account| *account != self::account(1)) => work(),
            Some(Fault::Unknown) => work().and_then(|_| error(Fault::Unknown)),
            Some(fault) => error(fault),
        }
    }
}

impl Store for Failing {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        self.go(Some(&cell.account), || self.store.take(cell, need, want, limit))
    }
    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        self.go(Some(&cell.account), || self.store.give_back(cell, units))
    }
    fn take_in_turn(
        &self,
        cell: &Cell<'_>,
        by: Turn,
        need: u64,
        want: u64,
        limit: u64,
    ) -> Result<Taken, Unreachable> {
        self.go(Some(&cell.account), || self.store.take_in_turn(cell, by, need, want, limit))
    }
    fn give_back_in_turn(&self, cell: &Cell<'_>, by: Turn, units: u64) -> Result<(), Unreachable> {
        self.go(Some(&cell.account), || self.store.give_back_in_turn(cell, by, units))
    }
    fn resolve(&self, cell: &Cell<'_>, by: Turn) -> Result<Became, Unreachable> {
        self.go(Some(&cell.account), || self.store.resolve(cell, by))
    }
    fn charge_job(&self, ask: &JobAsk<'_>) -> Result<JobCharged, Unreachable> {
        self.go(ask.parts.first().map(|part| &part.cell.account), || self.store.charge_job(ask))
    }
    fn finish_job(&self, ask: &JobFinish<'_>) -> Result<Vec<PartDone>, Unreachable> {
        self.go(ask.parts.first().map(|part| &part.cell.account), || self.store.finish_job(ask))
    }
    fn take_rate(&self, ask: &RateAsk<'_>) -> Result<RateTaken, Unreachable> {
        self.go(Some(&ask.account), || self.store.take_rate(ask))
    }
    fn take_seat(&self, ask: &SeatAsk<'_>) -> Result<Seats, Unreachable> {
        self.go(Some(&ask.account), || self.store.take_seat(ask))
    }
    fn release_seat(&self, account: &AccountId, holder: &str) -> Result<(), Unreachable> {
        self.go(Some(account), || self.store.release_seat(account, holder))
    }
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        self.go(None, || self.store.load(name))
    }
    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable> {
        self.go(None, || self.store.save(name, value))
    }
    fn probe(&self) -> Result<(), Unreachable> {
        self.go(None, || self.store.probe())
    }
    fn may_wait(&self) -> bool {
        self.store.may_wait()
    }
}

fn account(lineage: u8) -> AccountId {
    AccountId::new("acme", Lineage::from([lineage; 16]))
}

fn token(lineage: u8, policy: Action) -> String {
    licence(|draft| {
        draft.lineage = Some([lineage; 16].into());
        draft.grant.quotas.insert("calls".into(), format!("{LIMIT}/day").parse().unwrap());
        draft.grant.seats = Some(3);
        let rate = licentia_issuer::Rate { count: 1, per_ms: 3_600_000, burst: Some(100) };
        draft.grant.rates.insert("api".into(), rate);
        draft.grant.policy.store_unreachable = policy;
    })
}

fn cell(lineage: u8) -> Cell<'static> {
    let start = NOW.as_seconds() / DAY * DAY;
    let window = Window { start: start.into(), end: Some((start + DAY).into()) };
    Cell { account: account(lineage), meter: "calls", window }
}

/// Stores, by what they are called.
type Named = Vec<(&'static str, Arc<dyn Store>)>;

/// One store of each kind, and what must live as long.
fn stores() -> (Named, tempfile::TempDir, Option<Server>) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("usage.db").display());
    let mut stores =
        vec![("memory", store::open("memory:").unwrap()), ("sqlite", store::open(&url).unwrap())];
    let server = Server::start();
    stores.extend(server.as_ref().map(|server| ("redis", store::open(&server.url()).unwrap())));
    (stores, folder, server)
}

fn now() -> Now {
    Now { time: NOW, ..Now::system() }
}

fn number() -> u64 {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// A row of the table: what is asked, and whether it was done. It is asked for the customers 1 and 2.
type Row = (&'static str, fn(&Gate, u8, Action) -> Code);

/// Needs units that are not here.
fn units(gate: &Gate, lineage: u8, policy: Action) -> Code {
    // More than is here.
    let decision = gate.check(&token(lineage, policy), &Request::new().meters(&[("calls", 7)]), now());
    decision.warning().filter(|code| *code == Code::StoreUnreachable).unwrap_or(decision.code())
}

fn job(gate: &Gate, lineage: u8, policy: Action) -> Code {
    let name = format!("job-{}", number());
    let decision =
        gate.check(&token(lineage, policy), &Request::new().meters(&[("calls", 1)]).job(&name), now());
    decision.warning().filter(|code| *code == Code::StoreUnreachable).unwrap_or(decision.code())
}

fn rate(gate: &Gate, lineage: u8, policy: Action) -> Code {
    let decision = gate.check(&token(lineage, policy), &Request::new().rates(&[("api", 1)]), now());
    decision.warning().filter(|code| *code == Code::StoreUnreachable).unwrap_or(decision.code())
}

fn seat(gate: &Gate, lineage: u8, policy: Action) -> Code {
    let token = token(lineage, policy);
    let (decision, seat) = Seat::check_out(gate, &token, "ada", 60, &Request::new(), now());
    let code = decision.warning().filter(|code| *code == Code::StoreUnreachable).unwrap_or(decision.code());
    drop(seat);
    code
}

const ROWS: [Row; 4] = [("units", units), ("job", job), ("rate", rate), ("seat", seat)];

/// After an outage one question tries the store: the next one finds that it answers.
fn again(ask: impl Fn() -> Code) -> Code {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        match ask() {
            Code::StoreUnreachable if std::time::Instant::now() < deadline => {
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            code => return code,
        }
    }
}

#[test]
fn each_operation_follows_the_policy_in_each_class_and_recovers() {
    let (stores, _folder, _server) = stores();
    for (name, real) in stores {
        for (row, ask) in ROWS {
            for fault in CLASSES {
                // Memory never loses an answer.
                if fault == Fault::Unknown && !real.may_wait() {
                    continue;
                }
                for policy in [Action::Deny, Action::Warn(3600), Action::Allow] {
                    let place = format!("{name}, {row}, {fault:?}, {policy:?}");
                    let store = Failing::new(Arc::clone(&real));
                    let gate =
                        builder().store(store.clone()).share_rates(true).prefetch(false).build().unwrap();
                    // The mark of the clock is here, and both customers are known.
                    assert_eq!(gate.check(&token(1, policy), &Request::new(), now()).code(), Code::Allowed);
                    store.set(Some(fault));
                    assert_eq!(ask(&gate, 1, policy), Code::StoreUnreachable, "{place}");
                    let other = ask(&gate, 2, policy);
                    let expected =
                        if fault == Fault::OneKey { Code::Allowed } else { Code::StoreUnreachable };
                    assert_eq!(other, expected, "{place}: another customer");
                    store.set(None);
                    assert_eq!(again(|| ask(&gate, 1, policy)), Code::Allowed, "{place}: it recovers");
                    assert_eq!(again(|| ask(&gate, 2, policy)), Code::Allowed, "{place}: another customer");
                }
            }
        }
    }
}

/// What is held, reserved, in doubt or to be refunded is neither lost nor granted twice.
#[test]
fn each_class_leaves_the_count_exact() {
    let (stores, _folder, _server) = stores();
    for (name, real) in stores {
        for fault in CLASSES {
            if fault == Fault::Unknown && !real.may_wait() {
                continue;
            }
            let place = format!("{name}, {fault:?}");
            let total = || real.take(&cell(1), 0, 0, 0).unwrap().total;
            let before = total();
            let store = Failing::new(Arc::clone(&real));
            let gate = builder().store(store.clone()).prefetch(false).build().unwrap();
            let token = token(1, Action::Deny);
            let check =
                |cost: u64| gate.check(&token, &Request::new().meters(&[("calls", cost)]), now()).code();
            let recovered = || {
                again(|| {
                    gate.check(
                        &token,
                        &Request::new().meters(&[("calls", 1)]).job(&number().to_string()),
                        now(),
                    )
                    .code()
                })
            };
            // Units at hand are granted in every class; what they are more than is not.
            let (_, reservation) = gate.reserve(&token, &Request::new().meters(&[("calls", 20)]), now());
            reservation.unwrap().cancel();
            store.set(Some(fault));
            assert_eq!(check(5), Code::Allowed, "{place}: units at hand");
            assert_eq!(check(100), Code::StoreUnreachable, "{place}: more than that");
            assert_eq!(check(5), Code::Allowed, "{place}: they stay usable");
            assert!(gate.settle().is_err(), "{place}");
            if fault != Fault::Unknown {
                assert_eq!(check(5), Code::Allowed, "{place}: they stay usable");
            }
            store.set(None);
            assert_eq!(recovered(), Code::Allowed, "{place}");
            gate.settle().unwrap();
            let used = if fault == Fault::Unknown { 10 } else { 15 } + 1;
            assert_eq!(total() - before, used, "{place}: settled");

            // A reservation of a job that cannot be committed stays charged, and can be committed again.
            let before = total();
            let reserve = |job: &str| {
                gate.reserve(&token, &Request::new().meters(&[("calls", 10)]).job(job), now()).1.unwrap()
            };
            let name = format!("{place}-commit");
            let reservation = reserve(&name);
            store.set(Some(fault));
            assert_eq!(reservation.commit(&[("calls", 4)]), Err(Code::StoreUnreachable), "{place}");
            store.set(None);
            assert_eq!(recovered(), Code::Allowed);
            let done = fault == Fault::Unknown;
            assert_eq!(total() - before, if done { 4 } else { 10 } + 1, "{place}: as it was, or done");
            reserve(&name).commit(&[("calls", 4)]).unwrap();
            assert_eq!(total() - before, 4 + 1, "{place}: committing again is safe");

            // One that cannot be cancelled stays charged.
            let before = total();
            let reservation = reserve(&format!("{place}-cancel"));
            store.set(Some(fault));
            reservation.cancel();
            store.set(None);
            assert_eq!(recovered(), Code::Allowed);
            assert_eq!(total() - before, if done { 0 } else { 10 } + 1, "{place}: as it was, or done");

            // A refund fails whole, and repeating it is safe.
            let before = total();
            let name = format!("{place}-refund");
            let refund = || gate.refund(&token, &name, &[("calls", 3)], NOW, now());
            assert_eq!(
                gate.check(&token, &Request::new().meters(&[("calls", 5)]).job(&name), now()).code(),
                Code::Allowed
            );
            store.set(Some(fault));
            assert_eq!(refund(), Err(Code::StoreUnreachable), "{place}");
            store.set(None);
            assert_eq!(recovered(), Code::Allowed);
            assert_eq!((refund(), refund()), (Ok(vec![3]), Ok(vec![0])), "{place}: once");
            assert_eq!(total() - before, 5 - 3 + 1, "{place}");
        }
    }
}

/// Units in doubt go back also if their period is over.
#[test]
fn what_is_in_doubt_of_a_period_that_is_over_goes_back() {
    let (stores, _folder, _server) = stores();
    for (name, real) in stores.into_iter().filter(|(_, store)| store.may_wait()) {
        let store = Failing::new(Arc::clone(&real));
        let gate = builder().store(store.clone()).prefetch(false).build().unwrap();
        let token = token(1, Action::Deny);
        let request = Request::new().meters(&[("calls", 7)]);
        let check = |now: Now| gate.check(&token, &request, now).code();
        assert_eq!(check(now()), Code::Allowed);
        store.set(Some(Fault::Unknown));
        assert_eq!(check(now()), Code::StoreUnreachable);
        store.set(None);
        let tomorrow = || Now { time: NOW + DAY, ..now() };
        assert_eq!(again(|| check(tomorrow())), Code::Allowed);
        assert!(real.take(&cell(1), 0, 0, 0).unwrap().total >= 14, "{name}: in doubt");
        gate.settle().unwrap();
        assert_eq!(real.take(&cell(1), 0, 0, 0).unwrap().total, 7, "{name}");
    }
}

fn rate_ask() -> RateAsk<'static> {
    let gcra = Gcra::new(&Rate { name: "api", count: 10, per_ms: 1000, burst: 100 });
    RateAsk { account: account(1), name: "api", gcra, need: 1, want: 1 }
}

fn turn(sequence: u64) -> Turn {
    Turn { taker: Taker::from_bytes([9; 16]), sequence }
}

/// Every operation that writes.
fn writes() -> Vec<(&'static str, Op<'static>)> {
    let (cell, life) = (cell(1), Cell { window: Window { start: 0.into(), end: None }, ..cell(1) });
    let job = |parts: Vec<Cell<'static>>| {
        let parts = parts.into_iter().map(|cell| JobPart { cell, cost: 3, limit: LIMIT }).collect();
        Op::ChargeJob(JobAsk { job: "render", held: false, parts })
    };
    let finish = |how, units| {
        let parts = vec![FinishPart { cell, attempt: 0, units }];
        Op::FinishJob(JobFinish { job: "printed", how, parts })
    };
    vec![
        ("take", Op::Take { cell, by: None, need: 1, want: 1, limit: LIMIT }),
        ("take in turn", Op::Take { cell, by: Some(turn(3)), need: 1, want: 1, limit: LIMIT }),
        ("give back in turn", Op::GiveBack { cell, by: Some(turn(4)), units: 1 }),
        ("resolve", Op::Resolve { cell, by: turn(5) }),
        ("job", job(vec![cell])),
        ("job of a lifetime", job(vec![cell, life])),
        ("refund", finish(Finish::Refund, 1)),
        ("rate", Op::Rate(rate_ask())),
        (
            "seat",
            Op::Seat(SeatAsk {
                account: account(1),
                holder: "ada",
                ttl: 60,
                limit: 3,
                now: NOW.as_seconds(),
            }),
        ),
    ]
}

fn fault(answer: &Result<Answer, Unreachable>) -> Option<Fault> {
    answer.as_ref().err().map(Unreachable::fault)
}

/// A server with a count, a job that was charged, a seat and a rate, in keys of customer 1.
fn prepared() -> Option<(Server, Arc<dyn Store>)> {
    let server = Server::start()?;
    let store = store::open(&server.url()).unwrap();
    let printed =
        JobAsk { job: "printed", held: false, parts: vec![JobPart { cell: cell(1), cost: 5, limit: LIMIT }] };
    store.charge_job(&printed).unwrap();
    store.take_in_turn(&cell(1), turn(1), 5, 5, LIMIT).unwrap();
    Some((server, store))
}

/// Makes a server refuse, and ends it.
type Change = fn(&Server);

/// What servers say when they take no writes.
#[test]
fn a_server_that_refuses_says_so_and_has_done_nothing() {
    let refusals: [(&str, Change, Change); 4] = [
        (
            "READONLY",
            |server| server.tell(&["REPLICAOF", "127.0.0.1", "1"]),
            |server| server.tell(&["REPLICAOF", "NO", "ONE"]),
        ),
        (
            "OOM",
            |server| server.tell(&["CONFIG", "SET", "maxmemory", "1"]),
            |server| server.tell(&["CONFIG", "SET", "maxmemory", "0"]),
        ),
        (
            "NOREPLICAS",
            |server| server.tell(&["CONFIG", "SET", "min-replicas-to-write", "1"]),
            |server| server.tell(&["CONFIG", "SET", "min-replicas-to-write", "0"]),
        ),
        ("MISCONF", cannot_save, |server| server.tell(&["CONFIG", "SET", "save", ""])),
    ];
    for (name, begin, end) in refusals {
        let Some((server, store)) = prepared() else { return };
        begin(&server);
        for (row, op) in writes() {
            // Each is an outage, and a breaker opens: wait for it to let the next one try.
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
            let answer = loop {
                let answer = store.batch(std::slice::from_ref(&op)).pop().unwrap();
                if fault(&answer) != Some(Fault::NotSent) || std::time::Instant::now() > deadline {
                    break answer;
                }
                std::thread::sleep(std::time::Duration::from_millis(20));
            };
            assert_eq!(fault(&answer), Some(Fault::Refused), "{name}, {row}: {answer:?}");
            let text = answer.unwrap_err().to_string();
            assert!(
                text.to_uppercase().contains(name) || name == "OOM" && text.contains("maxmemory"),
                "{name}, {row}: {text}"
            );
        }
        end(&server);
        let store = store::open(&server.url()).unwrap();
        assert_eq!(store.take(&cell(1), 0, 0, 0).unwrap().total, 10, "{name}: nothing was done");
        for (row, op) in writes() {
            let answer = store.batch(std::slice::from_ref(&op)).pop().unwrap();
            assert!(answer.is_ok(), "{name}, {row}: {answer:?}");
        }
    }
}

/// Makes the server's snapshots fail.
fn cannot_save(server: &Server) {
    std::fs::create_dir(server.folder().join("taken")).unwrap();
    server.tell(&["CONFIG", "SET", "dbfilename", "taken"]);
    server.tell(&["CONFIG", "SET", "save", "3600 1"]);
    server.tell(&["BGSAVE"]);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    loop {
        let info: String = redis::cmd("INFO").arg("persistence").query(&mut connection).unwrap();
        if info.contains("rdb_last_bgsave_status:err") {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "{info}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// A key of another type, for each key of each operation: that operation fails, nothing was written, and the next
/// customer's works.
#[test]
fn a_key_of_another_type_changes_nothing_and_concerns_nobody_else() {
    let Some((server, store)) = prepared() else { return };
    // All keys that there are in the end.
    for (row, op) in writes() {
        assert!(store.batch(std::slice::from_ref(&op)).pop().unwrap().is_ok(), "{row}");
    }
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*{0101*").query(&mut connection).unwrap();
    assert!(keys.len() >= 6, "{keys:?}");
    let mut failed = 0;
    for key in keys {
        let dump = |connection: &mut redis::Connection| -> Vec<(String, Vec<u8>)> {
            let mut keys: Vec<String> = redis::cmd("KEYS").arg("*{0101*").query(connection).unwrap();
            keys.sort();
            let dump = |key: String| (key.clone(), redis::cmd("DUMP").arg(key).query(connection).unwrap());
            keys.into_iter().map(dump).collect()
        };
        let good: Vec<u8> = redis::cmd("DUMP").arg(&key).query(&mut connection).unwrap();
        redis::cmd("DEL").arg(&key).query::<()>(&mut connection).unwrap();
        redis::cmd("LPUSH").arg(&key).arg("spoilt").query::<()>(&mut connection).unwrap();
        for (row, op) in writes() {
            let before = dump(&mut connection);
            let answer = store.batch(std::slice::from_ref(&op)).pop().unwrap();
            if answer.is_err() {
                assert_eq!(fault(&answer), Some(Fault::OneKey), "{row}, {key}: {answer:?}");
                assert!(dump(&mut connection) == before, "{row}, {key}: nothing was written");
                failed += 1;
            }
            assert!(store.take(&cell(2), 1, 1, u64::MAX).is_ok(), "{row}, {key}: another customer");
        }
        redis::cmd("DEL").arg(&key).query::<()>(&mut connection).unwrap();
        redis::cmd("RESTORE").arg(&key).arg(0).arg(good).query::<()>(&mut connection).unwrap();
    }
    assert!(failed >= 10, "{failed}");
}

/// A gate is dropped beside a hundred others, each of which has a driver: no part of it asks all their threads.
#[test]
fn a_gate_ends_at_once_beside_a_hundred_others() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("usage.db").display());
    let store = store::open(&url).unwrap();
    let gate = || builder().store(Arc::clone(&store)).build().unwrap();
    let token = token(1, Action::Deny);
    let request = Request::new().meters(&[("calls", 1)]);
    let gates: Vec<_> = (0..100)
        .map(|_| {
            let gate = gate();
            assert!(gate.check(&token, &request, now()).is_allowed());
            gate
        })
        .collect();
    for round in 0..5 {
        let one = gate();
        assert!(one.check(&token, &request, now()).is_allowed());
        let begun = std::time::Instant::now();
        drop(one);
        let took = begun.elapsed();
        assert!(took < std::time::Duration::from_millis(500), "{round}: {took:?}");
    }
    let begun = std::time::Instant::now();
    drop(gates);
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(
        store.take(&cell(1), 0, 0, 0).unwrap().total,
        105,
        "all of them have given back what they held"
    );
}

/// Passes everything on between a socket and a server. Once `dies` is set, it passes one request on, and then the server
/// is gone before anybody has its answer.
#[cfg(unix)]
fn between(socket: std::path::PathBuf, server: std::path::PathBuf, dies: Arc<AtomicBool>) {
    use std::{
        io::{Read, Write},
        net::Shutdown,
        os::unix::net::{UnixListener, UnixStream},
    };
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, mut up) = (client.unwrap(), UnixStream::connect(&server).unwrap());
            let (mut from, mut to) = (client.try_clone().unwrap(), up.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            let mut answer = [0; 8_192];
            loop {
                let length = up.read(&mut answer).unwrap();
                if dies.load(Ordering::SeqCst) {
                    std::fs::remove_file(&socket).unwrap();
                    client.shutdown(Shutdown::Both).unwrap();
                    return;
                }
                if length == 0 || client.write_all(&answer[..length]).is_err() {
                    break;
                }
            }
        }
    });
}

#[test]
#[cfg(unix)]
fn what_was_sent_to_a_server_that_then_died_is_in_doubt() {
    let Some(server) = Server::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("between.sock");
    let upstream = std::path::PathBuf::from(server.url().strip_prefix("unix://").unwrap());
    let dies = Arc::new(AtomicBool::new(false));
    between(socket.clone(), upstream.clone(), Arc::clone(&dies));
    let store = store::open_lazily(&format!("unix://{}", socket.display())).unwrap();
    assert_eq!(store.take_in_turn(&cell(1), turn(1), 5, 5, LIMIT).unwrap().units, 5);
    dies.store(true, Ordering::SeqCst);
    let error = store.take_in_turn(&cell(1), turn(2), 7, 7, LIMIT).unwrap_err();
    assert_eq!(error.fault(), Fault::Unknown, "{error}");
    dies.store(false, Ordering::SeqCst);
    between(socket, upstream, dies);
    let became = (0..1_000).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        store.resolve(&cell(1), turn(2)).ok()
    });
    assert_eq!(became, Some(Became::Again(7)), "they are not lost");
}
