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
use licentia::{Action, Code, Gate, Memory, Now, Request, Store, store};
use server::Server;

const RATE: u64 = 2000;
const BURST: u64 = 100;
/// How long the processes ask, in milliseconds.
const LONG: u64 = 2500;

fn token() -> String {
    licence(|draft| {
        draft.id = Some([7; 16]);
        let rate = licentia_issuer::Rate { count: RATE, per_ms: 1000, burst: Some(BURST) };
        draft.terms.rates.insert("api".into(), rate);
    })
}

fn sharing(store: Arc<dyn Store>) -> Gate {
    builder().store(store).share_rates(true).build().unwrap()
}

fn real() -> Now {
    Now { seconds: NOW, ..Now::system() }
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
            draft.id = Some([7; 16]);
            let rate = licentia_issuer::Rate { count: 1, per_ms: 3_600_000, burst: Some(50) };
            draft.terms.rates.insert("api".into(), rate);
        });
        let gates = [sharing(Arc::clone(&store)), sharing(Arc::clone(&store))];
        let check = |gate: usize, cost| {
            let rates = [("api", cost)];
            let decision = gates[gate].check(&token, &Request::new().rates(&rates), real());
            let charge = decision.charge("api").copied().unwrap();
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
        let token = licence(|draft| draft.terms.policy.store_unreachable = action);
        assert_eq!(gate.check(&token, &Request::new().rates(&[("api", 1)]), NOW).code(), code);
    }
}

#[test]
fn a_denied_request_gives_its_part_of_a_slice_back() {
    let gate = sharing(Arc::new(Memory::new()));
    let token = licence(|draft| {
        let rate = licentia_issuer::Rate { count: 1, per_ms: 3_600_000, burst: Some(5) };
        draft.terms.rates.insert("api".into(), rate);
    });
    let at = |millis: u64| Now { seconds: NOW, monotonic_nanos: millis * 1_000_000 };
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
        draft.terms.rates.insert("api".into(), rate);
    });
    let at = |millis: u64| Now { seconds: NOW, monotonic_nanos: millis * 1_000_000 };
    let both = Request::new().rates(&[("api", 5)]).meters(&[("mails", 6)]);
    assert_eq!(gate.check(&token, &both, at(0)).code(), Code::QuotaExceeded);
    gate.after_fork();
    let rates = Request::new().rates(&[("api", 1)]);
    assert_eq!(gate.check(&token, &rates, at(1)).code(), Code::RateLimited, "all five are the parent's");
}
