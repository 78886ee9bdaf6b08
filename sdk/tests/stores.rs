//! Every store keeps the same contract.

mod common;
#[path = "common/server.rs"]
mod server;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use common::{DAY, YEAR, builder, licence};
use licentia::{
    Action, Code, Request,
    store::{
        self, Cell, Finish, FinishPart, JobAsk, JobFinish, JobPart, Outcome, PartDone, SeatAsk, Store, Taken,
    },
};
use licentia_core::{AccountId, Window};
use server::Server;

/// The time in seconds, as stores have it.
const NOW: u64 = common::NOW.as_seconds();

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

/// Charges a job on one cell.
fn charge(
    store: &dyn Store,
    cell: &Cell<'_>,
    job: &str,
    held: bool,
    cost: u64,
    limit: u64,
) -> store::JobCharged {
    store.charge_job(&JobAsk { job, held, parts: vec![JobPart { cell: *cell, cost, limit }] }).unwrap()
}

/// The account of a lineage whose issuer is "abc".
fn account(lineage: u8) -> AccountId {
    AccountId::new("abc", [lineage; 16].into())
}

/// What keys begin with, with the first bytes of SHA-256 of "abc".
fn keys(lineage: u8) -> String {
    format!("licentia:ba7816bf8f01cfea:{{{}}}", format!("{lineage:02x}").repeat(16))
}

fn cell(meter: &str, start: u64, end: Option<u64>) -> Cell<'_> {
    Cell { account: account(7), meter, window: Window { start: start.into(), end: end.map(Into::into) } }
}

#[test]
fn units_are_taken_once_and_can_be_given_back() {
    let (stores, _folder, _server) = stores();
    for (name, store) in &stores {
        let day = cell("calls", NOW, Some(NOW + DAY));
        let take = |need, want| store.take(&day, need, want, 100).unwrap();
        assert_eq!(take(1, 1), Taken { units: 1, total: 1 }, "{name}");
        assert_eq!(take(1, 10), Taken { units: 10, total: 11 }, "{name}");
        assert_eq!(take(5, 1), Taken { units: 5, total: 16 }, "{name}: at least what is needed");
        assert_eq!(take(90, 90), Taken { units: 0, total: 16 }, "{name}: none where there are too few");
        assert_eq!(take(80, 200), Taken { units: 84, total: 100 }, "{name}: no more than there are");
        assert_eq!(take(1, 1), Taken { units: 0, total: 100 }, "{name}");
        assert_eq!(take(0, 0), Taken { units: 0, total: 100 }, "{name}: a look");
        store.give_back(&day, 3).unwrap();
        assert_eq!(take(1, 5), Taken { units: 3, total: 100 }, "{name}");
        let life = cell("calls", 0, None);
        assert_eq!(
            store.take(&life, 1, 1, u64::MAX).unwrap(),
            Taken { units: 1, total: 1 },
            "{name}: another period"
        );
        let other = Cell { account: account(8), ..day };
        assert_eq!(store.take(&other, 1, 1, 100).unwrap().total, 1, "{name}: another licence");
        assert_eq!(store.take(&cell("mails", NOW, Some(NOW + DAY)), 1, 1, 9).unwrap().total, 1, "{name}");
        let next = cell("calls", NOW + DAY, Some(NOW + 2 * DAY));
        assert_eq!(store.take(&next, 1, 1, 100).unwrap().total, 1, "{name}: the next period");
        assert_eq!(store.take(&life, 1, 1, u64::MAX).unwrap().total, 2, "{name}: a lifetime stays");
        let most = (1 << 53) - 1;
        let large = cell("bytes", NOW, Some(NOW + YEAR));
        assert_eq!(store.take(&large, most - 1, most - 1, most).unwrap().units, most - 1, "{name}");
        assert_eq!(
            store.take(&large, 1, 5, most).unwrap(),
            Taken { units: 1, total: most },
            "{name}: exact to the end"
        );
    }
}

/// Runs the vectors of counts, takers and jobs in a store.
fn run_vectors(name: &str, store: &dyn Store, kinds: &[&str]) -> usize {
    let file: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/vectors/store.json")).unwrap();
    let mut ran = 0;
    for group in file["testGroups"].as_array().unwrap() {
        if !kinds.contains(&group["kind"].as_str().unwrap()) {
            continue;
        }
        for test in group["tests"].as_array().unwrap() {
            // Each test starts with an empty store: a lineage of its own has none of the others' cells.
            let mut lineage = [1; 16];
            lineage[..8].copy_from_slice(&test["tcId"].as_u64().unwrap().to_be_bytes());
            for (place, step) in test["steps"].as_array().unwrap().iter().enumerate() {
                let account = AccountId::new("vectors", lineage.into());
                let said = run_step(store, account, step);
                assert_eq!(said, step["expect"], "{name}: {} step {place}: {step}", test["comment"]);
                ran += 1;
            }
        }
    }
    ran
}

fn run_step(store: &dyn Store, account: AccountId, step: &serde_json::Value) -> serde_json::Value {
    use serde_json::json;

    let number = |value: &serde_json::Value| value.as_u64().unwrap();
    let window = Window { start: NOW.into(), end: Some((NOW + DAY).into()) };
    let cell = |name: &'static str| Cell { account, meter: name, window };
    let named =
        |value: &serde_json::Value| -> &'static str { String::leak(value.as_str().unwrap().to_owned()) };
    let turn = |by: &serde_json::Value| {
        let mut taker = [0; 16];
        let text = by["taker"].as_str().unwrap().as_bytes();
        taker[..text.len()].copy_from_slice(text);
        store::Turn { taker: store::Taker::from_bytes(taker), sequence: number(&by["sequence"]) }
    };
    let total = |name| store.take(&cell(name), 0, 0, 0).unwrap().total;
    match step["do"].as_str().unwrap() {
        "take" => {
            let (need, want, limit) = (number(&step["need"]), number(&step["want"]), number(&step["limit"]));
            let cell = cell(named(&step["count"]));
            let Some(by) = step.get("by") else {
                let taken = store.take(&cell, need, want, limit).unwrap();
                return json!({ "units": taken.units, "total": taken.total });
            };
            let taken = store.take_in_turn(&cell, turn(by), need, want, limit).unwrap();
            // What it found is seen by what it did.
            json!({ "units": taken.units, "total": taken.total, "turn": step["expect"]["turn"] })
        }
        "giveBack" => {
            let (name, units) = (named(&step["count"]), number(&step["units"]));
            let before = total(name);
            match step.get("by") {
                Some(by) => store.give_back_in_turn(&cell(name), turn(by), units).unwrap(),
                None => store.give_back(&cell(name), units).unwrap(),
            }
            let mut said = json!({ "units": before - total(name), "total": total(name) });
            if step.get("by").is_some() {
                said["turn"] = step["expect"]["turn"].clone();
            }
            said
        }
        "resolve" => {
            let name = named(&step["count"]);
            let (units, turn) = match store.resolve(&cell(name), turn(&step["by"])).unwrap() {
                store::Became::New => (0, "new"),
                store::Became::Again(units) => (units, "again"),
                store::Became::Late => (0, "late"),
            };
            json!({ "units": units, "total": total(name), "turn": turn })
        }
        "charge" => {
            let part = |meter: &serde_json::Value| JobPart {
                cell: cell(named(&meter["count"])),
                cost: number(&meter["cost"]),
                limit: number(&meter["limit"]),
            };
            let parts: Vec<JobPart<'_>> = step["meters"].as_array().unwrap().iter().map(part).collect();
            let (job, held) = (step["job"].as_str().unwrap(), step["hold"].as_bool().unwrap());
            let said = store.charge_job(&JobAsk { job, held, parts }).unwrap();
            let (outcome, place) = match said.outcome {
                Outcome::Charged => ("charged", None),
                Outcome::Before => ("before", None),
                Outcome::Refused(place) => ("refused", Some(place)),
                Outcome::CostDiffers(place) => ("costDiffers", Some(place)),
            };
            let meter = |part: &store::PartCharged| {
                let mut meter = json!({ "total": part.total, "fresh": part.fresh });
                if let Some(attempt) = part.attempt {
                    meter["attempt"] = attempt.into();
                }
                meter
            };
            let mut answer =
                json!({ "outcome": outcome, "meters": said.parts.iter().map(meter).collect::<Vec<_>>() });
            if let Some(place) = place {
                answer["place"] = place.into();
            }
            answer
        }
        how @ ("commit" | "cancel" | "refund") => {
            let how = match how {
                "commit" => Finish::Commit,
                "cancel" => Finish::Cancel,
                _ => Finish::Refund,
            };
            let part = |meter: &serde_json::Value| FinishPart {
                cell: cell(named(&meter["count"])),
                attempt: number(&meter["attempt"]),
                units: meter["units"].as_u64().unwrap_or(0),
            };
            let parts: Vec<FinishPart<'_>> = step["meters"].as_array().unwrap().iter().map(part).collect();
            let job = step["job"].as_str().unwrap();
            let done = store.finish_job(&JobFinish { job, how, parts }).unwrap();
            let part = |part: &PartDone| json!({ "done": part.done, "total": part.total, "refunded": part.refunded });
            done.iter().map(part).collect()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn every_store_gives_what_the_vectors_say() {
    let (stores, _folder, _server) = stores();
    for (name, store) in &stores {
        // Memory loses no answer, and keeps no takers.
        let kinds: &[&str] = if *name == "memory" { &["quota", "job"] } else { &["quota", "taker", "job"] };
        let ran = run_vectors(name, &**store, kinds);
        assert!(ran > 100, "{name}: {ran}");
    }
}

#[test]
fn a_period_is_not_forgotten_when_another_one_begins() {
    let (stores, _folder, _server) = stores();
    for (name, store) in &stores {
        let day = |number: u64| cell("calls", NOW + number * DAY, Some(NOW + (number + 1) * DAY));
        let take = |number| store.take(&day(number), 1, 1, 10).unwrap().total;
        let job = |number, held| {
            let charged = charge(&**store, &day(number), "job", held, 1, 10);
            (charged.outcome, charged.parts[0].total)
        };
        assert_eq!((take(0), job(0, false)), (1, (Outcome::Charged, 2)), "{name}");
        assert_eq!(take(400), 1, "{name}: a clock that is far ahead");
        assert_eq!(take(1), 1, "{name}");
        assert_eq!((take(0), job(0, false)), (3, (Outcome::Before, 3)), "{name}: a worker that is late");
        store.forget(NOW + DAY - 1).unwrap();
        assert_eq!(take(0), 4, "{name}: it has not ended before that");
        store.forget(NOW + DAY).unwrap();
        if *name != "redis" {
            assert_eq!((take(0), job(0, false)), (1, (Outcome::Charged, 2)), "{name}: now it is forgotten");
        }
        assert_eq!((take(1), take(400)), (2, 2), "{name}");
        let life = cell("calls", 0, None);
        assert_eq!(store.take(&life, 1, 1, 10).unwrap().total, 1, "{name}");
        store.forget(u64::MAX >> 1).unwrap();
        assert_eq!(store.take(&life, 1, 1, 10).unwrap().total, 2, "{name}: a lifetime stays");
    }
}

#[test]
fn redis_keeps_a_cell_past_its_end_by_its_own_clock() {
    let Some(server) = Server::start() else { return };
    let store = store::open(&server.url()).unwrap();
    let real = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    // A client whose clock is years behind the server's, one that is right, and one that is ahead.
    for (meter, end) in [("past", 1000), ("present", real + 60), ("future", real + 400 * DAY)] {
        let cell = cell(meter, end - 100, Some(end));
        assert_eq!(store.take(&cell, 1, 1, 10).unwrap().total, 1);
        assert_eq!(store.take(&cell, 1, 1, 10).unwrap().total, 2, "{meter}: it is still there");
        let key = format!("{}:{meter}:{}:{end}", keys(7), end - 100);
        let left: i64 = redis::cmd("TTL").arg(&key).query(&mut connection).unwrap();
        let expected = end.saturating_sub(real) + 8 * DAY;
        assert!((left - i64::try_from(expected).unwrap()).abs() < 60, "{meter}: {left}, not {expected}");
    }
    let life = cell("calls", 0, None);
    store.take(&life, 1, 1, 10).unwrap();
    let key = format!("{}:calls:0:life", keys(7));
    let left: i64 = redis::cmd("TTL").arg(&key).query(&mut connection).unwrap();
    assert_eq!(left, -1, "a lifetime never ends");
}

#[test]
fn seats_are_held_for_their_time() {
    let (mut stores, _folder, _server) = stores();
    // A server goes by its own clock, which the next test waits for.
    stores.retain(|(name, _)| *name != "redis");
    for (name, store) in &stores {
        let take = |holder, ttl, limit, now| {
            let seats = store.take_seat(&SeatAsk { account: account(7), holder, ttl, limit, now }).unwrap();
            (seats.granted, seats.taken, seats.next_free)
        };
        assert_eq!(take("ada", 60, 2, NOW), (true, 1, Some(NOW + 60)), "{name}");
        assert_eq!(take("bob", 100, 2, NOW + 10), (true, 2, Some(NOW + 60)), "{name}");
        assert_eq!(take("eve", 60, 2, NOW + 59), (false, 2, Some(NOW + 60)), "{name}: full");
        assert_eq!(take("ada", 60, 2, NOW + 59), (true, 2, Some(NOW + 110)), "{name}: kept");
        assert_eq!(take("eve", 60, 2, NOW + 110), (true, 2, Some(NOW + 119)), "{name}: bob's time is over");
        assert_eq!(take("eve", 60, 1, NOW + 111), (false, 1, Some(NOW + 119)), "{name}: the limit has sunk");
        store.release_seat(&account(7), "ada").unwrap();
        store.release_seat(&account(7), "nobody").unwrap();
        assert_eq!(take("bob", 60, 1, NOW + 111), (true, 1, Some(NOW + 171)), "{name}");
        assert_eq!(
            take("eve", 60, 2, NOW - 500),
            (true, 2, Some(NOW - 440)),
            "{name}: a clock that was ahead"
        );
        assert_eq!(
            take("fay", 60, 2, NOW - 440),
            (true, 1, Some(NOW - 380)),
            "{name}: holds no seat for longer"
        );
        let other = SeatAsk { account: account(8), holder: "ada", ttl: 1, limit: 1, now: NOW };
        assert!(store.take_seat(&other).unwrap().granted, "{name}: another licence");
    }
}

#[test]
fn marks_are_replaced() {
    let (stores, _folder, _server) = stores();
    for (name, store) in &stores {
        assert_eq!(store.load("mark").unwrap(), None, "{name}");
        store.save("mark", &[0, 255, 10]).unwrap();
        store.save("mark", &[1]).unwrap();
        assert_eq!(store.load("mark").unwrap().as_deref(), Some(&[1][..]), "{name}");
    }
}

#[test]
fn marks_are_replaced_only_where_they_are_what_one_thinks() {
    let (stores, _folder, _server) = stores();
    for (name, store) in &stores {
        let replace = |before: Option<&[u8]>, value: &[u8]| store.replace("mark", before, value).unwrap();
        assert!(!replace(Some(b"1"), b"2"), "{name}: there is none");
        assert!(replace(None, &[0, 255]), "{name}");
        assert!(!replace(None, b"2"), "{name}: there is one");
        assert!(!replace(Some(&[0]), b"2"), "{name}: another one");
        assert!(replace(Some(&[0, 255]), b"2"), "{name}");
        assert_eq!(store.load("mark").unwrap().as_deref(), Some(&b"2"[..]), "{name}");
        // Many who raise it at once: none is lost.
        store.save("count", &0_u64.to_be_bytes()).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        while {
                            let before = store.load("count").unwrap().unwrap();
                            let count = u64::from_be_bytes(before[..].try_into().unwrap());
                            !store.replace("count", Some(&before), &(count + 1).to_be_bytes()).unwrap()
                        } {}
                    }
                });
            }
        });
        assert_eq!(store.load("count").unwrap().as_deref(), Some(&100_u64.to_be_bytes()[..]), "{name}");
    }
}

#[test]
fn a_file_of_the_first_version_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("data/usage-v1.sql")).unwrap();
    drop(old);
    let store = store::open(&format!("sqlite:{}", path.display())).unwrap();
    let day = cell("calls", NOW, Some(NOW + DAY));
    assert_eq!(store.take(&day, 0, 0, 100).unwrap().total, 42);
    let again = charge(&*store, &day, "old", true, 7, 100);
    assert_eq!((again.outcome, again.parts[0].total), (Outcome::Before, 42));
    let part = FinishPart { cell: day, attempt: again.parts[0].attempt.unwrap(), units: 0 };
    let cancel = JobFinish { job: "old", how: Finish::Cancel, parts: vec![part] };
    assert!(!store.finish_job(&cancel).unwrap()[0].done, "what was charged then is final");
    assert_eq!(store.load("keyset.seen").unwrap().as_deref(), Some(&b"seen"[..]));
    store.forget(NOW + DAY).unwrap();
    assert_eq!(store.take(&day, 0, 0, 100).unwrap().total, 0);
    let version: i64 = rusqlite::Connection::open(&path)
        .unwrap()
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, 6);
}

#[test]
fn rates_of_a_file_of_the_second_version_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("data/usage-v2.sql")).unwrap();
    // A burst of ten hours, of which three were used a moment ago.
    let tat = i64::try_from(nanos_now() + 3 * 3_600_000_000_000).unwrap();
    old.execute("INSERT INTO rate VALUES (?1, 'api', ?2)", rusqlite::params![[7_u8; 16], tat]).unwrap();
    drop(old);
    let store = store::open(&format!("sqlite:{}", path.display())).unwrap();
    let rate = licentia_core::Rate { name: "api", count: 1, per_ms: 3_600_000, burst: 10 };
    let gcra = licentia_core::metering::rate::Gcra::new(&rate);
    let ask = |need| store::RateAsk { account: account(7), name: "api", gcra, need, want: need };
    assert_eq!(store.take_rate(&ask(8)).unwrap().units, 0);
    assert_eq!(store.take_rate(&ask(7)).unwrap().units, 7);
}

#[test]
fn a_rate_that_is_whole_again_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.db");
    let store = store::open(&format!("sqlite:{}", path.display())).unwrap();
    let take = |name, per_ms| {
        let gcra = licentia_core::metering::rate::Gcra::new(&licentia_core::Rate {
            name,
            count: 1,
            per_ms,
            burst: 1,
        });
        store.take_rate(&store::RateAsk { account: account(7), name, gcra, need: 1, want: 1 }).unwrap().units
    };
    assert_eq!((take("fast", 1), take("slow", 3_600_000)), (1, 1));
    std::thread::sleep(std::time::Duration::from_millis(5));
    // A guard that is days ahead forgets nothing that has not passed by the machine's clock.
    store.forget(u64::try_from(nanos_now() / 1_000_000_000).unwrap() + 30 * DAY).unwrap();
    let file = rusqlite::Connection::open(&path).unwrap();
    let names: String = file.query_row("SELECT group_concat(name) FROM rate", [], |row| row.get(0)).unwrap();
    assert_eq!(names, "slow");
    assert_eq!(take("slow", 3_600_000), 0);
}

/// The machine's clock, in nanoseconds since 1970.
fn nanos_now() -> u128 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos()
}

#[test]
fn vendors_on_one_server_share_nothing_where_they_say_so() {
    let Some(server) = Server::start() else { return };
    let open = |query: &str| store::open(&format!("{}{query}", server.url())).unwrap();
    let (one, other, again) = (open("?prefix=acme"), open("?prefix=zeta:prod"), open("?prefix=acme"));
    one.save("keyset.seen", b"1").unwrap();
    assert_eq!(other.load("keyset.seen").unwrap(), None);
    assert_eq!(again.load("keyset.seen").unwrap().as_deref(), Some(&b"1"[..]));
    let day = cell("calls", NOW, Some(NOW + DAY));
    assert_eq!([&one, &other, &again].map(|store| store.take(&day, 1, 1, 9).unwrap().total), [1, 1, 2]);
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let mut keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
    keys.sort();
    assert!(keys.iter().all(|key| key.starts_with("acme:") || key.starts_with("zeta:prod:")), "{keys:?}");
}

#[test]
fn units_are_granted_only_where_as_many_replicas_have_them_as_are_asked_for() {
    let Some(server) = Server::start() else { return };
    let day = cell("calls", NOW, Some(NOW + DAY));
    let lonely = store::open(&format!("{}?wait=1&wait_ms=20", server.url())).unwrap();
    let error = lonely.take(&day, 1, 1, 9).unwrap_err().to_string();
    assert!(error.contains("replicas"), "{error}");
    let replica = server.replica().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while lonely.take(&day, 1, 1, 9_000).is_err() {
        assert!(Instant::now() < deadline, "the replica follows");
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(replica);
}

#[test]
fn threads_and_gates_never_exceed_a_limit_and_reach_it() {
    let (stores, _folder, _server) = stores();
    let token = licence(|draft| {
        draft.grant.quotas.insert("calls".into(), "5000/day".parse().unwrap());
    });
    for (name, store) in &stores {
        let granted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        // A gate each, as processes have.
                        let gate = builder().store(Arc::clone(store)).build().unwrap();
                        let request = Request::new().meters(&[("calls", 1)]);
                        let mut time = 0;
                        let mut charge = || {
                            time += 1_000_000;
                            let now = licentia::Now { time: common::NOW, monotonic_nanos: time };
                            gate.check(&token, &request, now).is_allowed()
                        };
                        (0..3_000).filter(|_| charge()).count()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert!(granted <= 5000, "{name}: {granted}");
        // What the four had left over is there again.
        let gate = builder().store(Arc::clone(store)).build().unwrap();
        let rest = (0..6_000)
            .filter(|_| gate.check(&token, &Request::new().meters(&[("calls", 1)]), NOW).is_allowed());
        assert_eq!(granted + rest.count(), 5000, "{name}: all of it can be used");
    }
}

#[test]
fn urls_that_name_no_store_say_what_is_wrong() {
    let code = |url: &str| store::open(url).map(|_| ()).map_err(|error| (error.code(), error.to_string()));
    for url in ["", "memory", "memory:x", "mysql://user:secret@host/", "SQLITE:x"] {
        let (found, text) = code(url).unwrap_err();
        assert_eq!(found, Code::InvalidArgument, "{url}");
        assert!(text.contains("`memory:`, `sqlite:PATH`, `redis:") && !text.contains("secret"), "{text}");
    }
    for (url, why) in [
        ("sqlite:", "path of a file"),
        ("sqlite:///", "path of a file"),
        ("sqlite::memory:", "path of a file"),
        ("sqlite://usage.db", "`sqlite:usage.db` or `sqlite:///usage.db`"),
        ("sqlite://", "`sqlite:usage.db` or `sqlite:///usage.db`"),
        ("redis://localhost/?prefix=a{b}", "prefix"),
        ("redis://localhost/?wait=x", "wait"),
        ("redis://localhost/?wait=1&wait_ms=1000", "timeout_ms"),
    ] {
        let (found, text) = code(url).unwrap_err();
        assert_eq!(found, Code::InvalidArgument, "{url}");
        assert!(text.contains(why), "{text}");
    }
    for path in ["", ":memory:"] {
        assert!(licentia::store::Sqlite::open(path).is_err());
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    assert_eq!(code(&at("no/folder/usage.db")).unwrap_err().0, Code::StoreUnreachable);
    std::fs::write(folder.path().join("noise.db"), [7; 5000]).unwrap();
    let (found, text) = code(&at("noise.db")).unwrap_err();
    assert_eq!(found, Code::StoreUnreachable);
    assert!(text.contains("not a database"), "{text}");
    rusqlite::Connection::open(folder.path().join("new.db"))
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    assert!(code(&at("new.db")).unwrap_err().1.contains("newer version"));
    let (found, text) = code("redis://:secret@127.0.0.1:1/").unwrap_err();
    assert_eq!(found, Code::StoreUnreachable);
    assert!(!text.contains("secret"), "{text}");
    for url in [at("a.db"), at("b.db").replace("sqlite:", "sqlite:///")] {
        assert_eq!(code(&url), Ok(()), "both ways to write it");
    }
    assert!(folder.path().join("b.db").exists());
    // A name is a name, and no option.
    let odd = format!("sqlite:{}", folder.path().join("file:x.db?mode=memory").display());
    assert_eq!(code(&odd), Ok(()));
    assert!(folder.path().join("file:x.db?mode=memory").exists());
    // Who opens it later hears of it later.
    for url in [at("no/folder/usage.db"), "valkey://127.0.0.1:1/".to_owned()] {
        assert!(store::open_lazily(&url).unwrap().load("mark").is_err());
    }
}

#[test]
fn a_file_that_is_deleted_or_a_server_that_restarts_is_found_again() {
    let token = licence(|draft| draft.grant.policy.store_unreachable = Action::Deny);
    let request = Request::new().meters(&[("calls", 1)]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.db");
    let gate = builder().store(store::open(&format!("sqlite:{}", path.display())).unwrap()).build().unwrap();
    let check = || gate.check(&token, &request, NOW).code();
    assert_eq!(check(), Code::Allowed);
    for name in ["usage.db", "usage.db-wal", "usage.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(name));
    }
    // The database is made anew; what this gate has used is used.
    let allowed = (0..200).filter(|_| check() == Code::Allowed).count();
    assert!((99..=101).contains(&allowed), "{allowed}");
    assert!(path.exists());

    let Some(mut server) = Server::start() else { return };
    let gate = builder().store(store::open(&server.url()).unwrap()).build().unwrap();
    let check = || gate.check(&token, &request, NOW).code();
    assert_eq!(check(), Code::Allowed);
    server.kill();
    assert_eq!(check(), Code::StoreUnreachable);
    assert_eq!(check(), Code::StoreUnreachable);
    server.restart();
    let deadline = Instant::now() + Duration::from_secs(10);
    while check() != Code::Allowed {
        assert!(Instant::now() < deadline, "it recovers by itself");
        std::thread::sleep(Duration::from_millis(10));
    }
    let rest = (0..200).filter(|_| check() == Code::Allowed).count();
    assert_eq!(rest, 98, "what was taken before the power cut is still taken");
}

#[test]
fn seats_in_redis_go_by_the_servers_clock() {
    let Some(server) = Server::start() else { return };
    let store = store::open(&server.url()).unwrap();
    let take = |holder, ttl, limit, now| {
        let seats = store.take_seat(&SeatAsk { account: account(7), holder, ttl, limit, now }).unwrap();
        (seats.granted, seats.taken, seats.next_free)
    };
    // Whatever the clocks of those who ask show.
    assert_eq!(take("ada", 600, 2, 5), (true, 1, Some(605)));
    assert_eq!(take("bob", 1, 2, NOW + 999 * DAY), (true, 2, Some(NOW + 999 * DAY + 1)));
    let (granted, taken, free) = take("eve", 600, 2, NOW);
    assert!(!granted && taken == 2 && free <= Some(NOW + 1), "{free:?}");
    std::thread::sleep(Duration::from_millis(1100));
    assert!(take("eve", 600, 2, 0).0, "bob's time is over");
    assert!(take("eve", 600, 2, 0).0, "a heartbeat");
    assert!(!take("eve", 600, 1, 0).0, "the limit has sunk");
    store.release_seat(&account(7), "ada").unwrap();
    store.release_seat(&account(7), "nobody").unwrap();
    assert_eq!(take("bob", 600, 1, 0).1, 1);
    assert!(
        store
            .take_seat(&SeatAsk { account: account(8), holder: "ada", ttl: 1, limit: 1, now: 0 })
            .unwrap()
            .granted
    );
    // What the core's vectors say of a clock that was ahead: a minute for ada, by a clock that is set back by an hour.
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let (seats, real) = (format!("{}:seats", keys(9)), nanos_now() / 1_000_000_000);
    let ends = u64::try_from(real).unwrap() + 3660;
    redis::cmd("SET")
        .arg(format!("{seats}/clock"))
        .arg(format!("{} 0", real + 3600))
        .exec(&mut connection)
        .unwrap();
    redis::cmd("ZADD").arg(&seats).arg(ends).arg("ada").exec(&mut connection).unwrap();
    let ask = SeatAsk { account: account(9), holder: "bob", ttl: 60, limit: 1, now: NOW };
    let free = store.take_seat(&ask).unwrap().next_free.unwrap();
    assert!((NOW + 55..=NOW + 60).contains(&free), "{}", free - NOW);
}

#[test]
fn a_heartbeat_does_not_look_at_all_seats() {
    let Some(server) = Server::start() else { return };
    let store = store::open(&server.url()).unwrap();
    let beat = |account| {
        let ask = SeatAsk { account, holder: "ada", ttl: 600, limit: 1_000_000, now: NOW };
        let time = || {
            let started = Instant::now();
            assert!(store.take_seat(&ask).unwrap().granted);
            started.elapsed()
        };
        (0..50).map(|_| time()).min().unwrap()
    };
    let few = beat(account(1));
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let mut fill = redis::cmd("ZADD");
    fill.arg(format!("{}:seats", keys(2)));
    for holder in 0..10_000 {
        fill.arg(1_u64 << 40).arg(format!("holder-{holder}"));
    }
    fill.exec(&mut connection).unwrap();
    let many = beat(account(2));
    assert!(many < 4 * few + Duration::from_millis(1), "{few:?} with one seat, {many:?} with 10,000");
}

#[test]
fn a_name_is_remembered_once_until_its_time() {
    let (stores, _folder, _server) = stores();
    for (name, store) in &stores {
        assert!(store.remember("proof:a", NOW + 1, NOW).unwrap(), "{name}");
        assert!(!store.remember("proof:a", NOW + 1, NOW).unwrap(), "{name}");
        assert!(store.remember("proof:b", NOW + 600, NOW).unwrap(), "{name}");
        std::thread::sleep(Duration::from_millis(1200));
        assert!(store.remember("proof:a", NOW + 2, NOW + 1).unwrap(), "{name}: its time is over");
        assert!(!store.remember("proof:b", NOW + 600, NOW + 1).unwrap(), "{name}");
        // Of many who ask at once one is the first.
        let first = std::thread::scope(|scope| {
            let ask = || scope.spawn(|| usize::from(store.remember("proof:c", NOW + 9, NOW).unwrap()));
            let threads: Vec<_> = (0..8).map(|_| ask()).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!(first, 1, "{name}");
    }
}

#[test]
fn seats_names_and_the_jobs_of_a_lifetime_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.db");
    let store = store::open(&format!("sqlite:{}", path.display())).unwrap();
    let file = rusqlite::Connection::open(&path).unwrap();
    let rows = |table: &str| -> u64 {
        file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0))
            .unwrap()
            .cast_unsigned()
    };
    let real = u64::try_from(nanos_now() / 1_000_000_000).unwrap();
    let life = cell("calls", 0, None);
    charge(&*store, &life, "old", false, 4, 10);
    charge(&*store, &life, "held", true, 1, 10);
    for (holder, now) in [("gone", real - 100), ("here", real)] {
        let ask = SeatAsk { account: account(1), holder, ttl: 90, limit: 9, now };
        assert!(store.take_seat(&ask).unwrap().granted);
    }
    assert!(
        store.remember("proof:a", real - 1, real - 9).unwrap()
            && store.remember("proof:b", real + 99, real).unwrap()
    );
    store.save("proofs", b"kept").unwrap();
    file.execute_batch("UPDATE job SET used_at = used_at - 30 * 86400").unwrap();
    store.forget(real).unwrap();
    assert_eq!((rows("job"), rows("mark")), (2, 2), "30 days after their last use they are there");
    let holders: String =
        file.query_row("SELECT group_concat(holder) FROM seat", [], |row| row.get(0)).unwrap();
    assert_eq!(holders, "here");
    file.execute_batch("UPDATE job SET used_at = used_at - 2 * 86400").unwrap();
    store.forget(real).unwrap();
    assert_eq!((rows("job"), store.take(&life, 0, 0, 10).unwrap().total), (0, 5), "what was counted stays");

    let Some(server) = Server::start() else { return };
    let store = store::open(&server.url()).unwrap();
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    charge(&*store, &life, "old", false, 4, 10);
    charge(&*store, &life, "new", false, 1, 10);
    let key = format!("{}:calls:0:life", keys(7));
    redis::cmd("ZADD")
        .arg(format!("{key}/used"))
        .arg(real - 32 * DAY)
        .arg("job:old")
        .exec(&mut connection)
        .unwrap();
    charge(&*store, &life, "new", false, 1, 10);
    let fields: Vec<String> = redis::cmd("HKEYS").arg(&key).query(&mut connection).unwrap();
    assert!(fields.contains(&"job:new".to_owned()) && !fields.contains(&"job:old".to_owned()), "{fields:?}");
    assert_eq!(store.take(&life, 0, 0, 10).unwrap().total, 5, "what was counted stays");
}

#[test]
fn a_proof_that_was_used_at_one_replica_is_refused_at_another() {
    use licentia::{HolderKey, Proof};
    let (stores, _folder, _server) = stores();
    let holder = HolderKey::from_seed(&[33; 32]);
    let token = licence(|draft| {
        draft.holder = Some(licentia_issuer::Confirmation::Key(holder.public()));
    });
    let uri = "https://api.acme.example/export";
    for (name, store) in &stores {
        let replica = |shared| builder().store(Arc::clone(store)).share_proofs(shared).build().unwrap();
        let ask = |gate: &licentia::Gate, bytes: &[u8]| {
            let request = Request::new().proof(Proof { bytes, method: "GET", uri, body: None });
            gate.check(&token, &request, NOW).code()
        };
        let proof = holder.prove(&token, "GET", uri, None, NOW).unwrap();
        let (one, two, alone) = (replica(true), replica(true), replica(false));
        assert_eq!(ask(&one, &proof), Code::Allowed, "{name}");
        assert_eq!(
            (ask(&one, &proof), ask(&two, &proof)),
            (Code::ProofReplayed, Code::ProofReplayed),
            "{name}"
        );
        assert_eq!(ask(&alone, &proof), Code::Allowed, "{name}: by default each remembers its own");
        let fresh = holder.prove(&token, "GET", uri, None, NOW).unwrap();
        assert_eq!(ask(&two, &fresh), Code::Allowed, "{name}");
    }
    // While the store is out of reach nobody knows whether a proof was used.
    let gone = store::open_lazily("redis://127.0.0.1:1/").unwrap();
    let gate = builder().store(gone).share_proofs(true).build().unwrap();
    let bytes = holder.prove(&token, "GET", uri, None, NOW).unwrap();
    let request = Request::new().proof(Proof { bytes: &bytes, method: "GET", uri, body: None });
    assert_eq!(gate.check(&token, &request, NOW).code(), Code::StoreUnreachable);
}

/// Adds up what it is told of refunds.
#[derive(Default)]
struct Refunds(std::sync::Mutex<Vec<(String, String, u64)>>);

impl licentia::event::Sink for Refunds {
    fn record(&self, _: &licentia::event::Event<'_, '_>) {}
    fn refunded(&self, refunded: &licentia::event::Used<'_>) {
        let told = (refunded.issuer.to_owned(), refunded.meter.to_owned(), refunded.units);
        self.0.lock().unwrap().push(told);
    }
}

#[test]
fn what_a_job_was_charged_is_refunded_once() {
    let (stores, _folder, _server) = stores();
    let token = licence(|_| ());
    for (name, store) in &stores {
        let told = Arc::new(Refunds::default());
        let gate = builder().store(Arc::clone(store)).sink(told.clone()).build().unwrap();
        let meters = [("calls", 7), ("mails", 2)];
        let job = Request::new().meters(&meters).job("render-1");
        let left = || {
            let look = Request::new().meters(&[("calls", 0), ("mails", 0)]);
            // Another gate looks anew.
            let gate = builder().store(Arc::clone(store)).build().unwrap();
            let decision = gate.check(&token, &look, NOW);
            ["calls", "mails"].map(|meter| decision.quota(meter).unwrap().remaining)
        };
        let refund = |meters: &[(&str, u64)]| gate.refund(&token, "render-1", meters, NOW, NOW + 5);
        assert_eq!(refund(&[("calls", 7)]), Ok(vec![0]), "{name}: nothing is charged");
        assert!(gate.check(&token, &job, NOW).is_allowed(), "{name}");
        assert_eq!(left(), [93, 3], "{name}");
        assert_eq!(refund(&[("calls", 3)]), Ok(vec![3]), "{name}");
        assert_eq!(refund(&[("calls", 3)]), Ok(vec![0]), "{name}: asked again");
        assert_eq!(left(), [96, 3], "{name}");
        assert_eq!(
            refund(&[("calls", 100), ("mails", 2)]),
            Ok(vec![4, 2]),
            "{name}: at most what was charged"
        );
        assert_eq!(left(), [100, 5], "{name}");
        assert_eq!(refund(&[("calls", 100), ("mails", 2)]), Ok(vec![0, 0]), "{name}");
        let sum: u64 = told.0.lock().unwrap().iter().map(|(_, _, units)| units).sum();
        assert_eq!((sum, told.0.lock().unwrap()[0].0.as_str()), (9, "acme"), "{name}");
        // It may be charged again, and that is another attempt.
        assert_eq!(gate.check(&token, &job, NOW).quota("calls").unwrap().charged, 7, "{name}");
        assert_eq!(refund(&[("calls", 1)]), Ok(vec![1]), "{name}");
        // In the next period it was never charged; and a licence that has ended can be refunded.
        assert_eq!(gate.refund(&token, "render-1", &[("calls", 1)], NOW + DAY, NOW), Ok(vec![0]), "{name}");
        assert_eq!(
            gate.refund(&token, "render-1", &[("mails", 2)], NOW, NOW + 9 * YEAR),
            Ok(vec![2]),
            "{name}"
        );
        assert_eq!(refund(&[("none", 1)]), Err(Code::MeterNotLicensed), "{name}");
        assert_eq!(refund(&[]), Err(Code::InvalidArgument), "{name}");
        let code = gate.refund("lic1_AAAA", "render-1", &[("calls", 1)], NOW, NOW).unwrap_err();
        assert_eq!(code, Code::MalformedFrame, "{name}");
    }
}

#[test]
fn a_user_who_may_not_run_what_is_needed_is_told_at_open() {
    let Some(server) = Server::start() else { return };
    let user = |name: &str, rules: &[&str]| {
        server.tell(&[&["ACL", "SETUSER", name, "on", ">secret", "~licentia:*"], rules].concat());
        let url = format!("{}?user={name}&pass=secret", server.url());
        store::open(&url).map(|_| ()).map_err(|error| error.to_string())
    };
    let error = user("partly", &["+@read", "+@write", "+@scripting", "+@connection"]).unwrap_err();
    assert!(error.contains("TIME") && !error.contains("HSET") && !error.contains("secret"), "{error}");
    let listed = "+ping +select +wait +time +eval +evalsha +get +set +exists +copy +hget +hmget +hgetall +hset \
        +hincrby +hdel +expire +expireat +zadd +zcard +zrange +zrangebyscore +zrem +zremrangebyscore +zscore";
    let listed: Vec<&str> = listed.split_whitespace().collect();
    assert_eq!(user("listed", &listed), Ok(()));
    // What the scripts run is listed, and looked for.
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store")).unwrap();
    let scripts = folder
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "lua"));
    let check = include_str!("../src/store/open_check.lua");
    let mut commands = std::collections::BTreeSet::new();
    for path in scripts {
        let text = std::fs::read_to_string(path).unwrap();
        let names = text.split("redis.call('").skip(1).filter_map(|rest| rest.split('\'').next());
        commands.extend(names.map(str::to_owned));
    }
    assert!(commands.len() > 15, "{commands:?}");
    for command in &commands {
        assert!(listed.contains(&&*format!("+{}", command.to_lowercase())), "{command} is listed");
        assert!(check.contains(&format!("try('{command}'")), "{command} is looked for");
    }
    let document = include_str!("../../docs/metering.md");
    assert!(document.contains(&listed.join(" ")), "the list is documented");
}

#[test]
fn a_server_that_evicts_counters_is_noticed() {
    let Some(server) = Server::start() else { return };
    assert!(!store::Redis::open(&server.url()).unwrap().evicts());
    server.tell(&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]);
    assert!(store::Redis::open(&server.url()).unwrap().evicts());
}

#[test]
fn a_hundred_gates_use_up_a_quota_before_one_is_denied() {
    let Some(server) = Server::start() else { return };
    let token = licence(|draft| {
        draft.grant.quotas.insert("calls".into(), "1000/day".parse().unwrap());
    });
    let store = store::open(&server.url()).unwrap();
    // As processes are by default: each fetches ahead, and gives back what it does not use.
    let gates: Vec<_> =
        (0..100).map(|_| builder().store(Arc::clone(&store)).cache_capacity(4).build().unwrap()).collect();
    let request = Request::new().meters(&[("calls", 1)]);
    let mut random = fastrand::Rng::with_seed(7);
    let begun = Instant::now();
    let mut used = 0;
    loop {
        // A hundred requests a second, each to any of them.
        let due = begun + Duration::from_millis(10) * used;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let now = licentia::Now { time: NOW.into(), ..licentia::Now::system() };
        if !gates[random.usize(..100)].check(&token, &request, now).is_allowed() {
            break;
        }
        used += 1;
    }
    println!("{used} of 1,000 units were used before the first denial");
    assert!(used >= 990, "{used}");
}
