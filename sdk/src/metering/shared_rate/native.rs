//! A rate that processes share: each takes short slices of it from the store, and counts in its slice.
//!
//! Whatever comes was given by the store before, which counts all of it by one clock. So the sum over all processes
//! keeps to the rate; what is not used of a slice within its short life is lost.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use licentia_core::{
    AccountId,
    metering::{
        rate::{Gcra, RateTaken},
        shared_rate::{self, Said},
    },
};

use crate::{
    metering::outcome::Outcome,
    platform::fork::Inside,
    store::{RateAsk, Store, Unreachable},
};

/// The slice that a process has of a rate.
struct Slice {
    account: AccountId,
    /// A [`shared_rate::Slice`].
    word: AtomicU64,
    /// What the store said last.
    said: Mutex<Option<Said>>,
    /// How often the process was forked: a child has slices of its own.
    forks: Arc<AtomicU32>,
    fork: AtomicU32,
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
pub(crate) struct SharedRate(Box<Slice>);

impl SharedRate {
    /// The slice of an account's rate, if rates are shared.
    pub(crate) fn new(shared: bool, account: AccountId, forks: &Arc<AtomicU32>) -> Option<Self> {
        let slice = || Slice {
            account,
            word: AtomicU64::default(),
            said: Mutex::default(),
            forks: Arc::clone(forks),
            fork: AtomicU32::default(),
        };
        shared.then(|| Self(Box::new(slice())))
    }

    /// Counts `cost` requests, or none.
    pub(crate) fn charge(
        &self,
        of: (&str, Gcra),
        cost: u64,
        now_nanos: u64,
        store: &dyn Store,
    ) -> Result<Outcome, Unreachable> {
        let millis = |nanos: u64| nanos.div_ceil(1_000_000);
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
        let _inside = Inside::enter();
        let fork = self.forks.load(Ordering::Relaxed);
        if self.fork.load(Ordering::Relaxed) != fork {
            self.word.store(0, Ordering::Relaxed);
            self.fork.store(fork, Ordering::Relaxed);
        }
        if cost > 0 && self.spend(cost, now_nanos) {
            return Ok(self.sliced(*self.said(), gcra, (true, false), now_nanos));
        }
        let (mut said, mut reached) = (self.said(), false);
        loop {
            // Another thread may have been first.
            if cost > 0 && self.spend(cost, now_nanos) {
                return Ok(self.sliced(*said, gcra, (true, reached), now_nanos));
            }
            let need = self.slice().missing(cost, now_nanos);
            // More than a burst never comes.
            let never = cost > gcra.burst();
            if never || said.is_some_and(|said| said.answers(gcra, need, now_nanos)) {
                let sliced = self.sliced(*said, gcra, (cost == 0, reached), now_nanos);
                return Ok(Sliced { retry_after: sliced.retry_after.filter(|_| !never), ..sliced });
            }
            let (used, at) = said.map_or((0, 0), |said| (said.taken.units, said.at));
            let want = match cost {
                0 => 0,
                _ => shared_rate::want(gcra, need, used, now_nanos.saturating_sub(at)),
            };
            let given = store.take_rate(&RateAsk { account: self.account, name, gcra, need, want })?;
            reached = true;
            *said = Some(Said { gcra, need, taken: given, at: now_nanos });
            if cost > 0 && given.units >= need {
                if self.update(|slice| slice.fill(given.units, cost, now_nanos)) {
                    return Ok(self.sliced(*said, gcra, (true, reached), now_nanos));
                }
                // Others have spent what was here meanwhile.
                self.update(|slice| slice.fill(given.units, 0, now_nanos));
            }
        }
    }

    /// Takes back a charge of a request that was then denied; it is lost where the slice has ended.
    fn undo(&self, cost: u64, now_nanos: u64) {
        self.update(|slice| Some(slice.undo(cost, now_nanos)));
    }

    fn said(&self) -> MutexGuard<'_, Option<Said>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slice(&self) -> shared_rate::Slice {
        shared_rate::Slice::from_word(self.word.load(Ordering::Relaxed))
    }

    /// Takes `cost` out of the slice, where it has as many.
    fn spend(&self, cost: u64, now_nanos: u64) -> bool {
        self.update(|slice| slice.spend(cost, now_nanos))
    }

    /// Replaces the slice by what `step` makes of it, and returns whether it made anything.
    fn update(&self, step: impl Fn(shared_rate::Slice) -> Option<shared_rate::Slice>) -> bool {
        let step = |word| step(shared_rate::Slice::from_word(word)).map(shared_rate::Slice::word);
        self.word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).is_ok()
    }

    fn sliced(
        &self,
        said: Option<Said>,
        gcra: Gcra,
        (granted, reached): (bool, bool),
        now_nanos: u64,
    ) -> Sliced {
        let said = said.filter(|said| said.gcra == gcra);
        let elapsed = now_nanos.saturating_sub(said.map_or(now_nanos, |said| said.at));
        let (remaining, reset, retry_after) = match said.map(|said| said.taken) {
            Some(RateTaken { remaining, reset, retry_after, .. }) => {
                (remaining, reset, retry_after.filter(|_| !granted))
            }
            None => (0, 0, None),
        };
        Sliced {
            granted,
            remaining: remaining.saturating_add(self.slice().left(now_nanos)),
            reset: reset.saturating_sub(elapsed),
            retry_after: retry_after.map(|after| after.saturating_sub(elapsed).max(1)),
            reached,
        }
    }
}
