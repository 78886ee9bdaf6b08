//! Leases, jobs and reservations: what is charged, what is taken back, and what is left to others.

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use common::{DAY, NOW, YEAR, builder, licence};
use licentia::{
    Code, Counter, Gate, Now, Refiller, Request, Timestamp,
    store::{Cell, Fault, JobAsk, JobCharged, JobFinish, Memory, PartDone, Store, Taken, Unreachable},
};
use licentia_core::Window;
use licentia_issuer::{Overage, Period, Quota};
use proptest::prelude::*;

/// A store that counts how often it is asked for units.
#[derive(Default)]
struct Counting {
    memory: Memory,
    asked: AtomicU64,
    lost: AtomicBool,
}

impl Counting {
    fn reach(&self) -> Result<&Memory, Unreachable> {
        if self.lost.load(Ordering::Relaxed) {
            Err(Unreachable::new(Fault::NotSent, "cut off"))
        } else {
            Ok(&self.memory)
        }
    }
}

impl Store for Counting {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.reach()?.take(cell, need, want, limit)
    }
    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        self.reach()?.give_back(cell, units)
    }
    fn charge_job(&self, ask: &JobAsk<'_>) -> Result<JobCharged, Unreachable> {
        self.reach()?.charge_job(ask)
    }
    fn finish_job(&self, ask: &JobFinish<'_>) -> Result<Vec<PartDone>, Unreachable> {
        self.reach()?.finish_job(ask)
    }
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        self.reach()?.load(name)
    }
    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable> {
        self.reach()?.save(name, value)
    }
}

/// A gate whose units are fetched and given back when a test says so.
fn on(store: &Arc<Counting>) -> Gate {
    builder().store(store.clone()).prefetch(false).build().unwrap()
}

/// A licence of `limit` calls a day.
fn calls(limit: u64) -> String {
    licence(|draft| {
        draft.id = Some([9; 16].into());
        draft.grant.quotas.insert("calls".into(), format!("{limit}/day").parse().unwrap());
    })
}

fn overage(limit: u64, overage: Overage) -> Quota {
    Quota { limit, period: Period::Day, overage }
}

fn at(millis: u64) -> Now {
    Now { time: NOW, monotonic_nanos: millis * 1_000_000 }
}

/// What everybody together has left, as a gate that has taken nothing sees it.
fn left(store: &Arc<Counting>, token: &str) -> u64 {
    on(store).check(token, &Request::new().meters(&[("calls", 0)]), NOW).quota("calls").unwrap().remaining
}

#[test]
fn chunks_grow_with_the_pace_and_shrink_towards_the_limit() {
    let store = Arc::new(Counting::default());
    let (gate, token) = (on(&store), calls(100_000));
    let request = Request::new().meters(&[("calls", 1)]);
    for millis in 0..50_000 {
        assert!(gate.check(&token, &request, at(millis)).is_allowed());
    }
    let asked = store.asked.load(Ordering::Relaxed);
    assert!((30..200).contains(&asked), "a thousand a second: asked {asked} times for 50,000");
    let other = on(&store);
    let granted = (50_000..150_000).filter(|millis| {
        gate.check(&token, &request, at(*millis)).is_allowed()
            || other.check(&token, &request, at(*millis)).is_allowed()
    });
    assert_eq!(granted.count(), 50_000, "to the last unit");
    let slow = Arc::new(Counting::default());
    let (gate, token) = (on(&slow), calls(100_000));
    for minute in 0..100 {
        assert!(gate.check(&token, &request, at(minute * 60_000)).is_allowed());
    }
    assert_eq!(slow.asked.load(Ordering::Relaxed), 100, "who is slow takes what is needed, and no more");
}

#[test]
fn what_was_not_used_is_given_back_when_a_gate_ends() {
    let store = Arc::new(Counting::default());
    let (gate, token) = (on(&store), calls(100_000));
    let request = Request::new().meters(&[("calls", 1)]);
    let used =
        (0..777).filter(|millis| gate.check(&token, &request, at(*millis)).is_allowed()).count() as u64;
    assert!(left(&store, &token) < 100_000 - used, "some are taken ahead");
    gate.settle().unwrap();
    assert_eq!(left(&store, &token), 100_000 - used);
    assert!(gate.check(&token, &request, at(800)).is_allowed(), "it goes on");
    drop(gate);
    assert_eq!(left(&store, &token), 100_000 - used - 1);
}

#[test]
fn a_child_after_a_fork_uses_nothing_of_its_parents() {
    let store = Arc::new(Counting::default());
    let (gate, token) = (on(&store), calls(100_000));
    let request = Request::new().meters(&[("calls", 1)]);
    let check = |millis| gate.check(&token, &request, at(millis)).is_allowed();
    let used = (0..777).filter(|millis| check(*millis)).count() as u64;
    let ahead = 100_000 - used - left(&store, &token);
    assert!(ahead > 0);
    gate.after_fork();
    assert!(check(800));
    drop(gate);
    assert_eq!(
        left(&store, &token),
        100_000 - used - ahead - 1,
        "what was ahead is the parent's to give back"
    );
}

#[test]
fn a_keeper_fetches_ahead_and_gives_back_what_nobody_uses() {
    let store = Arc::new(Counting::default());
    let (gate, token) = (Arc::new(on(&store)), calls(1_000_000));
    let _keeper = Refiller::start(&gate, Duration::from_millis(2)).unwrap();
    let request = Request::new().meters(&[("calls", 1)]);
    let used =
        (0..2_000).filter(|_| gate.check(&token, &request, Now { time: NOW, ..Now::system() }).is_allowed());
    let used = used.count() as u64;
    let deadline = Instant::now() + Duration::from_secs(10);
    while left(&store, &token) != 1_000_000 - used {
        assert!(Instant::now() < deadline, "the rest is given back");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(used, 2_000);
}

#[test]
fn a_job_is_charged_once_by_whichever_gate() {
    let store = Arc::new(Counting::default());
    let (one, other, token) = (on(&store), on(&store), calls(10));
    let meters = [("calls", 4), ("mails", 1)];
    let job = |gate: &Gate, id: &str| gate.check(&token, &Request::new().meters(&meters).job(id), NOW).code();
    assert_eq!(job(&one, "a"), Code::Allowed);
    assert_eq!([job(&one, "a"), job(&other, "a")], [Code::Allowed; 2], "tried again");
    assert_eq!(left(&store, &token), 6);
    assert_eq!(job(&other, "b"), Code::Allowed);
    assert_eq!(job(&other, "c"), Code::QuotaExceeded);
    assert_eq!(left(&store, &token), 2);
    assert_eq!(job(&one, "b"), Code::Allowed, "what was granted stays so");
    // All or nothing: the second meter has 5 a day, and 2 are used.
    let both = [("calls", 1), ("mails", 4)];
    let denied = one.check(&token, &Request::new().meters(&both).job("d"), NOW);
    assert_eq!((denied.code(), left(&store, &token)), (Code::QuotaExceeded, 2));
    let tomorrow = one.check(&token, &Request::new().meters(&meters).job("a"), NOW + DAY);
    assert_eq!((tomorrow.code(), tomorrow.quota("calls").unwrap().remaining), (Code::Allowed, 6), "anew");
    assert_eq!([job(&one, ""), job(&one, &"x".repeat(257))], [Code::InvalidArgument; 2]);
}

#[test]
fn a_token_that_is_used_up_does_not_starve_a_greater_one_of_its_lineage() {
    let store = Arc::new(Counting::default());
    let gate = on(&store);
    let token = |limit: u64| {
        licence(|draft| {
            draft.lineage = Some([9; 16].into());
            draft.grant.quotas.insert("calls".into(), format!("{limit}/day").parse().unwrap());
        })
    };
    let (old, new) = (token(100), token(100_000));
    let hundred = [("calls", 100)];
    assert!(gate.check(&old, &Request::new().meters(&hundred), at(0)).is_allowed());
    let code =
        |token: &str, millis| gate.check(token, &Request::new().meters(&[("calls", 1)]), at(millis)).code();
    for millis in 1..300 {
        assert_eq!(
            [code(&old, millis), code(&new, millis)],
            [Code::QuotaExceeded, Code::Allowed],
            "{millis}"
        );
    }
}

#[test]
fn the_same_job_with_another_cost_is_a_mistake_and_no_grant() {
    let store = Arc::new(Counting::default());
    let (one, other, token) = (on(&store), on(&store), calls(100));
    let ask = |cost| [("calls", cost)];
    let (small, large) = (ask(1), ask(1_000_000));
    let reservation = one.reserve(&token, &Request::new().meters(&small).job("j"), NOW).1.unwrap();
    let grown = other.check(&token, &Request::new().meters(&large).job("j"), NOW);
    assert_eq!((grown.code(), grown.retry_after_ms()), (Code::JobCostDiffers, None));
    reservation.commit(&[]).unwrap();
    let grown = other.reserve(&token, &Request::new().meters(&large).job("j"), NOW);
    assert_eq!((grown.0.code(), grown.1.is_none()), (Code::JobCostDiffers, true));
    assert_eq!(left(&store, &token), 99);
}

#[test]
fn who_was_let_through_on_a_job_is_never_left_with_unpaid_work() {
    let store = Arc::new(Counting::default());
    let (one, other, token) = (on(&store), on(&store), calls(100));
    let (both, mails) = ([("calls", 4), ("mails", 1)], [("mails", 5)]);
    let first = Request::new().meters(&both).job("j");
    // Another job has used up one meter: the first try is charged on none.
    let full = one.reserve(&token, &Request::new().meters(&mails).job("k"), NOW).1.unwrap();
    assert_eq!(one.check(&token, &first, NOW).code(), Code::QuotaExceeded);
    assert_eq!(left(&store, &token), 100);
    full.cancel();
    // Two tries are let through; one of them gives up.
    let (given_up, done) =
        (one.reserve(&token, &first, NOW).1.unwrap(), other.reserve(&token, &first, NOW).1.unwrap());
    given_up.cancel();
    assert_eq!(left(&store, &token), 96, "the other one works");
    done.commit(&[]).unwrap();
    assert_eq!(left(&store, &token), 96);
}

#[test]
fn a_job_that_names_a_meter_twice_is_charged_the_sum() {
    let store = Arc::new(Counting::default());
    let (gate, token) = (on(&store), calls(100));
    let twice = [("calls", 3), ("calls", 4)];
    assert!(gate.check(&token, &Request::new().meters(&twice).job("j"), NOW).is_allowed());
    assert_eq!(left(&store, &token), 93);
}

#[test]
fn a_job_may_use_what_its_own_process_took_ahead() {
    let store = Arc::new(Counting::default());
    let (gate, token) = (on(&store), calls(10_000));
    let one = Request::new().meters(&[("calls", 1)]);
    let used = (0..777).filter(|millis| gate.check(&token, &one, at(*millis)).is_allowed()).count() as u64;
    assert!(left(&store, &token) < 10_000 - used);
    let rest = [("calls", 10_000 - used)];
    assert!(gate.check(&token, &Request::new().meters(&rest).job("all"), at(800)).is_allowed());
}

#[test]
fn what_is_reserved_is_committed_or_taken_back() {
    let store = Arc::new(Counting::default());
    let (gate, token) = (on(&store), calls(100));
    let meters = [("calls", 60), ("mails", 2)];
    let request = Request::new().meters(&meters);
    let remaining = |name: &str| {
        let peek = [(name, 0)];
        gate.check(&token, &Request::new().meters(&peek), NOW).quota(name).unwrap().remaining
    };
    let (decision, reservation) = gate.reserve(&token, &request, NOW);
    assert!(decision.is_allowed());
    let reservation = reservation.unwrap();
    assert_eq!((reservation.reserved("calls"), reservation.reserved("x")), (Some(60), None));
    assert_eq!((remaining("calls"), remaining("mails")), (40, 3));
    let (second, none) = gate.reserve(&token, &request, NOW);
    assert_eq!((second.code(), none.is_none()), (Code::QuotaExceeded, true));
    reservation.commit(&[("calls", 25)]).unwrap();
    assert_eq!((remaining("calls"), remaining("mails")), (75, 3), "what is not named cost what was reserved");
    let reserve = || gate.reserve(&token, &request, NOW).1.unwrap();
    reserve().cancel();
    drop(reserve());
    assert_eq!((remaining("calls"), remaining("mails")), (75, 3));
    assert_eq!(reserve().commit(&[("calls", 61)]), Err(Code::InvalidArgument), "more than was reserved");
    assert_eq!((remaining("calls"), remaining("mails")), (15, 1), "nothing is given away by a mistake");
}

#[test]
fn a_reserved_job_is_committed_once() {
    let store = Arc::new(Counting::default());
    let (one, other, token) = (on(&store), on(&store), calls(100));
    let meters = [("calls", 60)];
    let request = Request::new().meters(&meters).job("render-1");
    let first = one.reserve(&token, &request, NOW).1.unwrap();
    // The machine seems dead, and another one tries the same job.
    let second = other.reserve(&token, &request, NOW).1.unwrap();
    assert_eq!(left(&store, &token), 40);
    second.commit(&[("calls", 30)]).unwrap();
    first.commit(&[("calls", 30)]).unwrap();
    assert_eq!(left(&store, &token), 70, "both did it, and it is charged once");
    let again = other.reserve(&token, &request, NOW).1.unwrap();
    again.cancel();
    assert_eq!(left(&store, &token), 70, "who charged nothing takes nothing back");
    let third = Request::new().meters(&meters).job("render-2");
    drop(one.reserve(&token, &third, NOW));
    assert_eq!(left(&store, &token), 70);
}

#[test]
fn counters_of_licences_that_nobody_uses_are_let_go() {
    let store = Arc::new(Counting::default());
    let gate = builder().store(store.clone()).cache_capacity(4).build().unwrap();
    let issuer = common::issuer(1);
    let request = Request::new().meters(&[("calls", 1)]).rates(&[("api", 10)]);
    let tokens: Vec<String> = (0..1100).map(|_| issuer.issue(&common::draft()).unwrap().text()).collect();
    for (count, token) in tokens.iter().enumerate() {
        assert!(gate.check(token, &request, at(count as u64 * 2000)).is_allowed());
    }
    // The first one's account was swept away meanwhile, and nothing of it was forgotten.
    let decision = gate.check(&tokens[0], &Request::new().meters(&[("calls", 99)]), at(3_000_000));
    assert!(decision.is_allowed());
    assert_eq!(decision.quota("calls").unwrap().remaining, 0);
}

#[test]
fn a_late_cancel_leaves_what_another_try_has_committed() {
    let store = Arc::new(Counting::default());
    let (one, other, token) = (on(&store), on(&store), calls(100));
    let meters = [("calls", 60)];
    let request = Request::new().meters(&meters).job("render-1");
    let stalled = one.reserve(&token, &request, NOW).1.unwrap();
    other.reserve(&token, &request, NOW).1.unwrap().commit(&[("calls", 30)]).unwrap();
    drop(stalled);
    assert_eq!(left(&store, &token), 70);
    // As much where the other one did it without reserving.
    let request = Request::new().meters(&meters).job("render-2");
    let stalled = one.reserve(&token, &request, NOW).1.unwrap();
    let done = other.check(&token, &request, NOW);
    assert_eq!((done.is_allowed(), done.quota("calls").unwrap().charged), (true, 60));
    drop(stalled);
    assert_eq!(left(&store, &token), 10);
}

#[test]
fn a_clock_that_jumped_ahead_locks_no_meter() {
    let store = Arc::new(Counting::default());
    let gate = on(&store);
    let token = licence(|draft| {
        draft.id = Some([9; 16].into());
        draft.expires = NOW + 3 * YEAR;
        draft.grant.quotas.insert("calls".into(), "100/year".parse().unwrap());
    });
    let request = Request::new().meters(&[("calls", 1)]);
    let remaining = |time: Timestamp, millis: u64| {
        let now = Now { time, monotonic_nanos: millis * 1_000_000 };
        let decision = gate.check(&token, &request, now);
        assert!(decision.is_allowed(), "{}", decision.explanation());
        decision.quota("calls").unwrap().remaining
    };
    assert_eq!([remaining(NOW, 0), remaining(NOW, 1)], [99, 98]);
    assert_eq!(remaining(NOW + YEAR, 2000), 99, "the clock jumps, and is believed");
    assert_eq!(remaining(NOW + 4, 4000), 97, "and is put right: what was counted is still counted");
    assert_eq!(remaining(NOW - 3600, 6000), 96, "a small step back is none");
}

#[test]
fn a_clock_that_jumps_by_days_and_back_loses_no_units() {
    let store = Arc::new(Counting::default());
    let gate = on(&store);
    let token = calls(100_000);
    let request = Request::new().meters(&[("calls", 1)]);
    let used =
        (0..777).filter(|millis| gate.check(&token, &request, at(*millis)).is_allowed()).count() as u64;
    let ahead = 100_000 - used - left(&store, &token);
    assert!(ahead > 10);
    let asked = store.asked.load(Ordering::Relaxed);
    for jump in 0..3 {
        let days = Now { time: NOW + 9 * DAY, monotonic_nanos: (2000 + jump * 4000) * 1_000_000 };
        assert!(gate.check(&token, &request, days).is_allowed());
        let back = Now { time: NOW + 2 + jump, monotonic_nanos: (4000 + jump * 4000) * 1_000_000 };
        assert!(gate.check(&token, &request, back).is_allowed());
    }
    assert!(store.asked.load(Ordering::Relaxed) <= asked + 3, "today's are still here");
    gate.settle().unwrap();
    assert_eq!(left(&store, &token), 100_000 - used - 3);
}

#[test]
fn what_is_taken_back_after_its_gate_was_dropped_goes_to_the_store() {
    let store = Arc::new(Counting::default());
    let (gate, token) = (on(&store), calls(100));
    let sixty = [("calls", 60)];
    let reserve = |gate: &Gate| gate.reserve(&token, &Request::new().meters(&sixty), NOW).1.unwrap();
    let cancelled = reserve(&gate);
    drop(gate);
    assert_eq!(left(&store, &token), 40);
    cancelled.cancel();
    assert_eq!(left(&store, &token), 100);
    let gate = on(&store);
    let committed = reserve(&gate);
    drop(gate);
    committed.commit(&[("calls", 25)]).unwrap();
    assert_eq!(left(&store, &token), 75);
}

#[test]
fn a_meter_whose_store_is_lost_keeps_what_it_has_taken() {
    let store = Arc::new(Counting::default());
    let (gate, token) = (on(&store), calls(100_000));
    let request = Request::new().meters(&[("calls", 1)]);
    let used =
        (0..777).filter(|millis| gate.check(&token, &request, at(*millis)).is_allowed()).count() as u64;
    let ahead = 100_000 - used - left(&store, &token);
    assert!(ahead > 10);
    store.lost.store(true, Ordering::Relaxed);
    for _ in 0..3 {
        gate.refill(at(2000)); // nobody has used it since, and it cannot be given back
    }
    let unsettled = gate.settle().unwrap_err();
    assert_eq!((unsettled.failed, unsettled.code()), (1, Code::StoreUnreachable));
    let granted = (0..ahead).filter(|_| gate.check(&token, &request, at(3000)).is_allowed()).count() as u64;
    assert_eq!(granted, ahead, "nothing was thrown away");
    assert_eq!(gate.check(&token, &request, at(3000)).code(), Code::StoreUnreachable);
    store.lost.store(false, Ordering::Relaxed);
    assert!(gate.check(&token, &request, at(3001)).is_allowed());
    gate.settle().unwrap();
    assert_eq!(left(&store, &token), 100_000 - used - ahead - 1);
}

#[test]
fn a_process_holds_one_chunk_at_most() {
    let store = Arc::new(Counting::default());
    let (gate, token) = (on(&store), calls(64_000));
    let start = NOW - NOW.as_seconds() % DAY;
    let window = Window { start, end: Some(start + DAY) };
    let cell =
        Cell { account: licentia_core::AccountId::new("acme", [9; 16].into()), meter: "calls", window };
    let total = || store.memory.take(&cell, 0, 0, 0).unwrap().total;
    let (mut used, mut most) = (0, 0);
    for millis in 0..10_000 {
        let cost = 1 + millis % 7;
        let meters = [("calls", cost)];
        let before = total();
        if millis % 50 == 0 {
            gate.refill(at(millis));
        }
        assert!(gate.check(&token, &Request::new().meters(&meters), at(millis)).is_allowed());
        used += cost;
        if total() > before {
            most = ((64_000 - before) / 64).max(7); // it was taken of what was left then
        }
        let held = total() - used;
        assert!(held <= most, "{millis}: {held} held, at most {most}");
    }
    assert!(most < 1000 / 2, "chunks shrink");
}

#[test]
fn who_is_denied_does_not_ask_the_store_each_time() {
    let store = Arc::new(Counting::default());
    let (gate, other, token) = (on(&store), on(&store), calls(10));
    let request = Request::new().meters(&[("calls", 1)]);
    let charge = |gate: &Gate, millis| gate.check(&token, &request, at(millis)).is_allowed();
    let ten = [("calls", 10)];
    let reservation = other.reserve(&token, &Request::new().meters(&ten), at(0)).1.unwrap();
    assert!(!charge(&gate, 0));
    let asked = store.asked.load(Ordering::Relaxed);
    assert!((1..100).all(|millis| !charge(&gate, millis)));
    assert_eq!(store.asked.load(Ordering::Relaxed), asked, "for a tenth of a second");
    reservation.cancel();
    other.settle().unwrap();
    assert!(charge(&gate, 100), "then it asks again");
}

#[test]
fn who_only_looks_sees_what_others_have_used() {
    let store = Arc::new(Counting::default());
    let (gate, other, token) = (on(&store), on(&store), calls(100));
    let remaining = |millis| {
        let decision = gate.check(&token, &Request::new().meters(&[("calls", 0)]), at(millis));
        decision.quota("calls").unwrap().remaining
    };
    assert_eq!(remaining(0), 100);
    assert!(other.check(&token, &Request::new().meters(&[("calls", 40)]), at(0)).is_allowed());
    assert_eq!(remaining(1000), 60, "within a second");
    store.lost.store(true, Ordering::Relaxed);
    assert_eq!(remaining(5000), 60, "and what was seen last, where the store is out of reach");
}

#[test]
fn a_cost_that_can_never_be_granted_is_not_waited_for() {
    let gate = builder().build().unwrap();
    let token = licence(|draft| {
        draft.grant.quotas.insert("calls".into(), "100/day".parse().unwrap());
        draft.grant.quotas.insert("bytes".into(), overage(100, Overage::UpTo(150)));
    });
    let retry = |meter: &'static str, cost| {
        let meters = [(meter, cost)];
        let decision = gate.check(&token, &Request::new().meters(&meters), NOW);
        assert_eq!(decision.code(), Code::QuotaExceeded, "{meter} {cost}");
        decision.retry_after_ms()
    };
    assert_eq!(retry("calls", 101), None);
    let charged = Request::new().meters(&[("calls", 1), ("bytes", 1)]);
    assert!(gate.check(&token, &charged, NOW).is_allowed());
    assert!(retry("calls", 100).is_some());
    assert!(retry("bytes", 150).is_some());
    assert_eq!(retry("bytes", 151), None);
}

#[test]
fn a_quota_of_nothing_with_endless_overage_is_counted_in_chunks() {
    let store = Arc::new(Counting::default());
    let gate = on(&store);
    let token = licence(|draft| {
        draft.id = Some([9; 16].into());
        draft.grant.quotas.insert("calls".into(), overage(0, Overage::Unlimited));
    });
    let request = Request::new().meters(&[("calls", 1)]);
    for millis in 0..10_000 {
        let decision = gate.check(&token, &request, at(millis));
        assert_eq!((decision.is_allowed(), decision.state()), (true, licentia::State::Overage));
        assert_eq!(decision.quota("calls").unwrap().remaining, 0);
    }
    let asked = store.asked.load(Ordering::Relaxed);
    assert!(asked < 100, "asked {asked} times for 10,000");
}

#[test]
fn meters_are_charged_all_or_none_by_many_threads() {
    let store = Arc::new(Counting::default());
    let token = licence(|draft| {
        draft.id = Some([9; 16].into());
        draft.grant.quotas.insert("calls".into(), "1000/day".parse().unwrap());
        draft.grant.quotas.insert("mails".into(), "300/day".parse().unwrap());
        draft.grant.rates.insert("api".into(), "100000/1s".parse().unwrap());
    });
    let granted: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let gate = on(&store);
                    let request = Request::new().rates(&[("api", 1)]).meters(&[("calls", 2), ("mails", 1)]);
                    (0..500).filter(|millis| gate.check(&token, &request, at(*millis)).is_allowed()).count()
                        as u64
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let gate = on(&store);
    let remaining = |name: &str| {
        let meters = [(name, 0)];
        gate.check(&token, &Request::new().meters(&meters), NOW).quota(name).unwrap().remaining
    };
    assert!((297..=300).contains(&granted), "{granted}");
    assert_eq!((remaining("calls"), remaining("mails")), (1000 - 2 * granted, 300 - granted));
}

#[test]
fn one_job_of_many_threads_is_charged_once() {
    let store = Arc::new(Counting::default());
    let (token, gate) = (calls(1000), on(&store));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (gate, token) = (&gate, &token);
            scope.spawn(move || {
                for number in 0..100 {
                    let (job, meters) = (format!("job-{number}"), [("calls", 7)]);
                    let request = Request::new().meters(&meters).job(&job);
                    if (number + thread) % 2 == 0 {
                        let reservation = gate.reserve(token, &request, NOW).1.unwrap();
                        reservation.commit(&[("calls", 5)]).unwrap();
                    } else {
                        // Who gives up takes nothing back from those that do it.
                        drop(gate.reserve(token, &request, NOW).1.unwrap());
                    }
                }
            });
        }
    });
    assert_eq!(left(&store, &token), 500);
}

#[test]
fn a_counter_charges_all_or_none_and_tells_sinks() {
    use std::sync::Mutex;

    #[derive(Default)]
    struct Told(Mutex<Vec<(String, u64)>>);
    impl licentia::event::Sink for Told {
        fn record(&self, _: &licentia::event::Event<'_, '_>) {}
        fn used(&self, used: &licentia::event::Used<'_>) {
            self.0.lock().unwrap().push((used.meter.to_owned(), used.units));
        }
    }
    let (store, told) = (Arc::new(Counting::default()), Arc::new(Told::default()));
    let gate = builder().store(store.clone()).sink(told.clone()).build().unwrap();
    let token = calls(10);
    let decision = gate.check(&token, &Request::new(), NOW);
    let counter = Counter::of(&gate, &decision).unwrap();
    let charge = |rates: &[(&str, u64)], meters: &[(&str, u64)]| counter.charge(rates, meters, at(0));
    assert_eq!(charge(&[("api", 1)], &[("calls", 4), ("mails", 1)]), Ok(licentia::State::Active));
    assert_eq!(charge(&[("api", 1)], &[("calls", 1), ("mails", 5)]), Err(Code::QuotaExceeded));
    assert_eq!(charge(&[("api", 11)], &[("calls", 1)]), Err(Code::RateLimited));
    assert_eq!(charge(&[("api", 9)], &[]), Ok(licentia::State::Active), "what was denied cost nothing");
    assert_eq!(charge(&[("x", 1)], &[]), Err(Code::RateNotLicensed));
    assert_eq!(charge(&[], &[("calls", 1), ("x", 1)]), Err(Code::MeterNotLicensed));
    assert_eq!(charge(&[], &[("calls", 1); 9]), Err(Code::InvalidArgument));
    assert_eq!(charge(&[], &[("calls", 6)]), Ok(licentia::State::Active));
    let expected = [("mails", 1), ("calls", 4), ("calls", 6)].map(|(name, units)| (name.to_owned(), units));
    assert_eq!(*told.0.lock().unwrap(), expected);
    store.lost.store(true, Ordering::Relaxed);
    assert_eq!(charge(&[], &[("mails", 2)]), Err(Code::StoreUnreachable));
    let denied = gate.check(&token, &Request::new().features(&["x"]), NOW);
    assert!(Counter::of(&gate, &denied).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever gates do on one store, in any order: what is granted never exceeds the limit, and all of it can be
    /// used in the end.
    #[test]
    fn any_order_of_charges_is_exact(
        limit in 1_u64..5_000,
        steps in prop::collection::vec((0_usize..3, 0_u64..200, 0_u8..12, 0_u64..5_000), 1..300),
    ) {
        let store = Arc::new(Counting::default());
        let token = calls(limit);
        let mut gates = [on(&store), on(&store), on(&store)];
        let (mut used, mut millis) = (0, 0);
        for (gate, cost, act, later) in steps {
            millis += later;
            let meters = [("calls", cost)];
            let request = Request::new().meters(&meters);
            match act {
                0 => gates[gate].settle().unwrap(),
                1 => gates[gate].refill(at(millis)),
                2 => gates[gate] = on(&store),
                3 => {
                    if let Some(reservation) = gates[gate].reserve(&token, &request, at(millis)).1 {
                        reservation.commit(&[("calls", cost / 2)]).unwrap();
                        used += cost / 2;
                    }
                }
                _ if gates[gate].check(&token, &request, at(millis)).is_allowed() => used += cost,
                _ => {}
            }
            prop_assert!(used <= limit);
        }
        drop(gates);
        let last = on(&store);
        let rest = (0..).take_while(|_| last.check(&token, &Request::new().meters(&[("calls", 1)]), at(millis)).is_allowed());
        prop_assert_eq!(used + rest.count() as u64, limit);
    }
}

#[test]
fn after_a_downgrade_no_more_is_granted_from_what_is_held() {
    let quota = |limit: &str| {
        licence(|draft| {
            draft.lineage = Some([9; 16].into());
            draft.grant.quotas.insert("calls".into(), limit.parse().unwrap());
        })
    };
    let (large, small) = (quota("1000000/day"), quota("100/day"));
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let process = || builder().store(Arc::clone(&store)).build().unwrap();
    let calls = Request::new().meters(&[("calls", 1)]);
    let one = process();
    let ask = |gate: &Gate, token: &str, millis: u64| {
        let now = Now { time: NOW, monotonic_nanos: millis * 1_000_000 };
        gate.check(token, &calls, now).is_allowed()
    };
    // 10,000 a second for three seconds, so that about a second's use is held ahead.
    assert!((0..30_000).all(|at| ask(&one, &large, 1_000 + at / 10)));
    let more = (0..20_000).filter(|at| ask(&one, &small, 4_001 + at / 100)).count();
    assert_eq!(more, 0, "30,000 are used, and the new limit is 100");
    // The old token, as long as it is good, uses what is held.
    assert!(ask(&one, &large, 5_000));
    // Another process that held units when others had used little grants up to the new limit.
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let [here, there] = [0, 1].map(|_| builder().store(Arc::clone(&store)).build().unwrap());
    assert!((0..500).all(|at| ask(&here, &large, 1_000 + at)));
    assert!((0..5_000).all(|at| ask(&there, &large, 1_000 + at)));
    let more = (0..20_000).filter(|at| ask(&here, &small, 2_000 + at / 100)).count();
    assert!(more <= 100, "{more}: at most the new limit for each process");
}

#[test]
fn nothing_is_fetched_ahead_after_a_gate_has_settled() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("usage.db").display());
    let gate = builder().store(licentia::store::open(&url).unwrap()).build().unwrap();
    let token = calls(1_000_000);
    let used = || {
        let other = builder().store(licentia::store::open(&url).unwrap()).prefetch(false).build().unwrap();
        let looked = other.check(&token, &Request::new().meters(&[("calls", 0)]), NOW);
        1_000_000 - looked.quota("calls").unwrap().remaining
    };
    let request = Request::new().meters(&[("calls", 1)]);
    for round in 1..=10 {
        // A pace at which a chunk is more than one unit.
        for _ in 0..500 {
            assert!(gate.check(&token, &request, Now { time: NOW, ..Now::system() }).is_allowed());
        }
        gate.settle().unwrap();
        // The driver looks after the meter several times before the process ends.
        std::thread::sleep(Duration::from_millis(150));
        assert_eq!(used(), round * 500, "round {round}");
    }
}
