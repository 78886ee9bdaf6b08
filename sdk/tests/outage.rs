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
    builder().store(store::open(url).unwrap()).build().unwrap()
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
