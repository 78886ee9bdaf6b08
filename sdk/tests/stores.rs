//! Every store keeps the same contract.

mod common;
#[path = "common/server.rs"]
mod server;

use std::sync::Arc;

use common::{DAY, NOW, YEAR, builder, licence};
use licentia::{
    Code, Request, Store,
    policy::Action,
    store::{self, Cell, Once, SeatAsk, Taken},
};
use licentia_core::Window;
use server::Server;

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

fn cell(meter: &str, start: u64, end: Option<u64>) -> Cell<'_> {
    Cell { lineage: [7; 16], meter, window: Window { start, end } }
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
        let other = Cell { lineage: [8; 16], ..day };
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

#[test]
fn a_job_is_charged_once() {
    let (stores, _folder, _server) = stores();
    for (name, store) in &stores {
        let day = cell("calls", NOW, Some(NOW + DAY));
        let once = |job, units| store.take_once(&day, job, units, 10).unwrap();
        assert_eq!(once("a", 4), Once::Charged(4), "{name}");
        assert_eq!(once("a", 4), Once::Before(4), "{name}");
        assert_eq!(once("b", 7), Once::Refused(4), "{name}");
        assert_eq!(once("b", 6), Once::Charged(10), "{name}");
        store.lower_once(&day, "b", 2).unwrap();
        store.lower_once(&day, "b", 2).unwrap();
        store.lower_once(&day, "b", 5).unwrap();
        assert_eq!(once("c", 5), Once::Refused(6), "{name}: lowered once, and never raised");
        assert_eq!(once("b", 6), Once::Before(6), "{name}");
        store.lower_once(&day, "b", 0).unwrap();
        store.lower_once(&day, "nobody", 0).unwrap();
        assert_eq!(once("b", 6), Once::Charged(10), "{name}: as if it never was");
        let next = cell("calls", NOW + DAY, Some(NOW + 2 * DAY));
        assert_eq!(store.take_once(&next, "a", 1, 10).unwrap(), Once::Charged(1), "{name}: the next period");
    }
}

#[test]
fn seats_are_held_for_their_time() {
    let (stores, _folder, _server) = stores();
    for (name, store) in &stores {
        let take = |holder, ttl, limit, now| {
            let seats = store.take_seat(&SeatAsk { lineage: [7; 16], holder, ttl, limit, now }).unwrap();
            (seats.granted, seats.taken, seats.next_free)
        };
        assert_eq!(take("ada", 60, 2, NOW), (true, 1, Some(NOW + 60)), "{name}");
        assert_eq!(take("bob", 100, 2, NOW + 10), (true, 2, Some(NOW + 60)), "{name}");
        assert_eq!(take("eve", 60, 2, NOW + 59), (false, 2, Some(NOW + 60)), "{name}: full");
        assert_eq!(take("ada", 60, 2, NOW + 59), (true, 2, Some(NOW + 110)), "{name}: kept");
        assert_eq!(take("eve", 60, 2, NOW + 110), (true, 2, Some(NOW + 119)), "{name}: bob's time is over");
        assert_eq!(take("eve", 60, 1, NOW + 111), (false, 1, Some(NOW + 119)), "{name}: the limit has sunk");
        store.release_seat(&[7; 16], "ada").unwrap();
        store.release_seat(&[7; 16], "nobody").unwrap();
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
        let other = SeatAsk { lineage: [8; 16], holder: "ada", ttl: 1, limit: 1, now: NOW };
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
fn threads_and_gates_never_exceed_a_limit_and_reach_it() {
    let (stores, _folder, _server) = stores();
    let token = licence(|draft| {
        draft.terms.quotas.insert("calls".into(), "5000/day".parse().unwrap());
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
                            let now = licentia::Now { seconds: NOW, monotonic_nanos: time };
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
}

#[test]
fn a_file_that_is_deleted_or_a_server_that_restarts_is_found_again() {
    let token = licence(|draft| draft.terms.policy.store_unreachable = Action::Deny);
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
    assert_eq!(check(), Code::Allowed, "it recovers by itself");
    let rest = (0..200).filter(|_| check() == Code::Allowed).count();
    assert_eq!(rest, 98, "what was taken before the power cut is still taken");
}
