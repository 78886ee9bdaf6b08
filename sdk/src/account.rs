//! The counters of a licence, through its renewals and upgrades.
//!
//! They are found once, when a token is authenticated, and then reached from it without a look-up. Counting
//! is done with atomic operations only.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use licentia_core::{
    License, Overage, Period, Window,
    gcra::{Admission, Gcra},
};

use crate::store::{Cell, Store, Unreachable};

/// All counters of a gate.
#[derive(Default)]
pub(crate) struct Accounts {
    by_lineage: Mutex<HashMap<[u8; 16], Account>>,
}

/// The counters of one lineage.
#[derive(Default)]
struct Account {
    rates: HashMap<String, Arc<AtomicU64>>,
    quotas: HashMap<(String, Period), Arc<Meter>>,
}

/// The counters of one token, in the order in which it names its rates and quotas.
pub(crate) struct Counters {
    pub(crate) rates: Box<[RateCounter]>,
    pub(crate) quotas: Box<[QuotaCounter]>,
}

impl Accounts {
    /// The counters of a licence; those that its lineage has already are shared.
    pub(crate) fn counters(&self, license: &License<'_>) -> Counters {
        let mut accounts = self.by_lineage.lock().unwrap_or_else(PoisonError::into_inner);
        let lineage = license.lineage();
        let account = accounts.entry(lineage).or_default();
        let rates = license.rates().map(|rate| RateCounter {
            name: rate.name.into(),
            burst: rate.burst,
            gcra: Gcra::new(&rate),
            tat: Arc::clone(account.rates.entry(rate.name.to_owned()).or_default()),
        });
        let quotas = license.quotas().map(|quota| QuotaCounter {
            meter: quota.meter.into(),
            limit: quota.limit,
            hard: match quota.overage {
                Overage::UpTo(hard) => hard,
                Overage::Unlimited => u64::MAX,
                _ => quota.limit,
            },
            period: quota.period,
            counter: Arc::clone(account.quotas.entry((quota.meter.to_owned(), quota.period)).or_insert_with(
                || Arc::new(Meter { lineage, name: quota.meter.into(), current: ArcSwap::default() }),
            )),
        });
        Counters { rates: rates.collect(), quotas: quotas.collect() }
    }
}

/// A rate of a token, and its state.
pub(crate) struct RateCounter {
    pub(crate) name: Box<str>,
    pub(crate) burst: u64,
    gcra: Gcra,
    tat: Arc<AtomicU64>,
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
}

impl RateCounter {
    /// Counts `cost` requests, or none.
    pub(crate) fn charge(&self, cost: u64, now_nanos: u64) -> Outcome {
        let mut tat = self.tat.load(Ordering::Relaxed);
        loop {
            match self.gcra.admit(tat, now_nanos, cost) {
                Admission::Refused { retry_after, remaining } => {
                    let retry_after_ms = retry_after.map(|nanos| nanos.div_ceil(1_000_000));
                    return self.outcome(false, remaining, tat, now_nanos, retry_after_ms);
                }
                Admission::Admitted { tat: after, remaining } => {
                    // A peek must not move the state, not even to the present.
                    let after = if cost == 0 { tat } else { after };
                    match self.tat.compare_exchange_weak(tat, after, Ordering::Relaxed, Ordering::Relaxed) {
                        Ok(_) => return self.outcome(true, remaining, after, now_nanos, None),
                        Err(changed) => tat = changed,
                    }
                }
            }
        }
    }

    fn outcome(
        &self,
        granted: bool,
        remaining: u64,
        tat: u64,
        now_nanos: u64,
        retry_after_ms: Option<u64>,
    ) -> Outcome {
        let reset_ms = Some(self.gcra.reset(tat, now_nanos).div_ceil(1_000_000));
        Outcome { granted, remaining, reset_ms, retry_after_ms, overage: false }
    }

    /// Takes back a charge of a request that was then denied.
    pub(crate) fn undo(&self, cost: u64) {
        self.tat.fetch_sub(self.gcra.charge(cost), Ordering::Relaxed);
    }

    /// Seconds in which a whole burst comes back.
    pub(crate) fn burst_seconds(&self) -> u64 {
        self.gcra.charge(self.burst).div_ceil(1_000_000_000)
    }
}

/// A quota of a token, and its counter.
pub(crate) struct QuotaCounter {
    pub(crate) meter: Box<str>,
    pub(crate) limit: u64,
    hard: u64,
    pub(crate) period: Period,
    counter: Arc<Meter>,
}

/// The counter of a meter: the cell of the present period. A cell is never reset; another one takes its place.
struct Meter {
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
    refilling: Mutex<()>,
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
            total: AtomicU64::new(0),
            refilling: Mutex::new(()),
        }
    }

    /// Takes back a charge of a request that was then denied.
    pub(crate) fn undo(&self, cost: u64) {
        self.spent.fetch_sub(cost, Ordering::AcqRel);
    }

    /// Units that are used, by everybody, as far as is known here.
    fn used(&self, spent: u64) -> u64 {
        let unspent = self.taken.load(Ordering::Acquire).saturating_sub(spent);
        self.total.load(Ordering::Acquire).saturating_sub(unspent)
    }
}

impl QuotaCounter {
    /// Charges `cost` of these units, or none, at `now` (seconds since 1970).
    pub(crate) fn charge(
        &self,
        units: &Units,
        cost: u64,
        now: u64,
        store: &dyn Store,
    ) -> Result<Outcome, Unreachable> {
        loop {
            let spent = units.spent.load(Ordering::Acquire);
            let after = spent.saturating_add(cost);
            if after <= units.taken.load(Ordering::Acquire) {
                match units.spent.compare_exchange_weak(spent, after, Ordering::AcqRel, Ordering::Relaxed) {
                    Ok(_) => return Ok(self.outcome(units, true, after, now)),
                    Err(_) => continue,
                }
            }
            if !self.refill(units, cost, store)? {
                return Ok(self.outcome(units, false, spent, now));
            }
        }
    }

    /// Takes what a charge of `cost` would lack, where the store has it.
    pub(crate) fn prepare(&self, units: &Units, cost: u64, store: &dyn Store) {
        let after = units.spent.load(Ordering::Acquire).saturating_add(cost);
        if after > units.taken.load(Ordering::Acquire) {
            let _ = self.refill(units, cost, store);
        }
    }

    /// Takes more units from the store; `false` where it has too few.
    fn refill(&self, units: &Units, cost: u64, store: &dyn Store) -> Result<bool, Unreachable> {
        let _one_at_a_time = units.refilling.lock().unwrap_or_else(PoisonError::into_inner);
        let spent = units.spent.load(Ordering::Acquire);
        let taken = units.taken.load(Ordering::Acquire);
        let need = spent.saturating_add(cost).saturating_sub(taken);
        if need == 0 {
            return Ok(true); // another thread was first
        }
        let cell = Cell { lineage: self.counter.lineage, meter: &self.counter.name, window: units.window };
        let given = store.take(&cell, need, need, self.hard)?;
        units.total.store(given.total, Ordering::Release);
        units.taken.store(taken.saturating_add(given.units), Ordering::Release);
        Ok(given.units >= need)
    }

    fn outcome(&self, units: &Units, granted: bool, spent: u64, now: u64) -> Outcome {
        let used = units.used(spent);
        let reset_ms = units.window.end.map(|end| end.saturating_sub(now).saturating_mul(1000));
        Outcome {
            granted,
            remaining: self.limit.saturating_sub(used),
            reset_ms,
            retry_after_ms: if granted { None } else { reset_ms },
            overage: granted && used > self.limit,
        }
    }

    /// The units of the period at `now`.
    pub(crate) fn units(&self, now: u64) -> Arc<Units> {
        self.counter.units(self.period, now)
    }
}

impl Meter {
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
