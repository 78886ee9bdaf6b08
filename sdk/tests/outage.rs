//! Stores that break while a gate counts in them: each licence's policy decides meanwhile, nothing is granted twice,
//! and all of it recovers by itself.

mod common;
#[path = "common/server.rs"]
mod server;

use std::{
    io::{Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use common::{NOW, builder, licence};
use licentia::{Action, Code, Gate, Request, store};
use server::Server;

const LIMIT: u64 = 1000;

/// A licence for each policy, all of one lineage.
fn tokens() -> [(Action, String); 3] {
    [Action::Deny, Action::Warn(3600), Action::Allow].map(|action| {
        let token = licence(|draft| {
            draft.lineage = Some([7; 16].into());
            draft.grant.quotas.insert("calls".into(), format!("{LIMIT}/day").parse().unwrap());
            draft.grant.policy.store_unreachable = action;
        });
        (action, token)
    })
}

fn gate(url: &str) -> Gate {
    builder().store(store::open(url).unwrap()).prefetch(false).build().unwrap()
}

/// Charges a unit that the store alone can grant: for a job of its own, so that none is at hand.
fn charge(gate: &Gate, token: &str) -> (Code, Option<Code>) {
    static JOBS: AtomicU64 = AtomicU64::new(0);
    let job = JOBS.fetch_add(1, Ordering::Relaxed).to_string();
    let decision = gate.check(token, &Request::new().meters(&[("calls", 1)]).job(&job), NOW);
    (decision.code(), decision.warning())
}

/// While the store is broken the policy decides.
fn policies_decide(name: &str, gate: &Gate) {
    let lost = Some(Code::StoreUnreachable);
    for (action, token) in &tokens() {
        let expected = match action {
            Action::Deny => (Code::StoreUnreachable, None),
            _ => (Code::Allowed, lost),
        };
        for _ in 0..3 {
            assert_eq!(charge(gate, token), expected, "{name}: {action:?}");
        }
    }
}

/// When the store works again, so does the gate: four units are granted.
fn recovers(name: &str, gate: &Gate) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let (_, token) = &tokens()[0];
    while charge(gate, token) != (Code::Allowed, None) {
        assert!(Instant::now() < deadline, "{name}: it recovers by itself");
        std::thread::sleep(Duration::from_millis(20));
    }
    for (action, token) in &tokens() {
        assert_eq!(charge(gate, token), (Code::Allowed, None), "{name}: {action:?}");
    }
}

/// What can still be used, by a gate of its own.
fn rest(url: &str) -> u64 {
    let (gate, tokens) = (gate(url), tokens());
    (0..=LIMIT).filter(|_| charge(&gate, &tokens[0].1).0 == Code::Allowed).count() as u64
}

fn signal(process: u32, name: &str) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

#[test]
fn a_redis_that_stands_still_is_got_over() {
    let Some(server) = Server::start() else { return };
    let url = format!("{}?timeout_ms=100", server.url());
    let gate = gate(&url);
    let (_, token) = &tokens()[0];
    assert_eq!(charge(&gate, token), (Code::Allowed, None));
    signal(server.process(), "-STOP");
    policies_decide("stopped", &gate);
    // One waits for it; all others are told at once. A hundred that waited one after the other would take ten seconds.
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..25).for_each(|_| assert_eq!(charge(&gate, token).0, Code::StoreUnreachable)));
        }
    });
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    signal(server.process(), "-CONT");
    recovers("stopped", &gate);
    drop(gate);
    let rest = rest(&server.url());
    // What was asked while it stood still may have been done when it went on: it is lost then, and nothing else is.
    assert!((LIMIT - 40..=LIMIT - 5).contains(&rest), "{rest}");
}

/// Stands between a client and the server, and swallows answers when it is told to.
struct Proxy {
    swallow: Arc<AtomicBool>,
    swallowed: Arc<AtomicU64>,
}

impl Proxy {
    fn start(path: &Path, server: std::path::PathBuf) -> Self {
        let proxy = Self { swallow: Arc::default(), swallowed: Arc::default() };
        let listener = UnixListener::bind(path).unwrap();
        let (swallow, swallowed) = (Arc::clone(&proxy.swallow), Arc::clone(&proxy.swallowed));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = UnixStream::connect(&server) else { continue };
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || copy(from, to, |_| true));
                let (swallow, swallowed) = (Arc::clone(&swallow), Arc::clone(&swallowed));
                std::thread::spawn(move || {
                    copy(server, client, |_| {
                        let swallow = swallow.load(Ordering::SeqCst);
                        swallowed.fetch_add(u64::from(swallow), Ordering::SeqCst);
                        !swallow
                    });
                });
            }
        });
        proxy
    }
}

/// Copies until `pass` refuses; then both sides are cut off.
fn copy(mut from: UnixStream, mut to: UnixStream, pass: impl Fn(&[u8]) -> bool) {
    let mut bytes = [0; 4096];
    while let Ok(length) = from.read(&mut bytes) {
        let bytes = &bytes[..length];
        if length == 0 || !pass(bytes) || to.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = from.shutdown(std::net::Shutdown::Both);
    let _ = to.shutdown(std::net::Shutdown::Both);
}

#[test]
fn a_redis_that_did_it_and_could_not_say_so_grants_nothing_twice() {
    let Some(server) = Server::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proxy.sock");
    let proxy = Proxy::start(&path, server.url().strip_prefix("unix://").unwrap().into());
    let url = format!("unix://{}", path.display());
    let gate = gate(&url);
    let (_, token) = &tokens()[0];
    let mut granted = 0;
    for round in 0..20 {
        // In between it works, and each answer of these is swallowed after the server has done what was asked.
        let deadline = Instant::now() + Duration::from_secs(20);
        while charge(&gate, token) != (Code::Allowed, None) {
            assert!(Instant::now() < deadline, "round {round}");
            std::thread::sleep(Duration::from_millis(5));
        }
        granted += 1;
        proxy.swallow.store(true, Ordering::SeqCst);
        assert_eq!(charge(&gate, token).0, Code::StoreUnreachable, "round {round}");
        if round == 0 {
            policies_decide("swallowed", &gate);
        }
        proxy.swallow.store(false, Ordering::SeqCst);
    }
    recovers("swallowed", &gate);
    granted += 4;
    drop(gate);
    let (rest, swallowed) = (rest(&server.url()), proxy.swallowed.load(Ordering::SeqCst));
    assert!(swallowed >= 20, "{swallowed}");
    assert!(granted + rest <= LIMIT, "{granted} and {rest}: nothing is granted twice");
    assert!(granted + rest + swallowed >= LIMIT, "{granted} and {rest}: no more is lost than was swallowed");
}

#[test]
fn a_job_whose_answer_was_lost_is_charged_once() {
    let Some(server) = Server::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proxy.sock");
    let proxy = Proxy::start(&path, server.url().strip_prefix("unix://").unwrap().into());
    let gate = gate(&format!("unix://{}", path.display()));
    let (_, token) = &tokens()[0];
    assert_eq!(charge(&gate, token).0, Code::Allowed);
    let job = || gate.check(token, &Request::new().meters(&[("calls", 100)]).job("render-1"), NOW).code();
    proxy.swallow.store(true, Ordering::SeqCst);
    assert_eq!(job(), Code::StoreUnreachable);
    proxy.swallow.store(false, Ordering::SeqCst);
    let deadline = Instant::now() + Duration::from_secs(20);
    while job() != Code::Allowed {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(gate);
    assert_eq!(rest(&server.url()), LIMIT - 100 - 1);
}

#[test]
fn a_file_that_is_spoilt_is_told_and_a_good_one_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.db");
    let url = format!("sqlite:{}", path.display());
    let gate = gate(&url);
    let (_, token) = &tokens()[0];
    assert_eq!(charge(&gate, token), (Code::Allowed, None));
    let names = ["usage.db", "usage.db-wal", "usage.db-shm"];
    let read = |name: &&str| std::fs::read(folder.path().join(name)).unwrap();
    let good: Vec<_> = names.iter().map(read).collect();
    // Another file takes its place, as a restore that went wrong would have it.
    for name in names {
        let _ = std::fs::remove_file(folder.path().join(name));
    }
    std::fs::write(&path, vec![7; 50_000]).unwrap();
    policies_decide("spoilt", &gate);
    let _ = std::fs::remove_file(&path);
    for (name, bytes) in names.iter().zip(&good).take(2) {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    recovers("spoilt", &gate);
    drop(gate);
    assert_eq!(rest(&url), LIMIT - 5, "it goes on from what the good one knew");
}

/// A small file system of a test's own.
#[cfg(target_os = "linux")]
struct Disk(tempfile::TempDir);

#[cfg(target_os = "linux")]
impl Disk {
    /// None where this process may mount none; with `LICENTIA_REQUIRE_NETNS` in the environment it must be able to.
    fn new(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "licentia-test"])
            .arg(folder.path())
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            assert!(std::env::var_os("LICENTIA_REQUIRE_NETNS").is_none(), "no file system can be mounted");
            eprintln!("not run: no file system can be mounted");
        }
        mounted.then_some(Self(folder))
    }

    fn remount(&self, option: &str) {
        let options = format!("remount,{option}");
        let status = Command::new("mount").args(["-o", &options]).arg(self.0.path()).status();
        assert!(status.unwrap().success(), "{options}");
    }
}

#[cfg(target_os = "linux")]
impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_or_read_only_is_got_over() {
    let Some(disk) = Disk::new("16m") else { return };
    let path = disk.0.path().join("usage.db");
    let url = format!("sqlite:{}", path.display());
    let gate = gate(&url);
    let (_, token) = &tokens()[0];
    assert_eq!(charge(&gate, token), (Code::Allowed, None));
    let filler = disk.0.path().join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[1; 1024]).is_ok() {}
    drop(file);
    // What is left of its last page is soon used up.
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut granted = 1;
    while charge(&gate, token).0 == Code::Allowed {
        granted += 1;
        assert!(Instant::now() < deadline && granted < LIMIT, "the disk is full");
    }
    policies_decide("full", &gate);
    std::fs::remove_file(&filler).unwrap();
    recovers("full", &gate);
    granted += 4;
    // A service that starts while the disk cannot be written.
    drop(gate);
    disk.remount("ro");
    let gate = builder().store(store::open_lazily(&url).unwrap()).build().unwrap();
    policies_decide("read-only", &gate);
    disk.remount("rw");
    recovers("read-only", &gate);
    granted += 4;
    drop(gate);
    assert_eq!(rest(&url), LIMIT - granted, "nothing is lost, and nothing granted twice");
}

/// A gate that has taken units ahead, at a thousand requests a second. Returns how many were used.
fn with_units_ahead(gate: &Gate, token: &str) -> u64 {
    let charge = |millis: u64| {
        let now = licentia::Now { time: NOW, monotonic_nanos: millis * 1_000_000 };
        gate.check(token, &Request::new().meters(&[("calls", 1)]), now).is_allowed()
    };
    (0..777).filter(|millis| charge(*millis)).count() as u64
}

/// A licence of a lineage of its own.
fn customer(lineage: u8, limit: u64) -> String {
    licence(|draft| {
        draft.lineage = Some([lineage; 16].into());
        draft.grant.quotas.insert("calls".into(), format!("{limit}/day").parse().unwrap());
        draft.grant.policy.store_unreachable = Action::Deny;
    })
}

/// How many single units can be used without a pause.
fn usable(gate: &Gate, token: &str) -> u64 {
    let request = Request::new().meters(&[("calls", 1)]);
    let now = licentia::Now { time: NOW, monotonic_nanos: 1_000_000_000 };
    (0..1_000_000).take_while(|_| gate.check(token, &request, now).is_allowed()).count() as u64
}

fn total(server: &Server, lineage: u8) -> u64 {
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let pattern = format!("*{}*calls*", format!("{lineage:02x}").repeat(16));
    let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query(&mut connection).unwrap();
    let key = keys.iter().find(|key| !key.contains('/')).unwrap();
    redis::cmd("HGET").arg(key).arg("total").query(&mut connection).unwrap()
}

#[test]
fn a_server_that_reads_and_cannot_write_leaves_what_is_held_usable() {
    let Some(server) = Server::start() else { return };
    let (gate, token) = (gate(&server.url()), customer(1, 100_000));
    let used = with_units_ahead(&gate, &token);
    let ahead = total(&server, 1) - used;
    assert!(ahead > 10, "{ahead}");
    for set in [["min-replicas-to-write", "1"], ["maxmemory", "1"]] {
        server.tell(&["CONFIG", "SET", set[0], set[1]]);
        for second in 2..6_u64 {
            // Nobody has used any since, and they cannot be given back.
            gate.refill(licentia::Now { time: NOW, monotonic_nanos: second * 1_000_000_000 });
        }
        assert!(gate.settle().is_err(), "{set:?}");
        server.tell(&["CONFIG", "SET", set[0], "0"]);
        std::thread::sleep(Duration::from_millis(1100));
    }
    server.tell(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    assert_eq!(usable(&gate, &token), ahead, "nothing was thrown away");
}

#[test]
fn replicas_that_are_missing_burn_no_units() {
    let Some(server) = Server::start() else { return };
    let token = customer(1, LIMIT);
    let gate = gate(&format!("{}?wait=1&wait_ms=20", server.url()));
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(2) {
        assert_eq!(usable(&gate, &token), 0, "no replica has them");
        std::thread::sleep(Duration::from_millis(10));
    }
    let lost = total(&server, 1);
    assert!(lost <= 2, "{lost} were taken for nothing");
    let replica = server.replica().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut granted = 0;
    while granted < LIMIT && Instant::now() < deadline {
        granted += usable(&gate, &token);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(granted, LIMIT, "what was in doubt is there, and granted once");
    drop(replica);
}

#[test]
fn a_connection_that_the_server_closed_denies_nobody() {
    let Some(server) = Server::start() else { return };
    let (gate, token) = (gate(&server.url()), customer(1, LIMIT));
    for _ in 0..20 {
        assert_eq!(charge(&gate, &token), (Code::Allowed, None));
        server.tell(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        assert_eq!(charge(&gate, &token), (Code::Allowed, None), "a job");
        server.tell(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        let one = gate.check(&token, &Request::new().meters(&[("calls", 1)]), NOW);
        assert_eq!(one.code(), Code::Allowed, "a unit");
    }
    drop(gate);
    assert_eq!(total(&server, 1), 60, "each was counted once");
}

#[test]
fn a_key_of_another_type_denies_its_own_customer_alone() {
    let Some(server) = Server::start() else { return };
    let (good, bad) = (customer(1, LIMIT), customer(2, LIMIT));
    let gate = gate(&server.url());
    let request = Request::new().meters(&[("calls", 1)]);
    let check = |token: &str| gate.check(token, &request, NOW).code();
    assert_eq!([check(&good), check(&bad)], [Code::Allowed; 2]);
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*0202*").query(&mut connection).unwrap();
    for key in keys.iter().filter(|key| !key.contains('/')) {
        redis::cmd("SET").arg(key).arg("spoilt").query::<()>(&mut connection).unwrap();
    }
    for _ in 0..50 {
        assert_eq!([check(&bad), check(&good)], [Code::StoreUnreachable, Code::Allowed]);
    }
    // Nor does it keep others from getting theirs back.
    let lively = customer(3, 100_000);
    let used = with_units_ahead(&gate, &lively);
    assert!(total(&server, 3) > used);
    assert_eq!(check(&bad), Code::StoreUnreachable);
    let _ = gate.settle();
    assert_eq!(total(&server, 3), used);
}

#[test]
fn a_server_that_stands_still_holds_up_nobody_who_has_units() {
    let Some(server) = Server::start() else { return };
    let gate = gate(&format!("{}?timeout_ms=1000", server.url()));
    let (held, other) = (customer(1, 100_000), customer(2, 100_000));
    with_units_ahead(&gate, &held);
    signal(server.process(), "-STOP");
    let (gate, other) = (&gate, &other);
    let request = Request::new().meters(&[("calls", 1)]);
    let now = licentia::Now { time: NOW, monotonic_nanos: 1_000_000_000 };
    std::thread::scope(|scope| {
        let begun = Instant::now();
        let waiting: Vec<_> =
            (0..16).map(|_| scope.spawn(move || gate.check(other, &request, now).code())).collect();
        // Those who have units go on while sixteen wait.
        for _ in 0..10 {
            assert!(gate.check(&held, &request, now).is_allowed());
            assert!(!gate.may_wait(&held, &request, now));
        }
        assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
        for waits in waiting {
            assert_eq!(waits.join().unwrap(), Code::StoreUnreachable);
        }
        assert!(begun.elapsed() < Duration::from_secs(4), "all wait at once: {:?}", begun.elapsed());
        // From now on nobody waits for those who try it.
        let begun = Instant::now();
        for _ in 0..4 {
            let waiting: Vec<_> = (0..16)
                .map(|_| {
                    scope.spawn(move || {
                        let begun = Instant::now();
                        let code = gate.check(other, &request, now).code();
                        (code, begun.elapsed() > Duration::from_millis(500))
                    })
                })
                .collect();
            let late =
                waiting.into_iter().map(|waits| waits.join().unwrap()).filter(|(_, late)| *late).count();
            assert!(late <= 1, "one tries it, and {late} have waited");
        }
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    });
    signal(server.process(), "-CONT");
}

#[test]
fn a_server_that_is_paused_is_got_over() {
    let Some(server) = Server::start() else { return };
    let held = customer(1, 100_000);
    let gate = gate(&format!("{}?timeout_ms=100", server.url()));
    let mut used = with_units_ahead(&gate, &held);
    let now = licentia::Now { time: NOW, monotonic_nanos: 1_000_000_000 };
    let calls = Request::new().meters(&[("calls", 1)]);
    for (lineage, kind) in [(2, "ALL"), (3, "WRITE")] {
        let other = customer(lineage, LIMIT);
        server.tell(&["CLIENT", "PAUSE", "700", kind]);
        let begun = Instant::now();
        assert_eq!(gate.check(&other, &calls, now).code(), Code::StoreUnreachable, "{kind}");
        assert!(gate.check(&held, &calls, now).is_allowed(), "{kind}: it has units");
        used += 1;
        assert!(begun.elapsed() < Duration::from_millis(600), "{kind}: {:?}", begun.elapsed());
        let deadline = Instant::now() + Duration::from_secs(20);
        while !gate.check(&other, &calls, now).is_allowed() {
            assert!(Instant::now() < deadline, "{kind}: it recovers by itself");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    gate.settle().unwrap();
    let totals = [1, 2, 3].map(|lineage| total(&server, lineage));
    assert_eq!(totals, [used, 1, 1], "nothing is lost, and nothing counted twice");
}
