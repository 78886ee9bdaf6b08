//! Seats: never more holders than seats, whatever clocks and threads do.

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use common::{NOW, gate, licence};
use licentia::{
    Action, Code, Gate, Request, Seat, Timestamp,
    store::{Cell, JobAsk, JobCharged, JobFinish, Memory, PartDone, Store, Taken, Unreachable},
};

fn token(seats: u64) -> String {
    licence(|draft| {
        draft.grant.seats = Some(seats);
        draft.lineage = Some([5; 16].into());
    })
}

fn take<'g>(gate: &'g Gate, token: &str, holder: &str, now: Timestamp) -> (Code, Option<Seat<'g>>) {
    let (decision, seat) = Seat::check_out(gate, token, holder, 60, &Request::new(), now);
    assert_eq!(decision.is_allowed(), seat.is_some());
    (decision.code(), seat)
}

#[test]
fn a_seat_is_kept_given_back_and_runs_out() {
    let (gate, token) = (gate(), token(2));
    let (_, ada) = take(&gate, &token, "ada", NOW);
    let mut ada = ada.unwrap();
    assert_eq!((ada.until(), ada.holder()), (NOW + 60, "ada"));
    let (_, again) = take(&gate, &token, "ada", NOW + 10);
    assert_eq!(again.unwrap().until(), NOW + 70, "the same holder keeps its seat");
    let (_, bob) = take(&gate, &token, "bob", NOW + 20);
    let (decision, none) = Seat::check_out(&gate, &token, "eve", 60, &Request::new(), NOW + 21);
    assert!(none.is_none());
    assert_eq!((decision.code(), decision.http_status()), (Code::SeatsTaken, 429));
    assert_eq!(decision.retry_after_ms(), Some(49_000), "ada's seat is free at +70, unless she keeps it");
    let charge = decision.seats().unwrap();
    assert_eq!((charge.limit, charge.remaining), (2, 0));
    assert!(decision.explanation().to_string().contains("FAIL  seat"), "{}", decision.explanation());

    assert!(ada.heartbeat(&Request::new(), NOW + 65).is_allowed());
    assert_eq!(take(&gate, &token, "eve", NOW + 79).0, Code::SeatsTaken);
    assert_eq!(take(&gate, &token, "eve", NOW + 80).0, Code::Allowed, "bob's time is over in that second");
    assert_eq!(bob.unwrap().heartbeat(&Request::new(), NOW + 81).code(), Code::SeatsTaken);
    ada.release().unwrap();
    assert_eq!(take(&gate, &token, "bob", NOW + 82).0, Code::Allowed);
}

#[test]
fn a_seat_needs_all_that_a_request_needs() {
    let gate = gate();
    let with = |change: &dyn Fn(&mut licentia_issuer::Draft)| {
        licence(|draft| {
            draft.grant.seats = Some(1);
            change(draft);
        })
    };
    let code = |token: &str, holder: &str, ttl, request: &Request<'static>| {
        Seat::check_out(&gate, token, holder, ttl, request, NOW).0.code()
    };
    assert_eq!(code(&licence(|_| ()), "a", 60, &Request::new()), Code::SeatsNotLicensed);
    assert_eq!(code(&token(0), "a", 60, &Request::new()), Code::SeatsTaken);
    assert_eq!(code(&with(&|d| d.expires = NOW), "a", 60, &Request::new()), Code::Expired);
    let token = with(&|_| ());
    for (holder, ttl) in [("", 60), ("a", 0), ("a", 31 * 86_400 + 1), (&*"x".repeat(257), 60)] {
        assert_eq!(code(&token, holder, ttl, &Request::new()), Code::InvalidArgument);
    }
    let calls = Request::new().meters(&[("calls", 60)]);
    assert_eq!(code(&token, "a", 60, &calls), Code::Allowed);
    assert_eq!(code(&token, "b", 60, &Request::new().meters(&[("calls", 10)])), Code::SeatsTaken);
    let left = gate.check(&token, &Request::new().meters(&[("calls", 0)]), NOW);
    assert_eq!(left.quota("calls").unwrap().remaining, 40, "who gets no seat is charged nothing");
    assert_eq!(code(&token, "c", 60, &calls), Code::QuotaExceeded, "and who is denied gets no seat");
}

#[test]
fn a_renewal_shares_the_seats_and_a_smaller_one_takes_some_away() {
    let gate = gate();
    for holder in ["a", "b", "c"] {
        assert_eq!(take(&gate, &token(3), holder, NOW).0, Code::Allowed);
    }
    let smaller = token(2);
    assert_eq!(take(&gate, &smaller, "d", NOW + 1).0, Code::SeatsTaken);
    assert_eq!(take(&gate, &smaller, "a", NOW + 2).0, Code::SeatsTaken, "there are three, and two may be");
    assert_eq!(take(&gate, &smaller, "b", NOW + 3).0, Code::Allowed);
    assert_eq!(take(&gate, &smaller, "c", NOW + 4).0, Code::Allowed);
    assert_eq!(take(&gate, &smaller, "a", NOW + 5).0, Code::SeatsTaken);
}

#[test]
fn a_clock_that_was_ahead_locks_nobody_out() {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let account = licentia_core::AccountId::new("acme", [5; 16].into());
    let ask = |holder, now: Timestamp| {
        let now = now.as_seconds();
        licentia::store::SeatAsk { account, holder, ttl: 60, limit: 1, now }
    };
    assert!(store.take_seat(&ask("ahead", NOW + 1_000_000)).unwrap().granted);
    let seats = store.take_seat(&ask("right", NOW)).unwrap();
    assert_eq!(
        (seats.granted, seats.next_free),
        (false, Some((NOW + 60).as_seconds())),
        "it counts as taken now"
    );
    assert!(!store.take_seat(&ask("right", NOW + 59)).unwrap().granted);
    assert!(store.take_seat(&ask("right", NOW + 60)).unwrap().granted);
    // The end of time is no way around it.
    assert!(!store.take_seat(&ask("late", NOW + 61)).unwrap().granted);
    assert!(store.take_seat(&ask("last", Timestamp::MAX)).unwrap().granted);
}

#[test]
fn threads_never_hold_more_seats_than_there_are() {
    let (gate, token) = (gate(), token(3));
    let (held, most) = (AtomicU64::new(0), AtomicU64::new(0));
    let (granted, denied) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (gate, token, held, most) = (&gate, &token, &held, &most);
            let (granted, denied) = (&granted, &denied);
            scope.spawn(move || {
                for _ in 0..500 {
                    match take(gate, token, &format!("holder {thread}"), NOW).1 {
                        Some(seat) => {
                            let now = held.fetch_add(1, Ordering::SeqCst) + 1;
                            most.fetch_max(now, Ordering::SeqCst);
                            granted.fetch_add(1, Ordering::Relaxed);
                            std::thread::yield_now();
                            held.fetch_sub(1, Ordering::SeqCst);
                            seat.release().unwrap();
                        }
                        None => {
                            denied.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    assert!((1..=3).contains(&most.load(Ordering::SeqCst)), "{most:?}");
    assert_eq!(granted.into_inner() + denied.into_inner(), 4000);
    for holder in ["x", "y", "z"] {
        assert_eq!(take(&gate, &token, holder, NOW).0, Code::Allowed, "all were given back");
    }
}

/// A store that keeps no seats, as one that was written before there were any.
struct NoSeats(Memory);

impl Store for NoSeats {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        self.0.take(cell, need, want, limit)
    }
    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        self.0.give_back(cell, units)
    }
    fn charge_job(&self, ask: &JobAsk<'_>) -> Result<JobCharged, Unreachable> {
        self.0.charge_job(ask)
    }
    fn finish_job(&self, ask: &JobFinish<'_>) -> Result<Vec<PartDone>, Unreachable> {
        self.0.finish_job(ask)
    }
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        self.0.load(name)
    }
    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable> {
        self.0.save(name, value)
    }
}

#[test]
fn a_store_without_seats_follows_the_policy() {
    let gate = common::builder().store(Arc::new(NoSeats(Memory::new()))).build().unwrap();
    let with = |action| {
        licence(|draft| {
            draft.grant.seats = Some(1);
            draft.grant.policy.store_unreachable = action;
        })
    };
    let (decision, seat) = Seat::check_out(&gate, &with(Action::Deny), "ada", 60, &Request::new(), NOW);
    assert_eq!((decision.code(), seat.is_some()), (Code::StoreUnreachable, false));
    let (decision, seat) = Seat::check_out(&gate, &with(Action::Allow), "ada", 60, &Request::new(), NOW);
    assert_eq!((decision.code(), decision.warning()), (Code::Allowed, Some(Code::StoreUnreachable)));
    let seat = seat.unwrap();
    assert_eq!(seat.until(), NOW + 60);
    assert!(seat.release().is_err());
}

#[test]
fn a_licence_that_ends_keeps_no_seat() {
    let gate = gate();
    let token = licence(|draft| {
        draft.grant.seats = Some(1);
        draft.expires = NOW + 30;
    });
    let mut seat = take(&gate, &token, "ada", NOW).1.unwrap();
    assert!(seat.heartbeat(&Request::new(), NOW + 29).is_allowed());
    assert_eq!(seat.heartbeat(&Request::new(), NOW + 30).code(), Code::Expired);
    assert_eq!(seat.until(), NOW + 29 + 60);
}

#[test]
fn a_request_with_too_many_charges_takes_no_seat() {
    let gate = gate();
    let names: Vec<String> = (0..8).map(|number| format!("rate-{number}")).collect();
    let token = licence(|draft| {
        draft.grant.seats = Some(1);
        for name in &names {
            draft.grant.rates.insert(name.clone(), "10/1s".parse().unwrap());
        }
    });
    let rates: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let (decision, seat) = Seat::check_out(&gate, &token, "ada", 60, &Request::new().rates(&rates), NOW);
    assert_eq!((decision.code(), seat.is_some()), (Code::InvalidArgument, false));
    assert_eq!(take(&gate, &token, "bob", NOW).0, Code::Allowed, "the only seat is free");
}
