//! Processes that share a store are killed at random, a thousand times if you like: nothing is granted twice, and a
//! kill loses one chunk at most.
//!
//! `LICENTIA_KILLS` sets how often.

mod common;
#[path = "common/server.rs"]
mod server;

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use common::{NOW, YEAR, builder, licence};
use licentia::{
    Code, Gate, Now, Request, Store,
    store::{self, Cell, Finish, Job, Once, Taken, Unreachable},
};
use server::Server;

/// Units of the quota that is fought over.
const LIMIT: u64 = 200_000_000;
/// Processes at a time.
const PROCESSES: usize = 4;

/// A store that writes down what each process takes, in a file that outlives it.
struct Logged {
    store: Arc<dyn Store>,
    log: File,
}

impl Store for Logged {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        // Written before it is asked for: a process that is killed in between has lost it too.
        // One write, so that no line is cut in two by a kill.
        (&self.log).write_all(format!("{} {}\n", std::process::id(), want.max(need)).as_bytes()).unwrap();
        self.store.take(cell, need, want, limit)
    }
    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        self.store.give_back(cell, units)
    }
    fn take_once(&self, cell: &Cell<'_>, job: Job<'_>, units: u64, limit: u64) -> Result<Once, Unreachable> {
        self.store.take_once(cell, job, units, limit)
    }
    fn finish_once(&self, cell: &Cell<'_>, job: &str, finish: Finish) -> Result<bool, Unreachable> {
        self.store.finish_once(cell, job, finish)
    }
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        self.store.load(name)
    }
    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable> {
        self.store.save(name, value)
    }
}

fn append(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).unwrap()
}

fn gate(url: &str, folder: &Path) -> Gate {
    // A server that another test's machine is slow to answer is asked again.
    let store = (0..50)
        .find_map(|_| store::open(url).inspect_err(|_| std::thread::sleep(Duration::from_millis(20))).ok());
    let store = Logged { store: store.expect("the store opens"), log: append(&folder.join("taken")) };
    builder().store(Arc::new(store)).build().unwrap()
}

fn token() -> String {
    licence(|draft| {
        let quota = format!("{LIMIT}/year");
        draft.terms.quotas.insert("calls".into(), quota.parse().unwrap());
        (draft.id, draft.expires) = (Some([7; 16]), NOW + 2 * YEAR);
    })
}

/// What each of the processes does; it does nothing when it is run as a test.
#[test]
fn worker() {
    let (Ok(url), Ok(folder)) = (std::env::var("LICENTIA_TEST_URL"), std::env::var("LICENTIA_TEST_FOLDER"))
    else {
        return;
    };
    let folder = Path::new(&folder);
    let gate = gate(&url, folder);
    let (token, mut granted) = (token(), append(&folder.join("granted")));
    // Units are granted a hundred at a time, so that writing them down is not all that is done; then the file says
    // so, which is what a customer has seen.
    let request = Request::new().meters(&[("calls", 100)]);
    loop {
        match gate.check(&token, &request, Now { seconds: NOW, ..Now::system() }).code() {
            Code::Allowed => granted.write_all(b"x").unwrap(),
            Code::QuotaExceeded => return,
            code => {
                eprintln!("{code}");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

fn spawn(url: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["worker", "--exact", "--nocapture"])
        .env("LICENTIA_TEST_URL", url)
        .env("LICENTIA_TEST_FOLDER", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Lets processes fight, kills them, and counts what became of every unit.
fn kill_at_random(name: &str, url: &str, folder: &Path) {
    let kills: usize = std::env::var("LICENTIA_KILLS").map_or(24, |kills| kills.parse().unwrap());
    let started = Instant::now();
    let mut random = fastrand::Rng::with_seed(kills as u64);
    let mut workers: Vec<Child> = (0..PROCESSES).map(|_| spawn(url, folder)).collect();
    let mut killed = Vec::new();
    for _ in 0..kills {
        std::thread::sleep(Duration::from_millis(random.u64(5..60)));
        let victim = random.usize(0..PROCESSES);
        let mut victim = std::mem::replace(&mut workers[victim], spawn(url, folder));
        killed.push(victim.id());
        victim.kill().unwrap();
        victim.wait().unwrap();
    }
    for mut worker in workers {
        killed.push(worker.id());
        worker.kill().unwrap();
        worker.wait().unwrap();
    }
    let granted = 100 * std::fs::metadata(folder.join("granted")).unwrap().len();
    assert!(granted > 0 && granted <= LIMIT, "{name}: {granted} of {LIMIT} granted");
    // A process loses at most what it took last, what was left of the chunk before (less than a request's cost), and
    // the request that it did not come to write down.
    let log = std::fs::read_to_string(folder.join("taken")).unwrap();
    let mut chunks = std::collections::HashMap::new();
    for line in log.lines() {
        let (process, units) = line.split_once(' ').unwrap();
        chunks.insert(process.parse::<u32>().unwrap(), units.parse::<u64>().unwrap());
    }
    let most: u64 = killed.iter().map(|process| chunks.get(process).map_or(0, |chunk| chunk + 200)).sum();
    // The store opens clean, and the rest can be used to the last unit.
    let gate = gate(url, folder);
    let (token, mut rest) = (token(), 0);
    for cost in [1_000_000, 10_000, 100, 1] {
        let request = Request::new().meters(&[("calls", 0)]);
        let _ = gate.check(&token, &request, NOW);
        let meters = [("calls", cost)];
        while gate.check(&token, &Request::new().meters(&meters), NOW).is_allowed() {
            rest += cost;
        }
    }
    let lost = LIMIT - (granted + rest).min(LIMIT);
    println!(
        "{name}: {} kills in {:.1} s: {granted} units granted, {rest} after, {lost} lost of at most {most}",
        killed.len(),
        started.elapsed().as_secs_f64()
    );
    assert!(granted + rest <= LIMIT, "{name}: nothing is granted twice");
    assert!(lost <= most, "{name}: a kill loses one chunk at most");
}

#[test]
fn sqlite_is_exact_when_processes_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.db");
    kill_at_random("sqlite", &format!("sqlite:{}", path.display()), folder.path());
    let database = rusqlite::Connection::open(&path).unwrap();
    let sound: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

#[test]
fn redis_is_exact_when_processes_are_killed() {
    let Some(server) = Server::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    kill_at_random("redis", &server.url(), folder.path());
}

#[test]
fn redis_is_exact_when_it_is_killed_itself() {
    let Some(mut server) = Server::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut workers: Vec<Child> = (0..PROCESSES).map(|_| spawn(&server.url(), folder.path())).collect();
    for _ in 0..5 {
        std::thread::sleep(Duration::from_millis(150));
        let before = std::fs::metadata(folder.path().join("granted")).map_or(0, |metadata| metadata.len());
        server.restart();
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::fs::metadata(folder.path().join("granted")).unwrap().len() <= before {
            assert!(Instant::now() < deadline, "they go on by themselves");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    for worker in &mut workers {
        worker.kill().unwrap();
        worker.wait().unwrap();
    }
    let granted = 100 * std::fs::metadata(folder.path().join("granted")).unwrap().len();
    let gate = gate(&server.url(), folder.path());
    let token = token();
    let rest = (0..).take_while(|_| {
        gate.check(&token, &Request::new().meters(&[("calls", 1_000_000)]), NOW).is_allowed()
    });
    let rest = rest.count() as u64 * 1_000_000;
    assert!(granted + rest <= LIMIT, "nothing is granted twice: {granted} and {rest}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told_and_got_over() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("usage.db").display());
    // The kernel refuses to let files of the process grow past this, as a full disk does.
    let exe = std::env::current_exe().unwrap();
    let mut worker = Command::new("prlimit")
        .args(["--fsize=60000:unlimited", "sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(&exe)
        .args(["full_disk_worker", "--exact", "--nocapture"])
        .env("LICENTIA_TEST_FULL", &url)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = std::io::BufRead::lines(std::io::BufReader::new(worker.stdout.take().unwrap()));
    let mut next = |word: &str| said.by_ref().map(Result::unwrap).find(|line| line.contains(word));
    assert!(next("store_unreachable").is_some());
    let process = worker.id().to_string();
    assert!(
        Command::new("prlimit").args(["--fsize=unlimited", "--pid", &process]).status().unwrap().success()
    );
    assert!(next("recovered").is_some());
    assert!(worker.wait().unwrap().success());
}

/// Charges until the store fails, and until it works again.
#[test]
fn full_disk_worker() {
    let Ok(url) = std::env::var("LICENTIA_TEST_FULL") else { return };
    let gate = builder().store(store::open(&url).unwrap()).build().unwrap();
    let token = token();
    let mut failed = false;
    loop {
        // Each request needs more than was taken ahead, so that each one writes.
        match gate
            .check(&token, &Request::new().meters(&[("calls", 1)]).job(&fastrand::u64(..).to_string()), NOW)
            .code()
        {
            Code::StoreUnreachable if !failed => {
                failed = true;
                println!("\nstore_unreachable");
            }
            Code::Allowed if failed => {
                println!("\nrecovered");
                return;
            }
            _ => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}
