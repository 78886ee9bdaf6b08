//! The quota of a meter: units are taken from the store ahead of use, and counted here with one atomic.
//!
//! **Over-grant is zero.** A unit is granted only out of what the store gave to this process, durably, before. What
//! is lost when the process dies is at most what it had taken and not used: one chunk for each meter. Chunks are about
//! a 64th of what is left, at most what lasts for a second at the present pace, and single units near the limit, so
//! that the last one can be used by anybody.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use crate::swap::ArcSwap;
use licentia_core::{Period, Window};

use crate::{
    account::Outcome,
    store::{Cell, Once, Store, Unreachable},
};

/// A chunk is this part of what is left, so that no process takes what others need.
const PART: u64 = 64;
const NANOS_PER_SECOND: u64 = 1_000_000_000;
/// Stands for a number of units that the store was never asked for.
const UNKNOWN: u64 = u64::MAX;
/// The shortest time that a pace is measured over.
const SHORTEST: u64 = NANOS_PER_SECOND / 1000;

/// A quota of a token, and its counter.
pub(crate) struct QuotaCounter {
    pub(crate) limit: u64,
    hard: u64,
    pub(crate) period: Period,
    counter: Arc<Meter>,
}

/// The counter of a meter: the cell of the present period. A cell is never reset; another one takes its place.
pub(crate) struct Meter {
    lineage: [u8; 16],
    name: Box<str>,
    current: ArcSwap<Units>,
}

/// The units of one period.
pub(crate) struct Units {
    window: Window,
    /// Units that were used here.
    spent: AtomicU64,
    /// Units that were taken from the store. Only grows, and only after the store gave them.
    taken: AtomicU64,
    /// Units that everybody has taken, as the store said last.
    total: AtomicU64,
    refilling: Mutex<Pace>,
}

/// How fast units are used.
#[derive(Default)]
struct Pace {
    /// What was used, and when, at the last refill.
    spent: u64,
    at_nanos: u64,
    /// The last chunk, and the limits that it was taken under.
    chunk: u64,
    limits: (u64, u64),
    /// What was used when somebody looked last.
    seen: u64,
}

impl Default for Units {
    fn default() -> Self {
        Self::of(Window { start: 0, end: Some(0) })
    }
}

impl Units {
    fn of(window: Window) -> Self {
        Self {
            window,
            spent: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            total: AtomicU64::new(UNKNOWN),
            refilling: Mutex::default(),
        }
    }

    /// Takes back a charge of a request that was then denied, or of work that cost less.
    pub(crate) fn undo(&self, cost: u64) {
        self.spent.fetch_sub(cost, Ordering::AcqRel);
    }

    /// Units that are used, by everybody, as far as is known here.
    fn used(&self, spent: u64) -> u64 {
        let unspent = self.taken.load(Ordering::Acquire).saturating_sub(spent);
        self.total.load(Ordering::Acquire).saturating_sub(unspent)
    }

    /// Units that were taken from the store and not used.
    fn unspent(&self) -> u64 {
        self.taken.load(Ordering::Acquire).saturating_sub(self.spent.load(Ordering::Acquire))
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.refilling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes what was taken and not used unusable here, and gives its number. The pace is held, so that nothing is
    /// taken meanwhile.
    fn claim(&self, _held: &Pace) -> u64 {
        let taken = self.taken.load(Ordering::Acquire);
        let claim = |spent: u64| (spent < taken).then_some(taken);
        let spent = self.spent.fetch_update(Ordering::AcqRel, Ordering::Acquire, claim);
        spent.map_or(0, |spent| taken.saturating_sub(spent))
    }
}

impl QuotaCounter {
    pub(crate) fn new(limit: u64, hard: u64, period: Period, counter: Arc<Meter>) -> Self {
        Self { limit, hard, period, counter }
    }

    /// The meter's name.
    pub(crate) fn name(&self) -> &str {
        self.counter.name()
    }

    /// The units of the period at `now`, in seconds since 1970.
    pub(crate) fn units(&self, now: u64) -> Arc<Units> {
        self.counter.units(self.period, now)
    }

    /// Charges `cost` of these units, or none. `now` is in seconds since 1970, `now_nanos` of a monotonic clock.
    pub(crate) fn charge(
        &self,
        units: &Units,
        cost: u64,
        (now, now_nanos): (u64, u64),
        store: &dyn Store,
    ) -> Result<Outcome, Unreachable> {
        if cost == 0 && units.total.load(Ordering::Acquire) == UNKNOWN {
            // Who looks before anything was charged here wants to know what others have used.
            let found = store.take(&self.counter.cell(units), 0, 0, self.hard)?;
            let _ = units.total.compare_exchange(UNKNOWN, found.total, Ordering::AcqRel, Ordering::Acquire);
        }
        loop {
            let spent = units.spent.load(Ordering::Acquire);
            let after = spent.saturating_add(cost);
            if after <= units.taken.load(Ordering::Acquire) {
                match units.spent.compare_exchange_weak(spent, after, Ordering::AcqRel, Ordering::Relaxed) {
                    Ok(_) => return Ok(self.outcome(units, true, units.used(after), now)),
                    Err(_) => continue,
                }
            }
            if !self.refill(units, cost, now_nanos, store)? {
                return Ok(self.outcome(units, false, units.used(spent), now));
            }
        }
    }

    /// Charges a job once, whoever asks and however often. It goes to the store each time.
    pub(crate) fn charge_once(
        &self,
        units: &Units,
        job: &str,
        cost: u64,
        now: u64,
        store: &dyn Store,
    ) -> Result<(Outcome, bool), Unreachable> {
        let cell = self.counter.cell(units);
        let mut once = store.take_once(&cell, job, cost, self.hard)?;
        if matches!(once, Once::Refused(_)) && units.unspent() > 0 {
            // What was taken ahead here may be what is missing there.
            self.counter.settle(store)?;
            once = store.take_once(&cell, job, cost, self.hard)?;
        }
        let (total, granted, charged) = match once {
            Once::Charged(total) => (total, true, true),
            Once::Before(total) => (total, true, false),
            Once::Refused(total) => (total, false, false),
        };
        units.total.store(total, Ordering::Release);
        Ok((self.outcome(units, granted, units.used(units.spent.load(Ordering::Acquire)), now), charged))
    }

    /// Lowers what a job was charged; to 0, as if it never was.
    pub(crate) fn lower_once(
        &self,
        units: &Units,
        job: &str,
        cost: u64,
        store: &dyn Store,
    ) -> Result<(), Unreachable> {
        store.lower_once(&self.counter.cell(units), job, cost)
    }

    /// Takes what a charge of `cost` would lack, where the store has it.
    pub(crate) fn prepare(&self, units: &Units, cost: u64, now_nanos: u64, store: &dyn Store) {
        // A store out of reach is told by the check.
        if cost > units.unspent() {
            let _ = self.refill(units, cost, now_nanos, store);
        } else if cost == 0 && units.total.load(Ordering::Acquire) == UNKNOWN {
            let _ = store.take(&self.counter.cell(units), 0, 0, self.hard);
        }
    }

    /// Takes more units from the store; `false` where it has too few.
    fn refill(
        &self,
        units: &Units,
        cost: u64,
        now_nanos: u64,
        store: &dyn Store,
    ) -> Result<bool, Unreachable> {
        let mut pace = units.pace();
        let spent = units.spent.load(Ordering::Acquire);
        let taken = units.taken.load(Ordering::Acquire);
        let need = spent.saturating_add(cost).saturating_sub(taken);
        if need == 0 {
            return Ok(true); // another thread was first
        }
        pace.limits = (self.limit, self.hard);
        self.counter.take(units, &mut pace, need, now_nanos, store)
    }

    fn outcome(&self, units: &Units, granted: bool, used: u64, now: u64) -> Outcome {
        let reset_ms = units.window.end.map(|end| end.saturating_sub(now).saturating_mul(1000));
        Outcome {
            granted,
            remaining: self.limit.saturating_sub(used),
            reset_ms,
            retry_after_ms: if granted { None } else { reset_ms },
            overage: granted && used > self.limit,
        }
    }
}

impl Meter {
    pub(crate) fn new(lineage: [u8; 16], name: &str) -> Self {
        Self { lineage, name: name.into(), current: ArcSwap::default() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn cell(&self, units: &Units) -> Cell<'_> {
        Cell { lineage: self.lineage, meter: &self.name, window: units.window }
    }

    /// The units of the period at `now`, which never goes back to an earlier one.
    fn units(&self, period: Period, now: u64) -> Arc<Units> {
        let current = self.current.load();
        if current.window.end.is_none_or(|end| now < end) {
            return Arc::clone(&current);
        }
        let window = period.window(now);
        let next = Arc::new(Units::of(window));
        // Another thread may have been first; then its cell is the one that counts.
        self.current.rcu(|current| {
            if current.window.end.is_none_or(|end| now < end) {
                Arc::clone(current)
            } else {
                Arc::clone(&next)
            }
        });
        self.current.load_full()
    }

    /// Takes `need` units from the store, and a chunk where the pace asks for one; `false` where it has too few.
    fn take(
        &self,
        units: &Units,
        pace: &mut Pace,
        need: u64,
        now_nanos: u64,
        store: &dyn Store,
    ) -> Result<bool, Unreachable> {
        let spent = units.spent.load(Ordering::Acquire);
        let elapsed = now_nanos.saturating_sub(pace.at_nanos).max(SHORTEST);
        let used = u128::from(spent.saturating_sub(pace.spent)).saturating_mul(u128::from(NANOS_PER_SECOND));
        let per_second = u64::try_from(used / u128::from(elapsed)).unwrap_or(u64::MAX);
        let (limit, hard) = pace.limits;
        let total = units.total.load(Ordering::Acquire);
        // What was never asked for is not known to be there: the first time takes what is needed.
        let left = match total {
            UNKNOWN => 0,
            _ if total < limit => limit.saturating_sub(total),
            // In overage, what is left to the hard limit may be endless, and is shared as carefully as the quota was.
            _ => hard.saturating_sub(total).min(limit),
        };
        let want = need.max(per_second.min(left / PART));
        let given = store.take(&self.cell(units), need, want, hard)?;
        units.total.store(given.total, Ordering::Release);
        let taken = units.taken.load(Ordering::Acquire);
        units.taken.store(taken.saturating_add(given.units), Ordering::Release);
        (pace.spent, pace.at_nanos) = (spent, now_nanos);
        pace.chunk = given.units.max(1);
        Ok(given.units >= need)
    }

    /// Looks after the meter from beside the requests: fetches the next chunk when half of the last one is used, and
    /// gives back what nobody uses any more.
    pub(crate) fn keep(&self, now_nanos: u64, store: &dyn Store) -> Result<(), Unreachable> {
        let units = self.current.load_full();
        let mut pace = units.pace();
        let spent = units.spent.load(Ordering::Acquire);
        let unspent = units.taken.load(Ordering::Acquire).saturating_sub(spent);
        let idle = spent == std::mem::replace(&mut pace.seen, spent);
        if idle && unspent > 0 {
            drop(pace);
            return self.settle(store);
        }
        if !idle && pace.chunk > 1 && unspent < pace.chunk / 2 {
            self.take(&units, &mut pace, 1, now_nanos, store)?;
        }
        Ok(())
    }

    /// Gives back what was taken and not used. It goes on: the next charge takes anew.
    pub(crate) fn settle(&self, store: &dyn Store) -> Result<(), Unreachable> {
        let units = self.current.load_full();
        let mut pace = units.pace();
        let unspent = units.claim(&pace);
        if unspent == 0 {
            return Ok(());
        }
        pace.seen = units.spent.load(Ordering::Acquire);
        pace.spent = pace.seen;
        // Where the store cannot be reached they are lost, and never granted twice.
        store.give_back(&self.cell(&units), unspent)?;
        let _ =
            units.total.fetch_update(Ordering::AcqRel, Ordering::Acquire, |total| total.checked_sub(unspent));
        Ok(())
    }

    /// Forgets what was taken and not used: after a fork it is the parent's.
    pub(crate) fn forget(&self) {
        let units = self.current.load_full();
        let pace = units.pace();
        units.claim(&pace);
    }
}

/// Length of a fixed period in seconds; calendar months and years have none.
pub(crate) fn length(period: Period) -> Option<u64> {
    match period {
        Period::Minute | Period::Hour | Period::Day | Period::Week | Period::Fixed { .. } => {
            let window = period.window(4_000_000_000);
            window.end.map(|end| end.saturating_sub(window.start))
        }
        _ => None,
    }
}
