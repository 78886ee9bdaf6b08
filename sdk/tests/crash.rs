//! Processes that share a store are killed at random, a thousand times if you like: nothing is granted twice, and a
//! kill loses one chunk at most.
//!
//! `LICENTIA_KILLS` sets how often, and `LICENTIA_SEED` when; `cargo xtask soak kills` runs it for long.

mod common;
#[path = "common/server.rs"]
mod server;

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use common::{NOW, YEAR, builder, licence};
use licentia::{
    Code, Gate, Now, Refiller, Request,
    store::{self, Became, Cell, JobAsk, JobCharged, JobFinish, PartDone, Store, Taken, Turn, Unreachable},
};
use licentia_core::Window;
use server::Server;

/// Units of the quota that is fought over: more than all processes take, so that each of them works to its end.
const LIMIT: u64 = 1_000_000_000_000;
/// Processes at a time.
const PROCESSES: usize = 4;
/// The most that one request costs, or reserves.
const COST: u64 = 300;
/// Jobs that all processes try, again and again.
const JOBS: u64 = 200;
const LINEAGE: [u8; 16] = [7; 16];

/// What a job reserves, and what it costs in the end.
fn job_costs(job: u64) -> (u64, u64) {
    (10 + job % 7, 5 + job % 3)
}

/// A store that writes down what happens to the quota that is fought over, in a file that outlives the process.
/// What is given back is kept from the store, so that every unit is handed out once at most: then two processes that
/// have the same one show.
struct Logged {
    store: Arc<dyn Store>,
    log: File,
}

impl Logged {
    /// One write, so that no line is cut in two by a kill.
    fn note(&self, cell: &Cell<'_>, line: &str) {
        if cell.meter == "calls" {
            (&self.log).write_all(format!("{} {line}\n", std::process::id()).as_bytes()).unwrap();
        }
    }
}

impl Store for Logged {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        self.note(cell, &format!("asks {} 0", want.max(need)));
        let taken = self.store.take(cell, need, want, limit);
        if let Ok(Taken { units, total }) = taken {
            self.note(cell, &format!("has {} {total}", total - units));
        }
        taken
    }
    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        self.note(cell, &format!("returns {units} 0"));
        if cell.meter == "calls" { Ok(()) } else { self.store.give_back(cell, units) }
    }
    // Turns go to the store as they are: what becomes of them is what this is about.
    fn take_in_turn(
        &self,
        cell: &Cell<'_>,
        by: Turn,
        need: u64,
        want: u64,
        limit: u64,
    ) -> Result<Taken, Unreachable> {
        self.note(cell, &format!("asks {} 0", want.max(need)));
        let taken = self.store.take_in_turn(cell, by, need, want, limit);
        if let Ok(Taken { units, total }) = taken {
            self.note(cell, &format!("has {} {total}", total - units));
        }
        taken
    }
    fn resolve(&self, cell: &Cell<'_>, by: Turn) -> Result<Became, Unreachable> {
        let became = self.store.resolve(cell, by);
        if let Ok(Became::Again(units)) = became {
            self.note(cell, &format!("resolves {units} 0"));
        }
        became
    }
    fn charge_job(&self, ask: &JobAsk<'_>) -> Result<JobCharged, Unreachable> {
        self.store.charge_job(ask)
    }
    fn finish_job(&self, ask: &JobFinish<'_>) -> Result<Vec<PartDone>, Unreachable> {
        self.store.finish_job(ask)
    }
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        self.store.load(name)
    }
    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable> {
        self.store.save(name, value)
    }
    fn replace(&self, name: &str, before: Option<&[u8]>, value: &[u8]) -> Result<bool, Unreachable> {
        self.store.replace(name, before, value)
    }
}

fn append(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).unwrap()
}

fn token() -> String {
    licence(|draft| {
        draft.grant.quotas.insert("calls".into(), format!("{LIMIT}/year").parse().unwrap());
        draft.grant.quotas.insert("jobs".into(), "1000000/year".parse().unwrap());
        (draft.id, draft.expires) = (Some(LINEAGE.into()), NOW + 2 * YEAR);
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
    let store = Logged { store: store::open_lazily(&url).unwrap(), log: append(&folder.join("log")) };
    let gate = Arc::new(builder().store(Arc::new(store)).build().unwrap());
    let _keeper = Refiller::start(&gate, Duration::from_millis(25)).unwrap();
    // A unit is granted when a customer has seen it: when it is written down.
    let (token, mut granted) = (token(), append(&folder.join(format!("granted-{}", std::process::id()))));
    let hundred = Request::new().meters(&[("calls", 100)]);
    let reserved = Request::new().meters(&[("calls", COST)]);
    let now = || Now { time: NOW, ..Now::system() };
    loop {
        let code = match fastrand::u32(0..200) {
            0 => {
                do_job(&gate, &token, now());
                continue;
            }
            1..10 => {
                let (decision, reservation) = gate.reserve(&token, &reserved, now());
                if let Some(reservation) = reservation {
                    if fastrand::bool() {
                        reservation.cancel();
                        continue;
                    }
                    reservation.commit(&[("calls", 100)]).unwrap();
                }
                decision.code()
            }
            _ => gate.check(&token, &hundred, now()).code(),
        };
        match code {
            Code::Allowed => granted.write_all(b"x").unwrap(),
            Code::QuotaExceeded => return,
            Code::StoreUnreachable => std::thread::sleep(Duration::from_millis(5)),
            code => panic!("{code}"),
        }
    }
}

/// Tries a job that others try too: does it, gives up, or is killed in the middle of it.
fn do_job(gate: &Gate, token: &str, now: Now) {
    let job = fastrand::u64(0..JOBS);
    let (most, cost) = job_costs(job);
    let name = format!("job-{job}");
    let meters = [("jobs", most)];
    if let Some(reservation) = gate.reserve(token, &Request::new().meters(&meters).job(&name), now).1 {
        if fastrand::bool() {
            // A store that is restarted meanwhile leaves it as it is.
            let _ = reservation.commit(&[("jobs", cost)]);
        } else {
            reservation.cancel();
        }
    }
}

/// Processes that end with this value, whatever becomes of the test.
struct Workers<'a> {
    url: &'a str,
    folder: &'a Path,
    running: Vec<Child>,
    started: usize,
}

impl<'a> Workers<'a> {
    fn start(url: &'a str, folder: &'a Path) -> Self {
        let mut workers = Self { url, folder, running: Vec::new(), started: 0 };
        (0..PROCESSES).for_each(|_| workers.spawn());
        workers
    }

    fn spawn(&mut self) {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["worker", "--exact", "--nocapture"])
            .env("LICENTIA_TEST_URL", self.url)
            .env("LICENTIA_TEST_FOLDER", self.folder)
            .stdout(Stdio::null())
            .spawn();
        self.running.push(child.unwrap());
        self.started += 1;
    }

    /// Kills one. None has ended in another way, unless all units were used.
    fn kill(&mut self, victim: usize) {
        let mut victim = self.running.swap_remove(victim);
        if let Some(status) = victim.try_wait().unwrap() {
            assert!(status.success(), "a worker failed: {status}");
        }
        victim.kill().unwrap();
        victim.wait().unwrap();
    }

    fn kill_all(&mut self) {
        while !self.running.is_empty() {
            self.kill(0);
        }
    }
}

impl Drop for Workers<'_> {
    fn drop(&mut self) {
        for worker in &mut self.running {
            let _ = worker.kill();
            let _ = worker.wait();
        }
    }
}

/// What the log says of a process.
#[derive(Default)]
struct Life {
    /// What it had, from and to which unit of all that were ever taken.
    had: Vec<(u64, u64)>,
    /// What was in doubt and is there.
    resolved: u64,
    /// Asked for, and not known to be there.
    open: u64,
    /// The most that it may have held after it asked last.
    held: u64,
    returned: u64,
    granted: u64,
}

impl Life {
    fn taken(&self) -> u64 {
        self.had.iter().map(|(from, to)| to - from).sum::<u64>() + self.resolved
    }

    /// Asks for `want` more. It asks when what it has is less than a request costs, or than half of a chunk.
    fn asks(&mut self, want: u64) {
        self.open = want;
        self.held = want + COST.max(self.held / 2);
    }

    /// What it may have lost: a chunk, and the request that it did not come to write down.
    fn most_lost(&self) -> u64 {
        self.held + COST
    }
}

fn lives(folder: &Path) -> HashMap<u32, Life> {
    let mut lives: HashMap<u32, Life> = HashMap::new();
    for line in std::fs::read_to_string(folder.join("log")).unwrap().lines() {
        let words: Vec<_> = line.split(' ').collect();
        let [process, what, one, other] = words[..] else { panic!("{line}") };
        let (one, other): (u64, u64) = (one.parse().unwrap(), other.parse().unwrap());
        let life = lives.entry(process.parse().unwrap()).or_default();
        match what {
            "asks" if one == 0 => {} // a look
            "asks" => life.asks(one),
            "has" => {
                life.open = 0;
                life.had.extend((one < other).then_some((one, other)));
            }
            "resolves" => {
                life.open = 0;
                life.resolved += one;
            }
            _ => life.returned += one,
        }
    }
    for (process, life) in &mut lives {
        let granted = std::fs::metadata(folder.join(format!("granted-{process}")));
        life.granted = granted.map_or(0, |granted| 100 * granted.len());
    }
    lives
}

/// Counts what became of every unit and every job.
fn settle_up(name: &str, url: &str, workers: &Workers<'_>) {
    let lives = lives(workers.folder);
    let working = lives.values().filter(|life| !life.had.is_empty()).count();
    // Some are killed before they have begun.
    assert!(working * 5 > workers.started, "{name}: {working} of {} came to work", workers.started);
    let mut had: Vec<_> = lives.values().flat_map(|life| life.had.iter().copied()).collect();
    had.sort_unstable();
    let twice = had.windows(2).find(|pair| pair[1].0 < pair[0].1);
    assert_eq!(twice, None, "{name}: two were given the same units");
    for (process, life) in &lives {
        let most = life.taken() + life.open;
        assert!(life.granted + life.returned <= most, "{name}: {process} granted more than it had");
    }
    let (granted, returned): (u64, u64) =
        lives.values().fold((0, 0), |sum, life| (sum.0 + life.granted, sum.1 + life.returned));
    let most: u64 = lives.values().map(Life::most_lost).sum();

    // The store opens clean, and the rest can be used to the last unit.
    let deadline = Instant::now() + Duration::from_secs(20);
    let store = loop {
        match store::open(url) {
            Ok(store) => break store,
            Err(error) => assert!(Instant::now() < deadline, "{name}: {error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let gate = builder().store(Arc::clone(&store)).build().unwrap();
    let (token, mut rest) = (token(), 0);
    for cost in [1_000_000_000, 10_000_000, 100_000, 1000, 10, 1] {
        let meters = [("calls", cost)];
        while gate.check(&token, &Request::new().meters(&meters), NOW).is_allowed() {
            rest += cost;
        }
    }
    assert!(granted + returned + rest <= LIMIT, "{name}: nothing is granted twice");
    let lost = LIMIT - granted - returned - rest;
    println!(
        "{name}: {} processes, {granted} units granted, {returned} given back, {rest} after, \
         {lost} lost of at most {most}",
        workers.started
    );
    assert!(granted > 0 && lost <= most, "{name}: a kill loses one chunk at most");

    // Every job can be done, and costs what it costs, whoever has tried it before and was killed.
    for job in 0..JOBS {
        let (reserved, cost) = job_costs(job);
        let (name, meters) = (format!("job-{job}"), [("jobs", reserved)]);
        let request = Request::new().meters(&meters).job(&name);
        gate.reserve(&token, &request, NOW).1.unwrap().commit(&[("jobs", cost)]).unwrap();
    }
    let year = licentia::Period::Year.window(NOW);
    let cell = Cell {
        account: licentia_core::AccountId::new("acme", LINEAGE.into()),
        meter: "jobs",
        window: Window { ..year },
    };
    let charged = store.take(&cell, 0, 0, u64::MAX).unwrap().total;
    assert_eq!(
        charged,
        (0..JOBS).map(|job| job_costs(job).1).sum::<u64>(),
        "{name}: each job is charged once"
    );
}

/// Lets processes fight, and kills them.
fn kill_at_random(name: &str, url: &str, folder: &Path) {
    let kills: usize = std::env::var("LICENTIA_KILLS").map_or(24, |kills| kills.parse().unwrap());
    let started = Instant::now();
    let seed: u64 = std::env::var("LICENTIA_SEED").map_or(0, |seed| seed.parse().unwrap());
    let mut random = fastrand::Rng::with_seed(seed ^ kills as u64);
    let mut workers = Workers::start(url, folder);
    for _ in 0..kills {
        std::thread::sleep(Duration::from_millis(random.u64(10..70)));
        workers.kill(random.usize(0..PROCESSES));
        workers.spawn();
    }
    workers.kill_all();
    println!("{name}: {kills} kills in {:.1} s", started.elapsed().as_secs_f64());
    settle_up(name, url, &workers);
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
    let url = server.url();
    let mut workers = Workers::start(&url, folder.path());
    let granted = || lives_granted(folder.path());
    for _ in 0..5 {
        std::thread::sleep(Duration::from_millis(150));
        let before = granted();
        server.restart();
        let deadline = Instant::now() + Duration::from_secs(20);
        while granted() <= before {
            assert!(Instant::now() < deadline, "they go on by themselves");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    workers.kill_all();
    settle_up("redis, killed", &url, &workers);
}

/// What was granted by all processes until now.
fn lives_granted(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let granted = files.filter(|file| file.file_name().to_string_lossy().starts_with("granted-"));
    granted.map(|file| file.metadata().unwrap().len()).sum()
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
