//! Loads a store through a proxy that makes it answer after a millisecond, and prints tables: `load [NAME...]`.
//!
//! - `threads`: how many charges 16 threads get that each need the store, beside one.
//! - `stalled`: how long checks of held units take while the store stands still, beside one that answers.
//! - `last`: what of 1,000 units 100 processes use before the first of them is denied.
//! - `customers`: messages to the store for 50,000 customers, or `LICENTIA_CUSTOMERS`, at one request a second each.

#![allow(clippy::cast_precision_loss, reason = "figures for people")]

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fs,
    io::{Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use licentia::{Code, Gate, GateBuilder, Now, Request, store};
use licentia_benches::{AUDIENCE, NOW, draft, issuer};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How long the proxy holds what it is sent, and what is answered: half of a store's millisecond each.
const DELAY: Duration = Duration::from_micros(500);
const SECONDS: u64 = 5;

fn now() -> Now {
    Now { time: NOW.into(), ..Now::system() }
}

fn token(lineage: u64, limit: u64) -> Result<String> {
    let mut draft = draft();
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&lineage.to_be_bytes());
    (draft.lineage, draft.id) = (Some(bytes.into()), Some(bytes.into()));
    draft.grant.quotas.insert("calls".into(), format!("{limit}/day").parse()?);
    Ok(issuer().issue(&draft)?.text())
}

fn gate(url: &str) -> Result<Gate> {
    let builder = GateBuilder::new().key(issuer().key().public()).issuer("acme").audience(AUDIENCE);
    Ok(builder.store(store::open(url)?).build()?)
}

/// A server of Redis in a folder of its own, and a proxy in front of it.
struct Server {
    child: Child,
    folder: PathBuf,
    /// What the proxy has carried to the server: messages, which are pipelines.
    carried: Arc<AtomicU64>,
    /// Whether the proxy holds everything.
    stalled: Arc<AtomicBool>,
}

impl Server {
    fn start() -> Result<Self> {
        let folder = env::temp_dir().join(format!("licentia-load-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let socket = folder.join("redis.sock");
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .arg("--dir")
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn()?;
        let server = Self { child, folder, carried: Arc::default(), stalled: Arc::default() };
        let direct = format!("unix://{}", socket.display());
        let begun = Instant::now();
        while store::open(&direct).is_err() {
            if begun.elapsed() > Duration::from_secs(20) {
                return Err("redis-server does not answer".into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        server.proxy(&socket)?;
        Ok(server)
    }

    fn url(&self) -> String {
        format!("unix://{}", self.folder.join("proxy.sock").display())
    }

    /// Listens, and carries each way what comes, later.
    fn proxy(&self, server: &Path) -> Result<()> {
        let listener = UnixListener::bind(self.folder.join("proxy.sock"))?;
        let (server, carried, stalled) =
            (server.to_owned(), Arc::clone(&self.carried), Arc::clone(&self.stalled));
        thread::spawn(move || {
            for client in listener.incoming().map_while(std::result::Result::ok) {
                let Ok(server) = UnixStream::connect(&server) else { continue };
                let (Ok(from), Ok(to)) = (client.try_clone(), server.try_clone()) else { continue };
                carry(from, to, Arc::clone(&carried), Arc::clone(&stalled));
                carry(server, client, Arc::default(), Arc::clone(&stalled));
            }
        });
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Carries bytes from one socket to another, each a while after it came. Reading goes on meanwhile, so that it delays
/// and does not slow down.
fn carry(mut from: UnixStream, mut to: UnixStream, carried: Arc<AtomicU64>, stalled: Arc<AtomicBool>) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            carried.fetch_add(1, Ordering::Relaxed);
            if sender.send((Instant::now() + DELAY, bytes[..length].to_vec())).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (due, bytes) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            while stalled.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(1));
            }
            if to.write_all(&bytes).is_err() {
                return;
            }
        }
    });
}

/// Charges a second that threads get, each of a job of its own, so that each needs the store.
fn charges(gate: &Gate, token: &str, threads: u64) -> f64 {
    let (begun, done) = (Instant::now(), AtomicU64::new(0));
    let (begun, done) = (&begun, &done);
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for job in 0.. {
                    if begun.elapsed() > Duration::from_secs(SECONDS) {
                        return;
                    }
                    let name = format!("{threads}-{thread}-{job}");
                    let request = Request::new().meters(&[("calls", 1)]).job(&name);
                    let code = gate.check(token, &request, now()).code();
                    done.fetch_add(u64::from(code == Code::Allowed), Ordering::Relaxed);
                }
            });
        }
    });
    done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

fn threads() -> Result<()> {
    let server = Server::start()?;
    let (gate, token) = (gate(&server.url())?, token(1, 1 << 40)?);
    let one = charges(&gate, &token, 1);
    let sixteen = charges(&gate, &token, 16);
    println!("| threads | charges a second, each of which asks a store of 1 ms | beside one |");
    println!("|---|---|---|");
    println!("| 1 | {one:.0} | 1 |");
    println!("| 16 | {sixteen:.0} | {:.1} |", sixteen / one);
    Ok(())
}

/// Microseconds below which so many of a thousand checks stay.
fn percentile(sorted: &[u64], of_thousand: usize) -> f64 {
    sorted.get(sorted.len() * of_thousand / 1000).map_or(0.0, |nanos| *nanos as f64 / 1e3)
}

fn stalled() -> Result<()> {
    let server = Server::start()?;
    let gate = gate(&server.url())?;
    let (held, others) =
        (token(1, 1 << 40)?, (2..18).map(|lineage| token(lineage, 1 << 40)).collect::<Result<Vec<_>>>()?);
    let request = Request::new().meters(&[("calls", 1)]);
    println!("| the store | checks of held units | p50 | p99 | p99.9 |");
    println!("|---|---|---|---|---|");
    for stall in [false, true] {
        // A chunk for what comes, at 5,000 a second.
        let pace = Instant::now();
        for at in 0..10_000_u64 {
            thread::sleep((pace + Duration::from_micros(at * 200)).saturating_duration_since(Instant::now()));
            let _ = gate.check(&held, &request, now());
        }
        server.stalled.store(stall, Ordering::Relaxed);
        let ends = AtomicBool::new(false);
        let mut nanos = Vec::new();
        thread::scope(|scope| {
            for token in &others {
                scope.spawn(|| {
                    for job in 0.. {
                        if ends.load(Ordering::Relaxed) {
                            return;
                        }
                        let name = job.to_string();
                        let _ = gate.check(token, &Request::new().meters(&[("calls", 1)]).job(&name), now());
                        thread::sleep(Duration::from_millis(5));
                    }
                });
            }
            thread::sleep(Duration::from_millis(50));
            for _ in 0..2_000 {
                let begun = Instant::now();
                if !gate.check(&held, &request, now()).is_allowed() {
                    break;
                }
                nanos.push(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));
                thread::sleep(Duration::from_micros(100));
            }
            server.stalled.store(false, Ordering::Relaxed);
            ends.store(true, Ordering::Relaxed);
        });
        nanos.sort_unstable();
        let [p50, p99, p999] = [500, 990, 999].map(|of| percentile(&nanos, of));
        let name = if stall { "stands still" } else { "answers" };
        println!("| {name} | {} | {p50:.1} us | {p99:.1} us | {p999:.1} us |", nanos.len());
    }
    Ok(())
}

/// Asks until it is denied, and prints when each request was answered, in microseconds since 1970.
fn worker(url: &str, offset: u64, every: u64) -> Result<()> {
    let (gate, token) = (gate(url)?, token(1, 1_000)?);
    let request = Request::new().meters(&[("calls", 1)]);
    let begun = Instant::now();
    for at in 0.. {
        let due = begun + Duration::from_micros(offset + at * every);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let allowed = gate.check(&token, &request, now()).is_allowed();
        println!("{}", std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_micros());
        if !allowed {
            break;
        }
    }
    Ok(())
}

fn last() -> Result<()> {
    const PROCESSES: u64 = 100;
    const UNITS: usize = 1_000;
    let server = Server::start()?;
    let program = env::current_exe()?;
    // Together 100 requests a second.
    let every = PROCESSES * 10_000;
    let children = (0..PROCESSES).map(|at| {
        let words = ["worker".to_owned(), server.url(), (at * 10_000).to_string(), every.to_string()];
        Command::new(&program).args(words).stdout(Stdio::piped()).spawn()
    });
    let children: Vec<Child> = children.collect::<std::result::Result<_, _>>()?;
    let (mut allowed, mut denied) = (Vec::new(), Vec::new());
    for child in children {
        let output = child.wait_with_output()?;
        let text = String::from_utf8(output.stdout)?;
        let mut times = text.lines().map(str::parse).collect::<std::result::Result<Vec<u128>, _>>()?;
        denied.push(times.pop().ok_or("a worker failed")?);
        allowed.extend(times);
    }
    let first = denied.iter().min().copied().unwrap_or_default();
    let before = allowed.iter().filter(|time| **time < first).count();
    println!("| processes | units | used before the first denial | used in all |");
    println!("|---|---|---|---|");
    println!("| {PROCESSES} | {UNITS} | {:.1} % | {} |", before as f64 * 100.0 / UNITS as f64, allowed.len());
    Ok(())
}

/// Requests that wait for the store at once, as those of a service do.
const AT_ONCE: u64 = 256;
/// Seconds that are not counted.
const WARM: u64 = 3;

fn customers(count: u64) -> Result<()> {
    let server = Server::start()?;
    let gate = gate(&server.url())?;
    let tokens = (0..count).map(|at| token(at, 1 << 40)).collect::<Result<Vec<_>>>()?;
    let begun = Instant::now();
    let carried = || server.carried.load(Ordering::Relaxed);
    // Each thread has every so manieth customer, and asks for each once a second.
    let ask = |thread: u64| {
        let request = Request::new().meters(&[("calls", 1)]);
        let (mut codes, mut nanos) = (BTreeMap::<u16, u64>::new(), Vec::new());
        for second in 0..WARM + SECONDS {
            for (at, token) in (0..).zip(&tokens).filter(|(at, _)| at % AT_ONCE == thread) {
                let due = begun + Duration::from_nanos(second * 1_000_000_000 + at * 1_000_000_000 / count);
                thread::sleep(due.saturating_duration_since(Instant::now()));
                let started = Instant::now();
                let code = gate.check(token, &request, now()).code();
                if second >= WARM {
                    *codes.entry(code.number()).or_default() += 1;
                    nanos.push(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX));
                }
            }
        }
        (codes, nanos)
    };
    let (ask, mut codes, mut nanos, mut before) = (&ask, BTreeMap::<u16, u64>::new(), Vec::new(), 0);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|thread| scope.spawn(move || ask(thread))).collect();
        thread::sleep((begun + Duration::from_secs(WARM)).saturating_duration_since(Instant::now()));
        before = carried();
        for thread in threads {
            let (some, times) = thread.join().unwrap_or_default();
            for (code, times) in some {
                *codes.entry(code).or_default() += times;
            }
            nanos.extend(times);
        }
    });
    let took = begun.elapsed().as_secs_f64() - WARM as f64;
    let messages = carried() - before;
    nanos.sort_unstable();
    println!(
        "| customers | requests a second | messages to the store a second | p50 | p99 | answers by code |"
    );
    println!("|---|---|---|---|---|---|");
    println!(
        "| {count} | {:.0} | {:.0} | {:.1} us | {:.1} us | {codes:?} |",
        nanos.len() as f64 / took,
        messages as f64 / took,
        percentile(&nanos, 500),
        percentile(&nanos, 990)
    );
    Ok(())
}

fn main() -> Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    if let [word, url, offset, every] = words.as_slice()
        && word == "worker"
    {
        return worker(url, offset.parse()?, every.parse()?);
    }
    let asked = |name: &str| words.is_empty() || words.iter().any(|word| word == name);
    if asked("threads") {
        threads()?;
    }
    if asked("stalled") {
        stalled()?;
    }
    if asked("last") {
        last()?;
    }
    if asked("customers") {
        let count = env::var("LICENTIA_CUSTOMERS").ok().map_or(Ok(50_000), |count| count.parse())?;
        customers(count)?;
    }
    Ok(())
}
