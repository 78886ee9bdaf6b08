//! Who is counted is an issuer's lineage: no key of one issuer reaches the counters of another's customers.

mod common;
#[path = "common/server.rs"]
mod server;

use std::sync::Arc;

use common::{DAY, NOW, draft, key};
use licentia::{
    Code, Gate, GateBuilder, Request, Seat,
    store::{self, Cell, Finish, FinishPart, JobAsk, JobFinish, JobPart, Outcome, RateAsk, SeatAsk, Store},
};
use licentia_core::{AccountId, Rate, Window, metering::rate::Gcra};
use licentia_issuer::Issuer;
use server::Server;

const LINEAGE: [u8; 16] = [7; 16];

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

/// A licence of the same lineage, by an issuer with a key of its own.
fn licence(issuer: &str, seed: u8) -> String {
    let mut draft = draft();
    draft.lineage = Some(LINEAGE.into());
    draft.grant.seats = Some(1);
    draft.grant.quotas.insert("calls".into(), "10/day".parse().unwrap());
    draft.grant.rates.insert("api".into(), "5/1h".parse().unwrap());
    Issuer::new(issuer, key(seed)).issue(&draft).unwrap().text()
}

fn both(store: &Arc<dyn Store>) -> GateBuilder {
    GateBuilder::new().key(key(1).public()).key(key(2).public()).store(Arc::clone(store))
}

fn allowed(gate: &Gate, token: &str, request: &Request<'static>) -> usize {
    (0..20).filter(|_| gate.check(token, request, NOW).is_allowed()).count()
}

#[test]
fn another_issuers_key_touches_no_quota_rate_or_seat_of_a_lineage() {
    let (acme, reseller) = (licence("acme", 1), licence("reseller", 2));
    let (stores, _folder, _server) = stores();
    for (name, store) in &stores {
        for shared in [false, true] {
            let gate = both(store).share_rates(shared).build().unwrap();
            let rates = Request::new().rates(&[("api", 1)]);
            let of = [allowed(&gate, &reseller, &rates), allowed(&gate, &acme, &rates)];
            assert_eq!(of, [5, 5], "{name}: rates, shared {shared}");
        }
        let gate = both(store).build().unwrap();
        let calls = Request::new().meters(&[("calls", 1)]);
        assert_eq!([allowed(&gate, &reseller, &calls), allowed(&gate, &acme, &calls)], [10, 10], "{name}");
        let mails = Request::new().meters(&[("mails", 5)]).job("one");
        for token in [&reseller, &acme] {
            assert!(gate.check(token, &mails, NOW).is_allowed(), "{name}: a job of the same name");
        }
        let left = |token| gate.check(token, &Request::new().meters(&[("mails", 1)]), NOW).code();
        assert_eq!([left(&reseller), left(&acme)], [Code::QuotaExceeded; 2], "{name}");
        let seat = |token| Seat::check_out(&gate, token, "ada", 60, &Request::new(), NOW);
        let ((_, stolen), (decision, own)) = (seat(&reseller), seat(&acme));
        assert_eq!((decision.code(), stolen.is_some()), (Code::Allowed, true), "{name}");
        stolen.unwrap().release().unwrap();
        let full = Seat::check_out(&gate, &acme, "bob", 60, &Request::new(), NOW).0.code();
        assert_eq!(full, Code::SeatsTaken, "{name}: the reseller's seat was another");
        own.unwrap().release().unwrap();
    }
}

fn day(account: AccountId) -> Cell<'static> {
    Cell { account, meter: "calls", window: Window { start: NOW, end: Some(NOW + DAY) } }
}

fn rate(account: AccountId, need: u64) -> RateAsk<'static> {
    let rate = Rate { name: "api", count: 1, per_ms: 3_600_000, burst: 10 };
    RateAsk { account, name: "api", gcra: Gcra::new(&rate), need, want: need }
}

fn seat(account: AccountId, holder: &str, now: u64) -> SeatAsk<'_> {
    SeatAsk { account, holder, ttl: 600, limit: 2, now }
}

/// Ends the job that was charged before keys named the issuer. Returns whether this did.
fn finish(store: &dyn Store, account: AccountId, how: Finish, units: u64) -> bool {
    let part = FinishPart { cell: day(account), attempt: 0, units };
    store.finish_job(&JobFinish { job: "old", how, parts: vec![part] }).unwrap()[0].done
}

/// What was counted before keys named the issuer: 42 units, 7 of them a job's that is held, 3 of 10 requests, a seat.
fn starts_from_before(store: &dyn Store, now: u64) {
    for issuer in ["acme", "reseller"] {
        let account = AccountId::new(issuer, LINEAGE.into());
        assert_eq!(store.take(&day(account), 0, 0, 100).unwrap().total, 42, "{issuer}");
        assert_eq!(
            store.take(&day(account), 1, 1, 100).unwrap().total,
            43,
            "{issuer}: it goes on from there"
        );
        let part = JobPart { cell: day(account), cost: 7, limit: 100 };
        let charged = store.charge_job(&JobAsk { job: "old", held: true, parts: vec![part] }).unwrap();
        assert_eq!((charged.outcome, charged.parts[0].total), (Outcome::Before, 43), "{issuer}");
        // The try from before, this one, and one that nobody made.
        let cancelled = [(); 3].map(|()| finish(store, account, Finish::Cancel, 0));
        assert_eq!(cancelled, [false, true, false], "{issuer}: once, with the last try");
        assert_eq!(store.take(&day(account), 0, 0, 100).unwrap().total, 36, "{issuer}");
        assert_eq!(store.take_rate(&rate(account, 8)).unwrap().units, 0, "{issuer}");
        assert_eq!(store.take_rate(&rate(account, 7)).unwrap().units, 7, "{issuer}");
        assert_eq!(store.take_seat(&seat(account, "bob", now)).unwrap().taken, 2, "{issuer}: ada has one");
        assert!(!store.take_seat(&seat(account, "eve", now)).unwrap().granted, "{issuer}");
    }
    // A job's name was taken before the cell itself was asked for.
    let account = AccountId::new("third", LINEAGE.into());
    assert!(finish(store, account, Finish::Commit, 1));
    assert_eq!(store.take(&day(account), 0, 0, 100).unwrap().total, 36);
    store.release_seat(&account, "ada").unwrap();
    assert!(store.take_seat(&seat(account, "eve", now)).unwrap().granted);
    let other = AccountId::new("acme", [8; 16].into());
    assert_eq!(store.take(&day(other), 1, 1, 100).unwrap().total, 1, "another lineage starts from 0");
}

#[test]
fn in_sqlite_a_count_starts_from_the_one_before_keys_named_the_issuer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("data/usage-v2.sql")).unwrap();
    old.execute_batch("UPDATE job SET held = 1").unwrap();
    let tat = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos()).unwrap();
    let tat = tat + 3 * 3_600_000_000_000;
    old.execute("INSERT INTO rate VALUES (?1, 'api', ?2)", rusqlite::params![LINEAGE, tat]).unwrap();
    old.execute(
        "INSERT INTO seat VALUES (?1, 'ada', ?2, 600)",
        rusqlite::params![LINEAGE, NOW.as_seconds().cast_signed()],
    )
    .unwrap();
    drop(old);
    starts_from_before(&*store::open(&format!("sqlite:{}", path.display())).unwrap(), NOW.as_seconds());
}

#[test]
fn in_redis_a_count_starts_from_the_one_before_keys_named_the_issuer() {
    let Some(server) = Server::start() else { return };
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let key = |name: &str| format!("licentia:{{{}}}:{name}", "07".repeat(16));
    let mut run = |words: &[&str]| {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query::<redis::Value>(&mut connection).unwrap();
    };
    run(&[
        "HSET",
        &key(&format!("calls:{}:{}", NOW.as_seconds(), (NOW + DAY).as_seconds())),
        "total",
        "42",
        "job:old",
        "held 7",
    ]);
    let seconds = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    run(&["SET", &key("rate:api"), &format!("{} 000000000", seconds + 3 * 3600)]);
    run(&["HSET", &key("seats"), "ada", &format!("{seconds} 600")]);
    starts_from_before(&*store::open(&server.url()).unwrap(), seconds);
}
