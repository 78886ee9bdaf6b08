//! What a licence's policy lets pass when something cannot be known, and the clock guard in a gate.

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
    mpsc,
};

use common::{DAY, NOW, builder, licence};
use licentia::{
    Action, Code, Now, Request, Timestamp,
    store::{Cell, Fault, JobAsk, JobCharged, JobFinish, Memory, PartDone, Store, Taken, Unreachable},
};

/// A store that can be cut off.
#[derive(Default)]
struct Fragile {
    memory: Memory,
    lost: AtomicBool,
    /// How often it was asked in vain.
    asked: AtomicU64,
}

impl Fragile {
    fn reach(&self) -> Result<&Memory, Unreachable> {
        if self.lost.load(Ordering::Relaxed) {
            self.asked.fetch_add(1, Ordering::Relaxed);
            return Err(Unreachable::new(Fault::NotSent, "cut off"));
        }
        Ok(&self.memory)
    }
}

impl Store for Fragile {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
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

/// The wall clock at `wall`, `uptime` seconds after the process started.
fn at(wall: Timestamp, uptime: u64) -> Now {
    Now { time: wall, monotonic_nanos: uptime * 1_000_000_000 }
}

#[test]
fn a_store_out_of_reach_follows_the_policy() {
    let request = Request::new().meters(&[("calls", 1)]);
    for (action, at_once, after_an_hour) in [
        (Action::Deny, Code::StoreUnreachable, Code::StoreUnreachable),
        (Action::Warn(3600), Code::Allowed, Code::StoreUnreachable),
        (Action::Allow, Code::Allowed, Code::Allowed),
    ] {
        let store = Arc::new(Fragile::default());
        let gate = builder().store(store.clone()).build().unwrap();
        let token = licence(|draft| draft.grant.policy.store_unreachable = action);
        assert_eq!(gate.check(&token, &request, NOW).code(), Code::Allowed);
        store.lost.store(true, Ordering::Relaxed);
        let decision = gate.check(&token, &request, NOW);
        assert_eq!(decision.code(), at_once);
        let warned = (action != Action::Deny).then_some(Code::StoreUnreachable);
        assert_eq!(decision.warning(), warned);
        assert_eq!(gate.check(&token, &request, NOW + 3601).code(), after_an_hour);
        store.lost.store(false, Ordering::Relaxed);
        let decision = gate.check(&token, &request, NOW + 3602);
        assert_eq!((decision.code(), decision.warning()), (Code::Allowed, None), "it recovers by itself");
    }
}

#[test]
fn a_warning_ends_also_where_other_meters_have_units_at_hand() {
    let store = Arc::new(Fragile::default());
    let gate = builder().store(store.clone()).build().unwrap();
    let token = licence(|draft| {
        draft.grant.policy.store_unreachable = Action::Warn(3600);
        draft.grant.quotas.insert("calls".into(), "100000/day".parse().unwrap());
    });
    let check = |meter: &'static str, time: Timestamp, millis: u64| {
        let meters = [(meter, 1)];
        let now = Now { time, monotonic_nanos: millis * 1_000_000 };
        let decision = gate.check(&token, &Request::new().meters(&meters), now);
        (decision.code(), decision.warning())
    };
    assert!((0..777).all(|millis| check("calls", NOW, millis).0 == Code::Allowed));
    store.lost.store(true, Ordering::Relaxed);
    let warned = (Code::Allowed, Some(Code::StoreUnreachable));
    assert_eq!(check("mails", NOW, 1000), warned);
    assert_eq!(check("calls", NOW + 3599, 3_599_000), (Code::Allowed, None), "it has units, and asks nobody");
    assert_eq!(check("mails", NOW + 3600, 3_600_000), warned);
    assert_eq!(check("mails", NOW + 3602, 3_602_000).0, Code::StoreUnreachable);
    store.lost.store(false, Ordering::Relaxed);
    assert_eq!(check("mails", NOW + 3603, 3_603_000), (Code::Allowed, None));
    store.lost.store(true, Ordering::Relaxed);
    assert_eq!(check("mails", NOW + 3700, 3_700_000), warned, "a new loss has its own time");
}

#[test]
fn a_mark_is_never_lowered_and_is_found_when_the_store_comes_back() {
    let store = Arc::new(Fragile::default());
    let token = licence(|draft| draft.issued_at = NOW - 30 * DAY);
    let code = |gate: &licentia::Gate, now| {
        let code = gate.check(&token, &Request::new(), now).code();
        gate.settle().unwrap(); // marks are saved beside the requests
        code
    };
    let start = || builder().store(store.clone()).build().unwrap();
    assert_eq!(code(&start(), at(NOW, 0)), Code::Allowed);
    // The clock is set back, and the store is out of reach when the service starts.
    store.lost.store(true, Ordering::Relaxed);
    let gate = start();
    assert_eq!(code(&gate, at(NOW - 3 * DAY, 0)), Code::Allowed, "nobody knows better");
    store.lost.store(false, Ordering::Relaxed);
    let _ = code(&gate, at(NOW - 3 * DAY + 100, 100));
    assert_eq!(code(&gate, at(NOW - 3 * DAY + 102, 102)), Code::ClockRollback, "now it does");
    assert_eq!(code(&start(), at(NOW - 3 * DAY, 0)), Code::ClockRollback, "and the mark is still there");
    // One process is behind another: the later mark stays.
    let ahead = start();
    assert_eq!(code(&ahead, at(NOW + DAY, 0)), Code::Allowed);
    let behind = start();
    assert_eq!(code(&behind, at(NOW + DAY / 2, 0)), Code::Allowed);
    assert_eq!(code(&ahead, at(NOW + 2 * DAY, DAY)), Code::Allowed);
    assert_eq!(code(&behind, at(NOW + DAY, DAY / 2)), Code::Allowed);
    assert_eq!(
        code(&start(), at(NOW + DAY - 100, 0)),
        Code::ClockRollback,
        "two days are known to have passed"
    );
}

#[test]
fn a_store_out_of_reach_is_asked_seldom_by_those_who_need_none() {
    let store = Arc::new(Fragile::default());
    let gate = builder().store(store.clone()).build().unwrap();
    let token = licence(|_| ());
    store.lost.store(true, Ordering::Relaxed);
    for second in 0..120 {
        assert_eq!(gate.check(&token, &Request::new(), at(NOW + second, second)).code(), Code::Allowed);
        gate.settle().unwrap(); // marks are saved beside the requests
    }
    let asked = store.asked.load(Ordering::Relaxed);
    assert!((2..12).contains(&asked), "asked {asked} times in two minutes");
}

/// A store whose saving takes until somebody lets it go on.
struct Slow {
    memory: Memory,
    saving: mpsc::SyncSender<()>,
    go_on: std::sync::Mutex<mpsc::Receiver<()>>,
}

impl Store for Slow {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        self.memory.take(cell, need, want, limit)
    }
    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        self.memory.give_back(cell, units)
    }
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        self.memory.load(name)
    }
    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable> {
        self.saving.send(()).unwrap();
        self.go_on.lock().unwrap().recv().unwrap();
        self.memory.save(name, value)
    }
}

#[test]
fn who_saves_the_mark_holds_up_nobody_else() {
    let (saving, is_saving) = mpsc::sync_channel(1);
    let (go_on, wait) = mpsc::channel();
    let store = Slow { memory: Memory::new(), saving, go_on: std::sync::Mutex::new(wait) };
    let gate = builder().store(Arc::new(store)).build().unwrap();
    let token = licence(|_| ());
    let check = |second| gate.check(&token, &Request::new(), at(NOW + second, second)).code();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| check(0));
        is_saving.recv().unwrap();
        // It would wait here for ever, were the lock held meanwhile.
        assert!((1..30).all(|second| check(second) == Code::Allowed));
        go_on.send(()).unwrap();
        assert_eq!(first.join().unwrap(), Code::Allowed);
    });
}

#[test]
fn a_clock_set_back_follows_the_policy() {
    for (action, at_once, after_an_hour) in [
        (Action::Deny, Code::ClockRollback, Code::ClockRollback),
        (Action::Warn(3600), Code::Allowed, Code::ClockRollback),
        (Action::Allow, Code::Allowed, Code::Allowed),
    ] {
        let gate = builder().build().unwrap();
        let token = licence(|draft| {
            draft.issued_at = NOW - 30 * DAY;
            draft.grant.policy.clock_doubt = action;
        });
        let code = |now| gate.check(&token, &Request::new(), now).code();
        assert_eq!(code(at(NOW, 0)), Code::Allowed);
        assert_eq!(code(at(NOW - 3600, 1)), Code::Allowed, "an hour is drift");
        assert_eq!(code(at(NOW - 3 * DAY, 2)), at_once);
        assert_eq!(code(at(NOW - 3 * DAY + 3700, 3702)), after_an_hour);
        assert_eq!(code(at(NOW + 3800, 3800)), Code::Allowed, "right again, and no harm done");
    }
}

#[test]
fn an_expired_licence_cannot_be_revived_by_setting_the_clock_back() {
    let token = licence(|draft| draft.grant.policy.clock_doubt = Action::Allow);
    let gate = builder().build().unwrap();
    let end = NOW + common::YEAR;
    // A clock that was right through the year, as far as a week at a time shows.
    for week in 0..53 {
        let decision = gate.check(&token, &Request::new(), at(NOW + week * 7 * DAY, week * 7 * DAY));
        assert_eq!(decision.code(), Code::Allowed);
    }
    assert_eq!(gate.check(&token, &Request::new(), at(end, common::YEAR)).code(), Code::Expired);
    assert_eq!(gate.check(&token, &Request::new(), at(NOW, common::YEAR + 1)).code(), Code::Expired);
}

#[test]
fn a_rollback_over_a_restart_is_seen_and_a_wrong_jump_is_forgiven() {
    let store = Arc::new(Memory::new());
    let token = licence(|draft| draft.issued_at = NOW - 30 * DAY);
    let start = || builder().store(store.clone()).build().unwrap();
    let gate = start();
    assert_eq!(gate.check(&token, &Request::new(), at(NOW, 0)).code(), Code::Allowed);
    let year = at(NOW + 300 * DAY, 10);
    assert_eq!(gate.check(&token, &Request::new(), year).code(), Code::Allowed, "the clock jumps ahead");
    drop(gate);
    let gate = start();
    assert_eq!(
        gate.check(&token, &Request::new(), at(NOW + 60, 0)).code(),
        Code::Allowed,
        "and is put right"
    );
    drop(gate);
    let gate = start();
    assert_eq!(gate.check(&token, &Request::new(), at(NOW - 2 * DAY, 0)).code(), Code::ClockRollback);
}
