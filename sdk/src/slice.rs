//! A rate that processes share: each takes short slices of it from the store, and counts in its slice.
//!
//! Whatever comes was given by the store before, which counts all of it by one clock. So the sum over all processes
//! keeps to the rate; what is not used of a slice within its short life is lost.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use licentia_core::inner::Gcra;

use crate::{
    account::Outcome,
    store::{RateAsk, RateTaken, Store, Unreachable},
};

const NANOS_PER_MILLI: u64 = 1_000_000;
/// A slice is what comes in this time at the present pace, in milliseconds.
const LENGTH: u64 = 50;
/// How long it may be used, in milliseconds.
const LIFE: u64 = 2 * LENGTH;
/// Bits of a slice's units; the rest are of the time when it ends.
const UNITS: u32 = 24;
const MOST: u64 = (1 << UNITS) - 1;

/// The slice that a process has of a rate.
#[derive(Default)]
struct Slice {
    lineage: [u8; 16],
    /// When it ends, in milliseconds of the monotonic clock, and how many requests may still come.
    word: AtomicU64,
    last: Mutex<Last>,
    /// How often the process was forked: a child has slices of its own.
    forks: Arc<AtomicU32>,
    fork: AtomicU32,
}

/// What was taken last.
#[derive(Clone, Copy, Default)]
struct Last {
    at_nanos: u64,
    units: u64,
    taken: Option<RateTaken>,
    /// How many requests the store did not give.
    refused: Option<u64>,
}

/// What came of a charge. Times are in nanoseconds from now.
struct Sliced {
    granted: bool,
    remaining: u64,
    reset: u64,
    retry_after: Option<u64>,
    /// Whether the store was asked, and answered.
    reached: bool,
}

/// A rate that is shared.
pub(crate) struct Shared(Box<Slice>);

impl Shared {
    /// The slice of a lineage's rate, where rates are shared.
    pub(crate) fn new(shared: bool, lineage: [u8; 16], forks: &Arc<AtomicU32>) -> Option<Self> {
        shared.then(|| Self(Box::new(Slice { lineage, forks: Arc::clone(forks), ..Slice::default() })))
    }

    /// Counts `cost` requests, or none.
    pub(crate) fn charge(
        &self,
        of: (&str, Gcra),
        cost: u64,
        now_nanos: u64,
        store: &dyn Store,
    ) -> Result<Outcome, Unreachable> {
        let millis = |nanos: u64| nanos.div_ceil(NANOS_PER_MILLI);
        let sliced = self.0.charge(of, cost, now_nanos, store)?;
        Ok(Outcome {
            granted: sliced.granted,
            remaining: sliced.remaining,
            reset_ms: Some(millis(sliced.reset)),
            retry_after_ms: sliced.retry_after.map(millis),
            overage: false,
            reached: sliced.reached,
        })
    }

    /// Takes back a charge of a request that was then denied; it is lost where the slice has ended.
    pub(crate) fn undo(&self, cost: u64, now_nanos: u64) {
        self.0.undo(cost, now_nanos);
    }
}

impl Slice {
    /// Counts `cost` requests, or none.
    fn charge(
        &self,
        (name, gcra): (&str, Gcra),
        cost: u64,
        now_nanos: u64,
        store: &dyn Store,
    ) -> Result<Sliced, Unreachable> {
        let fork = self.forks.load(Ordering::Relaxed);
        if self.fork.load(Ordering::Relaxed) != fork {
            self.word.store(0, Ordering::Relaxed);
            self.fork.store(fork, Ordering::Relaxed);
        }
        if cost > 0 && self.spend(cost, now_nanos) {
            return Ok(self.sliced(&self.last(), true, false, now_nanos));
        }
        let (mut last, mut reached) = (self.last(), false);
        loop {
            // Another thread may have been first.
            if cost > 0 && self.spend(cost, now_nanos) {
                return Ok(self.sliced(&last, true, reached, now_nanos));
            }
            let need = cost.saturating_sub(left(self.word.load(Ordering::Relaxed), now_nanos));
            let elapsed = now_nanos.saturating_sub(last.at_nanos);
            // More than a burst never comes.
            let never = gcra.interval().saturating_mul(cost) > gcra.tolerance();
            if never || last.tells(need, elapsed) {
                let sliced = self.sliced(&last, cost == 0, reached, now_nanos);
                return Ok(Sliced { retry_after: sliced.retry_after.filter(|_| !never), ..sliced });
            }
            // At most what the rate brings in the same time, so that all get something of a burst.
            let pace = last.units.saturating_mul(LENGTH * NANOS_PER_MILLI) / elapsed.max(NANOS_PER_MILLI);
            let brings = LENGTH * NANOS_PER_MILLI / gcra.interval().max(1);
            let want = if cost == 0 { 0 } else { need.max(pace.min(brings)).min(MOST) };
            let taken = store.take_rate(&RateAsk { lineage: self.lineage, name, gcra, need, want })?;
            reached = true;
            let refused = (taken.units < need).then_some(need);
            *last = Last { at_nanos: now_nanos, units: taken.units, taken: Some(taken), refused };
            self.put(taken.units, now_nanos);
        }
    }

    /// Takes back a charge of a request that was then denied; it is lost where the slice has ended.
    fn undo(&self, cost: u64, now_nanos: u64) {
        let undo = |word| {
            let units = left(word, now_nanos).saturating_add(cost);
            (millis(now_nanos) < until(word)).then(|| pack(until(word), units))
        };
        let _ = self.word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, undo);
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `cost` out of the slice, where it has as many.
    fn spend(&self, cost: u64, now_nanos: u64) -> bool {
        let spend = |word| Some(pack(until(word), left(word, now_nanos).checked_sub(cost)?));
        self.word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok()
    }

    /// Adds units to the slice.
    fn put(&self, units: u64, now_nanos: u64) {
        let until = millis(now_nanos).saturating_add(LIFE);
        let put = |word| (units > 0).then(|| pack(until, left(word, now_nanos).saturating_add(units)));
        let _ = self.word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, put);
    }

    fn sliced(&self, last: &Last, granted: bool, reached: bool, now_nanos: u64) -> Sliced {
        let elapsed = now_nanos.saturating_sub(last.at_nanos);
        let (remaining, reset, retry_after) = match last.taken {
            Some(taken) => (taken.remaining, taken.reset, taken.retry_after.filter(|_| !granted)),
            None => (0, 0, None),
        };
        Sliced {
            granted,
            remaining: remaining.saturating_add(left(self.word.load(Ordering::Relaxed), now_nanos)),
            reset: reset.saturating_sub(elapsed),
            retry_after: retry_after.map(|after| after.saturating_sub(elapsed).max(1)),
            reached,
        }
    }
}

impl Last {
    /// Whether what the store said last answers who lacks `need` requests, `elapsed` nanoseconds later.
    fn tells(&self, need: u64, elapsed: u64) -> bool {
        let Some(taken) = self.taken else { return false };
        if need == 0 {
            return elapsed < LENGTH * NANOS_PER_MILLI; // who only looks
        }
        let again = taken.retry_after.unwrap_or(LENGTH * NANOS_PER_MILLI);
        self.refused.is_some_and(|refused| need >= refused) && elapsed < again
    }
}

fn millis(nanos: u64) -> u64 {
    nanos / NANOS_PER_MILLI
}

fn pack(until: u64, units: u64) -> u64 {
    (until << UNITS) | units.min(MOST)
}

/// When a slice ends.
fn until(word: u64) -> u64 {
    word >> UNITS
}

/// What is left of a slice.
fn left(word: u64, now_nanos: u64) -> u64 {
    if millis(now_nanos) < until(word) { word & MOST } else { 0 }
}
