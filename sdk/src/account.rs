//! The counters of a licence, through its renewals and upgrades.
//!
//! They are found once, when a token is authenticated, and then reached from it without a look-up. Counting
//! is done with atomic operations only.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use licentia_core::{
    License, Overage, Period,
    gcra::{Admission, Gcra},
};

use crate::{
    meter::{Meter, QuotaCounter},
    own::Own,
    slice::Slice,
    store::{Store, Unreachable},
};

/// All counters of a gate.
pub(crate) struct Accounts {
    kept: Own<Kept>,
    /// Whether rates are shared with everybody who has the same store.
    shared: bool,
    /// How often the process was forked.
    forks: Arc<AtomicU64>,
}

#[derive(Default)]
struct Kept {
    by_lineage: HashMap<[u8; 16], Account>,
    /// At this number of lineages, those that nobody uses are looked for.
    sweep_at: usize,
}

/// Fewest lineages at which those that nobody uses are looked for.
const SWEEP: usize = 1024;

/// The counters of one lineage.
#[derive(Default)]
struct Account {
    rates: HashMap<String, Arc<Rate>>,
    quotas: HashMap<(String, Period), Arc<Meter>>,
}

/// The state of a rate.
struct Rate {
    tat: AtomicU64,
    slice: Slice,
}

/// The counters of one token, in the order in which it names its rates and quotas.
pub(crate) struct Counters {
    pub(crate) rates: Box<[RateCounter]>,
    pub(crate) quotas: Box<[QuotaCounter]>,
}

impl Accounts {
    pub(crate) fn new(shared: bool) -> Self {
        Self { kept: Own::new(Kept::default(), Kept::default), shared, forks: Arc::default() }
    }

    /// The counters of a licence; those that its lineage has already are shared.
    pub(crate) fn counters(&self, license: &License<'_>, now_nanos: u64, store: &dyn Store) -> Counters {
        let (counters, due) = self.kept.with(|kept| {
            let due = kept.sweep(now_nanos);
            (self.find(kept, license), due)
        });
        // Beside the lock, for it may take its time. What fails is tried again by the next sweep.
        let _ = due.iter().try_for_each(|meter| meter.settle(store));
        counters
    }

    fn find(&self, kept: &mut Kept, license: &License<'_>) -> Counters {
        let lineage = license.lineage();
        let account = kept.by_lineage.entry(lineage).or_default();
        let rates = license.rates().map(|rate| {
            let new =
                || Arc::new(Rate { tat: AtomicU64::new(0), slice: Slice::new(Arc::clone(&self.forks)) });
            RateCounter {
                lineage,
                name: rate.name.into(),
                burst: rate.burst,
                gcra: Gcra::new(&rate),
                shared: self.shared,
                rate: Arc::clone(account.rates.entry(rate.name.to_owned()).or_insert_with(new)),
            }
        });
        let quotas = license.quotas().map(|quota| {
            let hard = match quota.overage {
                Overage::UpTo(hard) => hard,
                Overage::Unlimited => u64::MAX,
                _ => quota.limit,
            };
            let new = || Arc::new(Meter::new(lineage, quota.meter, Arc::clone(&self.forks)));
            let meter = account.quotas.entry((quota.meter.to_owned(), quota.period));
            QuotaCounter::new(quota.limit, hard, quota.period, Arc::clone(meter.or_insert_with(new)))
        });
        Counters { rates: rates.collect(), quotas: quotas.collect() }
    }

    /// Every meter that there is now.
    pub(crate) fn meters(&self) -> Vec<Arc<Meter>> {
        self.kept.with(|kept| {
            kept.by_lineage.values().flat_map(|account| account.quotas.values().map(Arc::clone)).collect()
        })
    }

    /// Makes what was taken ahead unusable here: it is the parent's. It waits for no lock.
    pub(crate) fn after_fork(&self) {
        self.forks.fetch_add(1, Ordering::Relaxed);
        self.kept.inherit();
    }
}

impl Kept {
    /// Lets go of the lineages that nobody uses, where there are many, and gives the meters of those that must give
    /// something back before.
    fn sweep(&mut self, now_nanos: u64) -> Vec<Arc<Meter>> {
        let mut due = Vec::new();
        if self.by_lineage.len() >= self.sweep_at {
            self.by_lineage.retain(|_, account| {
                let unused = account.is_unused(now_nanos);
                let holding = account.quotas.values().filter(|meter| meter.holds_units());
                let before = due.len();
                if unused {
                    due.extend(holding.map(Arc::clone));
                }
                !unused || due.len() > before
            });
            self.sweep_at = self.by_lineage.len().saturating_mul(2).max(SWEEP);
        }
        due
    }
}

impl Account {
    /// Whether no token refers to it, and its bursts are whole again.
    fn is_unused(&self, now_nanos: u64) -> bool {
        self.rates.values().all(|rate| Arc::strong_count(rate) == 1)
            && self.quotas.values().all(|meter| Arc::strong_count(meter) == 1)
            && self.rates.values().all(|rate| rate.tat.load(Ordering::Relaxed) <= now_nanos)
    }
}

/// A rate of a token, and its state.
pub(crate) struct RateCounter {
    lineage: [u8; 16],
    pub(crate) name: Box<str>,
    pub(crate) burst: u64,
    gcra: Gcra,
    shared: bool,
    rate: Arc<Rate>,
}

/// What a counter said. Times are in milliseconds from now.
#[derive(Clone, Copy)]
pub(crate) struct Outcome {
    pub(crate) granted: bool,
    pub(crate) remaining: u64,
    pub(crate) reset_ms: Option<u64>,
    pub(crate) retry_after_ms: Option<u64>,
    /// Whether the quota's own limit is used up, and the contract lets it go on.
    pub(crate) overage: bool,
    /// Whether the store was asked for this, and answered.
    pub(crate) reached: bool,
}

impl RateCounter {
    /// Counts `cost` requests, or none.
    #[inline]
    pub(crate) fn charge(
        &self,
        cost: u64,
        now_nanos: u64,
        store: &dyn Store,
    ) -> Result<Outcome, Unreachable> {
        if !self.shared {
            return Ok(self.charge_here(cost, now_nanos));
        }
        let millis = |nanos: u64| nanos.div_ceil(1_000_000);
        let sliced =
            self.rate.slice.charge((&self.lineage, &self.name, self.gcra), cost, now_nanos, store)?;
        Ok(Outcome {
            granted: sliced.granted,
            remaining: sliced.remaining,
            reset_ms: Some(millis(sliced.reset)),
            retry_after_ms: sliced.retry_after.map(millis),
            overage: false,
            reached: sliced.reached,
        })
    }

    /// Counts in this process alone.
    #[inline]
    fn charge_here(&self, cost: u64, now_nanos: u64) -> Outcome {
        let mut tat = self.rate.tat.load(Ordering::Relaxed);
        loop {
            match self.gcra.admit(tat, now_nanos, cost) {
                Admission::Refused { retry_after, remaining } => {
                    let retry_after_ms = retry_after.map(|nanos| nanos.div_ceil(1_000_000));
                    return self.outcome(false, remaining, tat, now_nanos, retry_after_ms);
                }
                Admission::Admitted { tat: after, remaining } => {
                    // A peek must not move the state, not even to the present.
                    let after = if cost == 0 { tat } else { after };
                    match self.rate.tat.compare_exchange_weak(
                        tat,
                        after,
                        Ordering::Relaxed,
                        Ordering::Relaxed,
                    ) {
                        Ok(_) => return self.outcome(true, remaining, after, now_nanos, None),
                        Err(changed) => tat = changed,
                    }
                }
            }
        }
    }

    #[inline]
    fn outcome(
        &self,
        granted: bool,
        remaining: u64,
        tat: u64,
        now_nanos: u64,
        retry_after_ms: Option<u64>,
    ) -> Outcome {
        let reset_ms = Some(self.gcra.reset(tat, now_nanos).div_ceil(1_000_000));
        Outcome { granted, remaining, reset_ms, retry_after_ms, overage: false, reached: false }
    }

    /// Takes back a charge of a request that was then denied. The time is the one it was made at.
    pub(crate) fn undo(&self, cost: u64, now_nanos: u64) {
        if self.shared {
            return self.rate.slice.undo(cost, now_nanos);
        }
        let undo = |tat| Some(self.gcra.undo(tat, now_nanos, cost));
        let _ = self.rate.tat.fetch_update(Ordering::Relaxed, Ordering::Relaxed, undo);
    }

    /// Whether a charge asks nobody.
    pub(crate) fn is_local(&self) -> bool {
        !self.shared
    }

    /// Seconds in which a whole burst comes back.
    pub(crate) fn burst_seconds(&self) -> u64 {
        self.gcra.tolerance().div_ceil(1_000_000_000)
    }
}
