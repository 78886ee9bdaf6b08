//! Counting: rate and quota beside governor's keyed limiter, and durable units beside a write for each.

#![allow(missing_docs, reason = "a benchmark's main function is made by a macro")]

use std::{
    hint::black_box,
    num::NonZeroU32,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use licentia::{Counter, Gate, GateBuilder, Now, Request, store};
use licentia_benches::{AUDIENCE, NOW, draft, issuer};

fn gate(url: &str) -> Gate {
    let builder = GateBuilder::new().key(issuer().key().public()).issuer("acme").audience(AUDIENCE);
    builder.store(store::open(url).unwrap()).build().unwrap()
}

/// The tests' day, and the time that really passes: chunks follow the pace.
fn now() -> Now {
    Now { time: NOW.into(), ..Now::system() }
}

/// A Redis on a socket in a folder; none where there is no Redis here.
struct Server(Child);

impl Server {
    fn start(folder: &std::path::Path) -> Option<(Self, String)> {
        let socket = folder.join("redis.sock");
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .arg("--dir")
            .arg(folder)
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        let server = Self(child);
        let url = format!("unix://{}", socket.display());
        for _ in 0..200 {
            if store::open(&url).is_ok() {
                return Some((server, url));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn metering(criterion: &mut Criterion) {
    let token = issuer().issue(&draft()).unwrap().text();
    let mut nanos = 0;
    let mut later = move || {
        nanos += 1_000;
        Now { time: NOW.into(), monotonic_nanos: nanos }
    };

    // One rate and one quota, by themselves and with the whole decision, beside a limiter that looks a key up and counts one rate.
    let mut group = criterion.benchmark_group("rate and quota");
    let memory = gate("memory:");
    let charged = Request::new().rates(&[("api", 1)]).meters(&[("calls", 1)]);
    group.bench_function("licentia, the whole check", |bencher| {
        bencher.iter(|| assert!(memory.check(black_box(&token), &charged, later()).is_allowed()));
    });
    // Rate and quota alone, as a connection or a query counts them under one check.
    let decision = memory.check(&token, &Request::new(), later());
    let counter = Counter::of(&memory, &decision).unwrap();
    group.bench_function("licentia", |bencher| {
        bencher.iter(|| counter.charge(&[(black_box("api"), 1)], &[("calls", 1)], later()).unwrap());
    });
    let limiter: DefaultKeyedRateLimiter<String> =
        RateLimiter::keyed(Quota::per_second(NonZeroU32::new(1_000_000_000).unwrap()));
    let key = "cus_42".to_owned();
    group.bench_function("governor, keyed", |bencher| {
        bencher.iter(|| limiter.check_key(black_box(&key)).is_ok());
    });
    group.finish();

    let mut group = criterion.benchmark_group("durable units");
    group.throughput(Throughput::Elements(1));
    let folder = tempfile::tempdir().unwrap();
    let sqlite = gate(&format!("sqlite:{}", folder.path().join("usage.db").display()));
    let metered = Request::new().meters(&[("calls", 1)]);
    group.bench_function("licentia, the whole check", |bencher| {
        bencher.iter(|| assert!(sqlite.check(black_box(&token), &metered, now()).is_allowed()));
    });
    let decision = sqlite.check(&token, &Request::new(), now());
    let counter = Counter::of(&sqlite, &decision).unwrap();
    group.bench_function("licentia", |bencher| {
        bencher.iter(|| counter.charge(&[], &[(black_box("calls"), 1)], now()).unwrap());
    });
    let database = rusqlite::Connection::open(folder.path().join("naive.db")).unwrap();
    database.pragma_update(None, "journal_mode", "WAL").unwrap();
    database.pragma_update(None, "synchronous", "FULL").unwrap();
    database
        .execute_batch("CREATE TABLE usage (key TEXT PRIMARY KEY, used INTEGER); INSERT INTO usage VALUES ('cus_42', 0);")
        .unwrap();
    group.bench_function("SQLite, an UPDATE for each", |bencher| {
        let sql = "UPDATE usage SET used = used + 1 WHERE key = ?1 AND used < 9007199254740991";
        bencher.iter(|| database.prepare_cached(sql).unwrap().execute([black_box("cus_42")]).unwrap());
    });
    if let Some((_server, url)) = Server::start(folder.path()) {
        let redis = Arc::new(gate(&url));
        let decision = redis.check(&token, &Request::new(), now());
        let counter = Counter::of(&redis, &decision).unwrap();
        group.bench_function("licentia over Redis", |bencher| {
            bencher.iter(|| counter.charge(&[], &[(black_box("calls"), 1)], now()).unwrap());
        });
        let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
        group.bench_function("Redis, an INCRBY for each", |bencher| {
            bencher.iter(|| {
                redis::cmd("INCRBY").arg(black_box("cus_42")).arg(1).query::<i64>(&mut connection).unwrap()
            });
        });
    } else {
        eprintln!("not run: no redis-server");
    }
    group.finish();
}

criterion_group!(benches, metering);
criterion_main!(benches);
