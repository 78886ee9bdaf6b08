//! Rates that processes share: together they come as fast as the rate allows, and no faster.

mod common;
#[path = "common/server.rs"]
mod server;

use std::{
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use common::{NOW, builder, licence};
use licentia::{
    Action, Code, Gate, Now, Request, store,
    store::{Memory, Store},
};
use licentia_core::{
    Rate,
    metering::rate::{Gcra, RateTaken, Tat},
};
use server::Server;

const RATE: u64 = 2000;
const BURST: u64 = 100;
/// How long the processes ask, in milliseconds.
const LONG: u64 = 2500;

fn token() -> String {
    licence(|draft| {
        draft.id = Some([7; 16].into());
        let rate = licentia_issuer::Rate { count: RATE, per_ms: 1000, burst: Some(BURST) };
        draft.grant.rates.insert("api".into(), rate);
    })
}

fn sharing(store: Arc<dyn Store>) -> Gate {
    builder().store(store).share_rates(true).build().unwrap()
}

fn real() -> Now {
    Now { time: NOW, ..Now::system() }
}

/// What each of the processes does; it does nothing when it is run as a test.
#[test]
fn worker() {
    let Ok(url) = std::env::var("LICENTIA_TEST_URL") else { return };
    let (gate, token) = (sharing(store::open(&url).unwrap()), token());
    let request = Request::new().rates(&[("api", 1)]);
    let (begun, mut allowed) = (Instant::now(), 0_u64);
    while begun.elapsed() < Duration::from_millis(LONG) {
        let decision = gate.check(&token, &request, real());
        match decision.code() {
            Code::Allowed => allowed += 1,
            Code::RateLimited => {
                assert!(decision.retry_after_ms().unwrap() >= 1);
                std::thread::sleep(Duration::from_micros(500));
            }
            code => panic!("{code}"),
        }
    }
    println!("\nallowed {allowed}");
}

fn together(name: &str, url: &str) {
    let begun = Instant::now();
    let workers: Vec<_> = (0..4)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["worker", "--exact", "--nocapture"])
                .env("LICENTIA_TEST_URL", url)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut allowed = 0;
    for worker in workers {
        let output = worker.wait_with_output().unwrap();
        assert!(output.status.success(), "{name}");
        let said = String::from_utf8(output.stdout).unwrap();
        let count = said.lines().find_map(|line| line.strip_prefix("allowed ")).unwrap();
        allowed += count.parse::<u64>().unwrap();
    }
    let most = u64::try_from(begun.elapsed().as_millis()).unwrap() * RATE / 1000 + BURST;
    let least = LONG * RATE / 1000;
    println!("{name}: {allowed} allowed, at most {most}, at least about {least}");
    assert!(allowed <= most, "{name}: {allowed} of {most}");
    assert!(allowed * 10 >= least * 6, "{name}: {allowed} of {least}: the rate can be used");
}

#[test]
fn four_processes_keep_to_one_rate() {
    let folder = tempfile::tempdir().unwrap();
    together("sqlite", &format!("sqlite:{}", folder.path().join("usage.db").display()));
    let Some(server) = Server::start() else { return };
    together("redis", &server.url());
}

#[test]
fn gates_on_one_store_share_a_burst() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("usage.db").display());
    let server = Server::start();
    let mut stores = vec![Arc::new(Memory::new()) as Arc<dyn Store>, store::open(&url).unwrap()];
    stores.extend(server.as_ref().map(|server| store::open(&server.url()).unwrap()));
    for store in stores {
        let token = licence(|draft| {
            draft.id = Some([7; 16].into());
            let rate = licentia_issuer::Rate { count: 1, per_ms: 3_600_000, burst: Some(50) };
            draft.grant.rates.insert("api".into(), rate);
        });
        let gates = [sharing(Arc::clone(&store)), sharing(Arc::clone(&store))];
        let check = |gate: usize, cost| {
            let rates = [("api", cost)];
            let decision = gates[gate].check(&token, &Request::new().rates(&rates), real());
            let charge = decision.rate("api").copied().unwrap();
            (decision.code(), charge.remaining, charge.retry_after_ms, charge.reset_ms)
        };
        assert_eq!(check(0, 0).1, 50, "a look");
        assert_eq!((0..20).filter(|_| check(0, 1).0 == Code::Allowed).count(), 20);
        assert_eq!((0..40).filter(|_| check(1, 1).0 == Code::Allowed).count(), 30, "what is left of it");
        let (code, remaining, retry, reset) = check(0, 1);
        assert_eq!((code, remaining), (Code::RateLimited, 0));
        assert!(retry.unwrap().abs_diff(3_600_000) < 60_000, "{retry:?}");
        assert!(reset.unwrap().abs_diff(50 * 3_600_000) < 60_000, "{reset:?}");
        assert_eq!(check(0, 51).2, None, "more than a burst never comes");
    }
}

#[test]
fn a_store_that_shares_no_rates_follows_the_policy() {
    struct Quotas(Memory);
    impl Store for Quotas {
        fn take(
            &self,
            cell: &store::Cell<'_>,
            need: u64,
            want: u64,
            limit: u64,
        ) -> Result<store::Taken, store::Unreachable> {
            self.0.take(cell, need, want, limit)
        }
        fn give_back(&self, cell: &store::Cell<'_>, units: u64) -> Result<(), store::Unreachable> {
            self.0.give_back(cell, units)
        }
        fn load(&self, name: &str) -> Result<Option<Vec<u8>>, store::Unreachable> {
            self.0.load(name)
        }
        fn save(&self, name: &str, value: &[u8]) -> Result<(), store::Unreachable> {
            self.0.save(name, value)
        }
    }
    let gate = sharing(Arc::new(Quotas(Memory::new())));
    for (action, code) in [(Action::Deny, Code::StoreUnreachable), (Action::Allow, Code::Allowed)] {
        let token = licence(|draft| draft.grant.policy.store_unreachable = action);
        assert_eq!(gate.check(&token, &Request::new().rates(&[("api", 1)]), NOW).code(), code);
    }
}

#[test]
fn a_denied_request_gives_its_part_of_a_slice_back() {
    let gate = sharing(Arc::new(Memory::new()));
    let token = licence(|draft| {
        let rate = licentia_issuer::Rate { count: 1, per_ms: 3_600_000, burst: Some(5) };
        draft.grant.rates.insert("api".into(), rate);
    });
    let at = |millis: u64| Now { time: NOW, monotonic_nanos: millis * 1_000_000 };
    let both = Request::new().rates(&[("api", 5)]).meters(&[("mails", 6)]);
    assert_eq!(gate.check(&token, &both, at(0)).code(), Code::QuotaExceeded);
    let rates = Request::new().rates(&[("api", 5)]);
    assert!(gate.check(&token, &rates, at(1)).is_allowed(), "it cost nothing");
    assert_eq!(gate.check(&token, &rates, at(2)).code(), Code::RateLimited);
}

#[test]
fn a_child_uses_nothing_of_its_parents_slice() {
    let gate = sharing(Arc::new(Memory::new()));
    let token = licence(|draft| {
        let rate = licentia_issuer::Rate { count: 1, per_ms: 3_600_000, burst: Some(5) };
        draft.grant.rates.insert("api".into(), rate);
    });
    let at = |millis: u64| Now { time: NOW, monotonic_nanos: millis * 1_000_000 };
    let both = Request::new().rates(&[("api", 5)]).meters(&[("mails", 6)]);
    assert_eq!(gate.check(&token, &both, at(0)).code(), Code::QuotaExceeded);
    gate.after_fork();
    let rates = Request::new().rates(&[("api", 1)]);
    assert_eq!(gate.check(&token, &rates, at(1)).code(), Code::RateLimited, "all five are the parent's");
}

/// A licence of one lineage with a rate.
fn rated(count: u64, per_ms: u64, burst: u64) -> String {
    licence(|draft| {
        draft.lineage = Some([7; 16].into());
        let rate = licentia_issuer::Rate { count, per_ms, burst: Some(burst) };
        draft.grant.rates.insert("api".into(), rate);
    })
}

/// Gates that count alone, and on each kind of store that shares rates.
fn gates(folder: &tempfile::TempDir, server: Option<&Server>) -> Vec<Gate> {
    let url = format!("sqlite:{}", folder.path().join("usage.db").display());
    let mut stores = vec![Arc::new(Memory::new()) as Arc<dyn Store>, store::open(&url).unwrap()];
    stores.extend(server.map(|server| store::open(&server.url()).unwrap()));
    std::iter::once(builder().build().unwrap()).chain(stores.into_iter().map(sharing)).collect()
}

/// Greatest number of a licence.
const MOST: u64 = (1 << 53) - 1;

#[test]
fn a_burst_that_takes_centuries_to_come_back_is_granted_once() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::start());
    for (per_ms, burst) in [(86_400_000, 250_000), (MOST, 1 << 20), (86_400_000, MOST), (MOST, MOST)] {
        // A lineage has one state of a name, so that each rate needs a store of its own.
        let token = licence(|draft| {
            draft.id = Some([u8::try_from(burst % 251).unwrap(); 16].into());
            let rate = licentia_issuer::Rate { count: 1, per_ms, burst: Some(burst) };
            draft.grant.rates.insert(format!("of-{per_ms}"), rate);
        });
        let name = format!("of-{per_ms}");
        for (place, gate) in gates(&folder, server.as_ref()).into_iter().enumerate() {
            let check = |cost| {
                let rates = [(&*name, cost)];
                let decision = gate.check(&token, &Request::new().rates(&rates), real());
                (decision.code(), decision.rate(&name).unwrap().remaining)
            };
            let said = [burst - 1, 2, 1, 1, burst + 1, u64::MAX].map(check);
            let expected = [(Code::Allowed, 1), (Code::RateLimited, 1), (Code::Allowed, 0)];
            assert_eq!(said[..3], expected, "{place}: {per_ms} {burst}");
            assert_eq!(said[3..], [(Code::RateLimited, 0); 3], "{place}: {per_ms} {burst}");
        }
    }
}

#[test]
fn after_an_upgrade_of_a_used_up_rate_nobody_waits_longer_than_a_burst() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::start());
    let (slow, fast) = (rated(10, 86_400_000, 10), rated(1000, 1000, 100));
    for (place, gate) in gates(&folder, server.as_ref()).into_iter().enumerate() {
        let request = Request::new().rates(&[("api", 1)]);
        while gate.check(&slow, &request, real()).is_allowed() {}
        let first = gate.check(&fast, &request, real());
        assert_eq!(first.code(), Code::RateLimited, "{place}");
        std::thread::sleep(Duration::from_millis(first.retry_after_ms().unwrap() + 1));
        assert!(gate.check(&fast, &request, real()).is_allowed(), "{place}: as Retry-After has said");
        std::thread::sleep(Duration::from_millis(250));
        let allowed = (0..90).filter(|_| gate.check(&fast, &request, real()).is_allowed()).count();
        assert_eq!(allowed, 90, "{place}: a burst has come back");
    }
}

/// A slice holds less than 2^24 units, and the time in it is kept in fewer than 64 bits: neither bounds a request.
#[test]
fn a_cost_above_what_a_slice_holds_is_granted_or_refused_whole() {
    const BURST: u64 = 1 << 26;
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::start());
    // A unit comes back in a minute.
    let token = rated(1, 60_000, BURST);
    for (place, gate) in gates(&folder, server.as_ref()).into_iter().enumerate() {
        let mut left = BURST;
        let check = |cost| {
            let rates = [("api", cost)];
            let decision = gate.check(&token, &Request::new().rates(&rates), real());
            let charge = *decision.rate("api").unwrap();
            (decision.code(), charge.remaining, charge.retry_after_ms)
        };
        for cost in [1, (1 << 24) - 1, 1 << 24, (1 << 24) + 1] {
            left -= cost;
            assert_eq!(check(cost), (Code::Allowed, left, None), "{place}: {cost}");
        }
        for cost in [left + 1, BURST] {
            let (code, remaining, retry_after) = check(cost);
            assert_eq!((code, remaining), (Code::RateLimited, left), "{place}: {cost} burns nothing");
            // Some time has passed.
            let minutes = (cost - left) * 60_000;
            assert!((minutes - 60_000..=minutes).contains(&retry_after.unwrap()), "{place}: {retry_after:?}");
        }
        for cost in [BURST + 1, u64::MAX] {
            assert_eq!(check(cost), (Code::RateLimited, left, None), "{place}: {cost} never comes");
        }
        assert_eq!(check(left), (Code::Allowed, 0, None), "{place}: all of it was still there");
        assert_eq!(check(1).0, Code::RateLimited, "{place}");
    }
}

/// Seconds since 1970 as a monotonic clock, the last moments of 64 bits, and where the time of a slice wraps.
#[test]
fn a_burst_is_granted_once_at_every_time() {
    let wrap = (1 << 40) * 1_000_000;
    let token = rated(1, 3_600_000, 5);
    let nows = [Now::from(NOW), Now::from(u64::from(u32::MAX)), Now::from(u64::MAX)];
    let monotonic = [0, 1, wrap - 1, wrap, wrap + 1, u64::MAX - 1];
    let nows = nows.into_iter().chain(monotonic.map(|monotonic_nanos| Now { time: NOW, monotonic_nanos }));
    for now in nows {
        let now = Now { time: NOW, ..now };
        let (folder, server) = (tempfile::tempdir().unwrap(), None);
        for (place, gate) in gates(&folder, server).into_iter().enumerate() {
            let check = |cost| gate.check(&token, &Request::new().rates(&[("api", cost)]), now).code();
            let said = [2, 6, 3, 1].map(check);
            let expected = [Code::Allowed, Code::RateLimited, Code::Allowed, Code::RateLimited];
            assert_eq!(said, expected, "{place}: {now:?}");
        }
    }
}

#[test]
fn the_wait_of_a_slow_token_is_not_that_of_a_fast_one() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::start());
    let (slow, fast) = (rated(10, 86_400_000, 10), rated(1000, 1000, 100));
    for (place, gate) in gates(&folder, server.as_ref()).into_iter().enumerate() {
        let request = Request::new().rates(&[("api", 1)]);
        for round in 0..5 {
            let refused = loop {
                let decision = gate.check(&slow, &request, real());
                if !decision.is_allowed() {
                    break decision;
                }
            };
            // Later the state is that of the fast one, which leaves the slow one all but a burst of it.
            let wait = refused.retry_after_ms().unwrap();
            assert!(wait > if round == 0 { 60_000 } else { 0 }, "{place}, {round}: {wait}");
            let first = gate.check(&fast, &request, real());
            if let Some(wait) = first.retry_after_ms() {
                assert!(wait <= 100, "{place}, {round}: at most a burst's: {wait}");
                std::thread::sleep(Duration::from_millis(wait + 1));
                assert!(gate.check(&fast, &request, real()).is_allowed(), "{place}, {round}");
            }
        }
    }
}

#[test]
fn the_script_gives_what_the_algebra_gives() {
    let Some(server) = Server::start() else { return };
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let script = script_with_a_clock();
    let mut random = fastrand::Rng::with_seed(16);
    let number = |random: &mut fastrand::Rng| 1 + (random.u64(..) >> random.u32(11..64)) % MOST;
    for round in 0..800 {
        let rate = Rate {
            name: "api",
            count: number(&mut random),
            per_ms: number(&mut random),
            burst: number(&mut random),
        };
        let gcra = Gcra::new(&rate);
        let micros = 1_800_000_000_000_000 + random.u64(..1 << 50);
        // Unused, of any time, about as far ahead as the rate can bring it, and further.
        let tolerance = gcra.tolerance();
        let tat = match random.u8(..5) {
            0 => 0,
            1 => u128::from(random.u64(..)),
            2 => u128::from(micros) * 1000 + random.u128(..=tolerance),
            3 => u128::from(micros) * 1000 + tolerance.saturating_sub(random.u64(..3).into()),
            _ => u128::from(micros) * 1000 + random.u128(..1 << 126),
        };
        let key = format!("rate:{round}");
        if tat > 0 {
            let value = format!("{} {}", tat / 1_000_000_000, tat % 1_000_000_000);
            redis::cmd("SET").arg(&key).arg(value).query::<()>(&mut connection).unwrap();
        }
        let near = |random: &mut fastrand::Rng| match random.u8(..3) {
            0 => random.u64(..4),
            1 => (rate.burst + random.u64(..3)).saturating_sub(random.u64(..3)).min(MOST),
            _ => number(random),
        };
        let (need, want) = (near(&mut random), near(&mut random));
        let (units, remaining, reset, after): (u64, u64, String, String) = script
            .key(&key)
            .key("none before")
            .arg(gcra.interval().to_string())
            .arg(rate.burst)
            .arg(need)
            .arg(want)
            .arg(micros / 1_000_000)
            .arg(micros % 1_000_000)
            .invoke(&mut connection)
            .unwrap();
        let nanos = |text: &str| text.parse().unwrap_or(u64::MAX);
        let kept: Option<String> = redis::cmd("GET").arg(&key).query(&mut connection).unwrap();
        let kept = kept.map_or(0, |kept| {
            let (seconds, nanos) = kept.split_once(' ').unwrap();
            seconds.parse::<u128>().unwrap() * 1_000_000_000 + nanos.parse::<u128>().unwrap()
        });
        let said = RateTaken {
            units,
            remaining,
            reset: nanos(&reset),
            retry_after: (after != "-1").then(|| nanos(&after)),
        };
        let expected = gcra.take(Tat::from_nanos(tat), micros * 1000, need, want);
        assert_eq!((Tat::from_nanos(kept), said), expected, "{rate:?} {tat} {micros} {need} {want}");
    }
}

#[test]
fn the_script_gives_what_the_vectors_say() {
    let Some(server) = Server::start() else { return };
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let script = script_with_a_clock();
    let file: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/vectors/store.json")).unwrap();
    let groups = file["testGroups"].as_array().unwrap();
    let rates = groups.iter().find(|group| group["kind"] == "rate").unwrap();
    let mut ran = 0;
    for test in rates["tests"].as_array().unwrap() {
        let key = format!("vector:{}", test["tcId"]);
        for step in test["steps"].as_array().unwrap() {
            if step["do"] != "rate" {
                break; // a store takes no slice back
            }
            let number = |name: &str| step[name].as_u64().unwrap();
            let (count, per_ms, burst) = (number("count"), number("perMs"), number("burst"));
            let gcra = Gcra::new(&Rate { name: "api", count, per_ms, burst });
            let now: u64 = step["now"].as_str().unwrap().parse().unwrap();
            assert_eq!(now % 1000, 0, "a clock of microseconds");
            let (units, remaining, reset, after): (u64, u64, String, String) = script
                .key(&key)
                .key("none before")
                .arg(gcra.interval().to_string())
                .arg(burst)
                .arg(number("need"))
                .arg(number("want"))
                .arg(now / 1_000_000_000)
                .arg(now % 1_000_000_000 / 1000)
                .invoke(&mut connection)
                .unwrap();
            let shown = |text: &str| text.parse().unwrap_or(u64::MAX).to_string();
            let kept: Option<String> = redis::cmd("GET").arg(&key).query(&mut connection).unwrap();
            let tat = kept.map_or("0".to_owned(), |kept| {
                let digits =
                    kept.split_once(' ').map(|(seconds, nanos)| format!("{seconds}{nanos}")).unwrap();
                digits.trim_start_matches('0').to_owned()
            });
            let retry_after = (after != "-1").then(|| shown(&after));
            let said = serde_json::json!({
                "units": units, "remaining": remaining, "reset": shown(&reset), "retryAfter": retry_after, "tat": tat,
            });
            assert_eq!(said, step["expect"], "{} {}", test["tcId"], test["comment"]);
            ran += 1;
        }
    }
    assert!(ran > 300, "{ran}");
}

/// The script, with the server's time as its last two arguments: seconds and microseconds.
fn script_with_a_clock() -> redis::Script {
    let text = include_str!("../src/store/take_rate.lua");
    let clock = "redis.call('TIME')";
    assert_eq!(text.matches(clock).count(), 1);
    redis::Script::new(&text.replace(clock, "{ ARGV[5], ARGV[6] }"))
}
