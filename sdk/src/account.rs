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

use licentia_core::{
    License, Overage, Period,
    gcra::{Admission, Gcra},
};

use crate::{
    meter::{Meter, QuotaCounter},
    store::Store,
};

/// All counters of a gate.
#[derive(Default)]
pub(crate) struct Accounts {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_lineage: HashMap<[u8; 16], Account>,
    /// At this number of lineages, those that nobody uses are looked for.
    sweep_at: usize,
}

/// Fewest lineages at which those that nobody uses are looked for.
const SWEEP: usize = 1024;

/// The counters of one lineage: so few that they are looked through.
#[derive(Default)]
struct Account {
    rates: Vec<(Box<str>, Arc<AtomicU64>)>,
    quotas: Vec<(Period, Arc<Meter>)>,
}

/// The counters of one token, in the order in which it names its rates and quotas.
pub(crate) struct Counters {
    pub(crate) rates: Box<[RateCounter]>,
    pub(crate) quotas: Box<[QuotaCounter]>,
}

impl Accounts {
    /// The counters of a licence; those that its lineage has already are shared.
    pub(crate) fn counters(&self, license: &License<'_>, now_nanos: u64, store: &dyn Store) -> Counters {
        let mut kept = self.lock();
        if kept.by_lineage.len() >= kept.sweep_at {
            kept.by_lineage.retain(|_, account| !account.is_idle(now_nanos, store));
            kept.sweep_at = kept.by_lineage.len().saturating_mul(2).max(SWEEP);
        }
        let lineage = license.lineage();
        let account = kept.by_lineage.entry(lineage).or_default();
        let rates = license.rates().map(|rate| RateCounter {
            name: rate.name.into(),
            burst: rate.burst,
            gcra: Gcra::new(&rate),
            tat: account.rate(rate.name),
        });
        let rates = rates.collect();
        let quotas = license.quotas().map(|quota| {
            let hard = match quota.overage {
                Overage::UpTo(hard) => hard,
                Overage::Unlimited => u64::MAX,
                _ => quota.limit,
            };
            let meter = account.meter(lineage, quota.meter, quota.period);
            QuotaCounter::new(quota.limit, hard, quota.period, meter)
        });
        Counters { rates, quotas: quotas.collect() }
    }

    /// Every meter that there is now.
    pub(crate) fn meters(&self) -> Vec<Arc<Meter>> {
        let kept = self.lock();
        kept.by_lineage
            .values()
            .flat_map(|account| account.quotas.iter().map(|(_, meter)| Arc::clone(meter)))
            .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    /// The state of a rate, which is made where there is none yet.
    fn rate(&mut self, name: &str) -> Arc<AtomicU64> {
        if let Some((_, tat)) = self.rates.iter().find(|(known, _)| **known == *name) {
            return Arc::clone(tat);
        }
        let tat = Arc::default();
        self.rates.push((name.into(), Arc::clone(&tat)));
        tat
    }

    /// The counter of a meter, which is made where there is none yet.
    fn meter(&mut self, lineage: [u8; 16], name: &str, period: Period) -> Arc<Meter> {
        let same = |(known, meter): &&(Period, Arc<Meter>)| *known == period && meter.name() == name;
        if let Some((_, meter)) = self.quotas.iter().find(same) {
            return Arc::clone(meter);
        }
        let meter = Arc::new(Meter::new(lineage, name));
        self.quotas.push((period, Arc::clone(&meter)));
        meter
    }

    /// Whether no token refers to it and nothing of it is needed: its bursts are whole again, and what it had taken
    /// of the store is given back.
    fn is_idle(&self, now_nanos: u64, store: &dyn Store) -> bool {
        let unused = self.rates.iter().all(|(_, tat)| Arc::strong_count(tat) == 1)
            && self.quotas.iter().all(|(_, meter)| Arc::strong_count(meter) == 1);
        unused
            && self.rates.iter().all(|(_, tat)| tat.load(Ordering::Relaxed) <= now_nanos)
            && self.quotas.iter().all(|(_, meter)| meter.settle(store).is_ok())
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
