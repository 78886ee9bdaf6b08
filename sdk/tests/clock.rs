//! "When the clock is right again, so is the gate": `docs/gate.md`.

mod common;
#[path = "common/server.rs"]
mod server;

use std::sync::{Arc, Mutex};

use common::{DAY, NOW, YEAR, builder};
use licentia::{
    Code, Gate, Now, Request, Timestamp,
    event::{Event, Sink},
    store::{self, Store},
};
use server::Server;

/// Keeps what it is told of the clock.
#[derive(Default)]
struct Told(Mutex<Vec<(Timestamp, u64)>>);

impl Sink for Told {
    fn record(&self, _: &Event<'_, '_>) {}
    fn clock_healed(&self, now: Timestamp, seconds: u64) {
        self.0.lock().unwrap().push((now, seconds));
    }
}

/// A licence that was issued long before any time of these tests.
fn token() -> String {
    common::licence(|draft| {
        (draft.issued_at, draft.not_before) = (NOW - YEAR, None);
        draft.expires = NOW + YEAR;
    })
}

fn at(time: Timestamp, monotonic: u64) -> Now {
    Now { time, monotonic_nanos: monotonic * 1_000_000_000 }
}

fn code(gate: &Gate, now: Now) -> Code {
    gate.check(&token(), &Request::new(), now).code()
}

#[test]
fn when_the_clock_is_right_again_so_is_the_gate() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("usage.db").display());
    let told = Arc::new(Told::default());
    let start = || builder().store(store::open(&url).unwrap()).sink(told.clone()).build().unwrap();
    // One check with a clock that is three days ahead, which is then put right.
    assert_eq!(code(&start(), at(NOW + 3 * DAY, 0)), Code::Allowed);
    let (mut healed, mut denied) = (None, 0);
    // A process runs for six hours; there are two a day.
    for run in 0..7 {
        let gate = start();
        for minute in 0..360 {
            let time = NOW + 60 + run * 12 * 3600 + minute * 60;
            match code(&gate, at(time, 100 + minute * 60)) {
                Code::Allowed => healed = healed.or(Some(time)),
                other => {
                    assert_eq!((other, healed), (Code::ClockRollback, None));
                    denied += 1;
                }
            }
        }
    }
    // After four runs, which are a day of a right clock.
    let after = healed.unwrap().seconds_since(NOW);
    assert!((DAY..=3 * DAY).contains(&after) && denied > 300, "{after} {denied}");
    let told = told.0.lock().unwrap();
    assert_eq!(told.len(), 1);
    assert!(told[0].1 <= 3 * DAY, "{told:?}");
}

#[test]
fn a_clock_that_is_set_back_gains_no_more_than_a_week() {
    let gate = builder().build().unwrap();
    assert_eq!(code(&gate, at(NOW, 0)), Code::Allowed);
    // Thirty days back, for ten days.
    for minute in 1..14_400 {
        let now = at(NOW - 30 * DAY + minute * 60, minute * 60);
        assert_eq!(code(&gate, now), Code::ClockRollback, "minute {minute}");
    }
}

#[test]
fn on_a_shared_store_one_wrong_machine_harms_itself_alone() {
    let Some(server) = Server::start() else { return };
    let store: Arc<dyn Store> = store::open(&server.url()).unwrap();
    let machine = || builder().store(Arc::clone(&store)).build().unwrap();
    let now = Timestamp::from_seconds(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs());
    let token = common::licence(|draft| {
        (draft.issued_at, draft.expires) =
            ((now - YEAR).as_seconds().into(), (now + YEAR).as_seconds().into());
    });
    let ask = |gate: &Gate, now| gate.check(&token, &Request::new(), now).code();
    let wrong = machine();
    // Three days ahead, for an hour: every mark that it would save is saved.
    for minute in 0..60 {
        assert_eq!(ask(&wrong, at(now + 3 * DAY + minute * 60, minute * 60)), Code::Allowed);
    }
    assert_eq!(ask(&machine(), at(now, 0)), Code::Allowed, "a machine that is right, and starts");
    // When it is right again it goes by the store's time, a minute later at most.
    let back: Vec<_> = (60..64).map(|minute| ask(&wrong, at(now + minute, minute * 60))).collect();
    assert_eq!(back.last(), Some(&Code::Allowed), "{back:?}");
    // One that is set back is doubted from the first request on.
    assert_eq!(ask(&machine(), at(now - 3 * DAY, 0)), Code::ClockRollback);
}
