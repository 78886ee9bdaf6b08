//! The counters of a licence, through its renewals and upgrades.
//!
//! They are found once, when a token is authenticated, and then reached from it without a look-up. Counting uses
//! atomic operations only.

use std::{
    iter,
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
};

use licentia_core::{AccountId, License, Timestamp, metering::rate::Tat};

use crate::platform::{Interner, Now, PerProcess, Table, fork::Inside};

use super::{
    driver::{Driver, Stop, Wait},
    meter::{Meter, QuotaCounter},
    outcome::Outcome,
    shared_rate::SharedRate,
    terms::{QuotaTerms, RateTerms},
};

/// All counters of a gate.
pub(crate) struct Accounts {
    table: PerProcess<AccountTable>,
    /// Whether rates are shared with everybody who has the same store.
    shared: bool,
    /// How often the process was forked.
    forks: Arc<AtomicU32>,
}

#[derive(Default)]
struct AccountTable {
    by_id: Table<AccountId, Account>,
    /// What licences say of their rates and quotas.
    rates: Interner<RateTerms>,
    quotas: Interner<QuotaTerms>,
    /// The issuer of the licence that was looked up last, and an account of it: most gates see one issuer, whose name
    /// need not be hashed for each licence.
    issuer: Option<(Box<str>, AccountId)>,
    /// At this number of accounts, those that nobody uses are looked for.
    sweep_at: usize,
}

/// Fewest accounts at which those that nobody uses are looked for.
const SWEEP: usize = 1024;

/// The counters of one account: few, so that they are looked through. Each has the one that came before it.
#[derive(Default)]
struct Account {
    rate: Option<Arc<Rate>>,
    meter: Option<Arc<Meter>>,
}

/// The state of a rate.
struct Rate {
    /// What the first licence that named it said; only the name is the same for all.
    terms: Arc<RateTerms>,
    state: RateState,
    /// Set if it is shared.
    shared: Option<SharedRate>,
    before: Option<Arc<Rate>>,
}

/// The state of a rate that this process counts alone: one word, which an atomic holds. A TAT of more than 584 years
/// takes two, and a lock.
#[derive(Default)]
struct RateState {
    /// The TAT, or [`WIDE`].
    word: AtomicU64,
    /// The TAT if the word says so. Then only the holder of the lock may change the word.
    wide: Mutex<Option<Box<Tat>>>,
}

/// The TAT is in [`RateState::wide`].
const WIDE: u64 = u64::MAX;

impl RateState {
    fn load(&self) -> Tat {
        match self.word.load(Ordering::Relaxed) {
            WIDE => {
                let _inside = Inside::enter();
                self.wide().as_deref().copied().unwrap_or_default()
            }
            word => Tat::from_nanos(word.into()),
        }
    }

    /// Replaces the state by what `step` makes of it, and returns what else that says. `quick` does the same for a state
    /// of one word, unless it takes two.
    #[inline]
    fn update<T>(&self, quick: impl Fn(u64) -> Option<(u64, T)>, step: impl Fn(Tat) -> (Tat, T)) -> T {
        loop {
            let word = self.word.load(Ordering::Relaxed);
            let stepped = if word == WIDE { None } else { quick(word) };
            let Some((next, said)) = stepped.filter(|(next, _)| *next != WIDE) else {
                return self.update_wide(step);
            };
            // A look and a refusal write nothing.
            if next == word || self.replace(word, next) {
                return said;
            }
        }
    }

    #[cold]
    fn update_wide<T>(&self, step: impl Fn(Tat) -> (Tat, T)) -> T {
        let _inside = Inside::enter();
        let mut wide = self.wide();
        loop {
            let word = self.word.load(Ordering::Relaxed);
            let kept = wide.as_deref().copied().filter(|_| word == WIDE);
            let before = kept.unwrap_or(Tat::from_nanos(word.into()));
            let (after, said) = step(before);
            let next = narrow(after).unwrap_or(WIDE);
            if next == WIDE {
                *wide = Some(Box::new(after));
            }
            if self.replace(word, next) {
                return said;
            }
        }
    }

    fn wide(&self) -> MutexGuard<'_, Option<Box<Tat>>> {
        self.wide.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn replace(&self, word: u64, next: u64) -> bool {
        self.word.compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// A TAT as one word.
#[inline]
fn narrow(tat: Tat) -> Option<u64> {
    u64::try_from(tat.as_nanos()).ok().filter(|word| *word != WIDE)
}

/// The counters of one token, in the order in which it names its rates and quotas.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) rates: Box<[RateCounter]>,
    pub(crate) quotas: Box<[QuotaCounter]>,
    /// Whether they are of a period that is over, so that the licence should be looked up again.
    outdated: AtomicBool,
}

impl Counters {
    /// Whether they are of a period that is over.
    pub(crate) fn are_outdated(&self) -> bool {
        self.outdated.load(Ordering::Relaxed)
    }

    /// Says that a period is over.
    pub(crate) fn set_outdated(&self) {
        self.outdated.store(true, Ordering::Relaxed);
    }

    /// The counter of a rate.
    pub(crate) fn rate(&self, name: &str) -> Option<&RateCounter> {
        self.rates.iter().find(|rate| rate.name() == name)
    }

    /// The counter of a meter's quota.
    pub(crate) fn quota(&self, name: &str) -> Option<&QuotaCounter> {
        self.quotas.iter().find(|quota| quota.name() == name)
    }
}

impl Accounts {
    pub(crate) fn new(shared: bool) -> Self {
        Self {
            table: PerProcess::new(AccountTable::default(), AccountTable::default),
            shared,
            forks: Arc::default(),
        }
    }

    /// The counters of a licence; those that its account has already are shared.
    pub(crate) fn counters(&self, license: &License<'_>, now: Now, driver: &Driver) -> Counters {
        let (counters, due) = self.table.with(|table| {
            let due = table.sweep(now.monotonic_nanos);
            (self.find(table, license, now.time), due)
        });
        // Outside the lock, and nobody waits for it. What fails is tried again by the next sweep.
        for meter in due {
            meter.begin_to_settle(driver);
        }
        counters
    }

    fn find(&self, table: &mut AccountTable, license: &License<'_>, now: Timestamp) -> Counters {
        if license.rates().next().is_none() && license.quotas().next().is_none() {
            return Counters::default();
        }
        let id = table.id(license);
        let AccountTable { by_id, rates, quotas, .. } = table;
        let account = by_id.entry(id).or_default();
        let rate = |rate: licentia_core::Rate<'_>| {
            let terms = rates.intern(RateTerms::of(&rate));
            let known = account.rates().find(|known| known.terms.name == terms.name).map(Arc::clone);
            let rate = known.unwrap_or_else(|| {
                let shared = SharedRate::new(self.shared, id, &self.forks);
                let (terms, before) = (Arc::clone(&terms), account.rate.take());
                let new = Arc::new(Rate { terms, state: RateState::default(), shared, before });
                Arc::clone(account.rate.insert(new))
            });
            RateCounter { terms, rate }
        };
        let rates = license.rates().map(rate).collect();
        let quota = |quota: licentia_core::Quota<'_>| {
            let terms = quotas.intern(QuotaTerms::of(&quota));
            let known = account.meters().find(|known| known.counts(&terms)).map(Arc::clone);
            let meter = known.unwrap_or_else(|| {
                let (forks, before) = (Arc::clone(&self.forks), account.meter.take());
                let new = Arc::new(Meter::new(id, Arc::clone(&terms), now, forks, before));
                Arc::clone(account.meter.insert(new))
            });
            QuotaCounter::new(terms, meter)
        };
        let quotas = license.quotas().map(quota).collect();
        Counters { rates, quotas, outdated: AtomicBool::new(false) }
    }

    /// Every meter that there is now.
    pub(crate) fn meters(&self) -> Vec<Arc<Meter>> {
        self.table.with(|table| {
            let meters = table.by_id.values().flat_map(Account::meters);
            meters.map(Arc::clone).collect()
        })
    }

    /// Makes what was taken ahead unusable here: it is the parent's. It waits for no lock.
    pub(crate) fn after_fork(&self) {
        self.forks.fetch_add(1, Ordering::Relaxed);
        self.table.inherit();
    }
}

impl AccountTable {
    /// Who is counted for a licence.
    fn id(&mut self, license: &License<'_>) -> AccountId {
        let issuer = license.issuer();
        match &self.issuer {
            Some((known, id)) if **known == *issuer => AccountId::of_hash(id.issuer(), license.lineage()),
            _ => self.issuer.insert((issuer.into(), license.account())).1,
        }
    }

    /// Evicts unused accounts if there are many, and returns the meters of those that must first give units back.
    fn sweep(&mut self, now_nanos: u64) -> Vec<Arc<Meter>> {
        let mut due = Vec::new();
        if self.by_id.len() >= self.sweep_at {
            self.by_id.retain(|_, account| {
                let unused = account.is_unused(now_nanos);
                let holding = account.meters().filter(|meter| meter.holds_units());
                let before = due.len();
                if unused {
                    due.extend(holding.map(Arc::clone));
                }
                !unused || due.len() > before
            });
            self.sweep_at = self.by_id.len().saturating_mul(2).max(SWEEP);
        }
        due
    }
}

impl Account {
    fn rates(&self) -> impl Iterator<Item = &Arc<Rate>> {
        iter::successors(self.rate.as_ref(), |rate| rate.before.as_ref())
    }

    fn meters(&self) -> impl Iterator<Item = &Arc<Meter>> {
        iter::successors(self.meter.as_ref(), |meter| meter.before())
    }

    /// Whether no token refers to it, and its bursts are whole again.
    fn is_unused(&self, now_nanos: u64) -> bool {
        self.rates()
            .all(|rate| Arc::strong_count(rate) == 1 && rate.state.load().as_nanos() <= now_nanos.into())
            && self.meters().all(|meter| Arc::strong_count(meter) == 1)
    }
}

/// A rate of a token, and its state.
pub(crate) struct RateCounter {
    terms: Arc<RateTerms>,
    rate: Arc<Rate>,
}

impl Deref for RateCounter {
    type Target = RateTerms;

    fn deref(&self) -> &RateTerms {
        &self.terms
    }
}

impl RateCounter {
    /// The rate's name.
    pub(crate) fn name(&self) -> &str {
        &self.terms.name
    }

    /// Counts `cost` requests, or none.
    #[inline]
    pub(crate) fn charge(
        &self,
        cost: u64,
        now_nanos: u64,
        driver: &Driver,
        wait: &Wait<'_>,
    ) -> Result<Outcome, Stop> {
        let Some(shared) = &self.rate.shared else { return Ok(self.charge_here(cost, now_nanos)) };
        shared.charge(&self.terms, cost, now_nanos, driver, wait)
    }

    /// Counts in this process alone.
    #[inline]
    fn charge_here(&self, cost: u64, now_nanos: u64) -> Outcome {
        let admission = self.rate.state.update(
            |word| self.gcra.admit_word(word, now_nanos, cost),
            |tat| {
                let admission = self.gcra.admit(tat, now_nanos, cost);
                (admission.tat, admission)
            },
        );
        let retry_after_ms = admission.retry_after.map(|nanos| nanos.div_ceil(1_000_000));
        self.outcome(admission.granted, admission.remaining, admission.tat, now_nanos, retry_after_ms)
    }

    #[inline]
    fn outcome(
        &self,
        granted: bool,
        remaining: u64,
        tat: Tat,
        now_nanos: u64,
        retry_after_ms: Option<u64>,
    ) -> Outcome {
        let reset_ms = Some(self.gcra.reset(tat, now_nanos).div_ceil(1_000_000));
        Outcome { granted, remaining, reset_ms, retry_after_ms, overage: false, reached: false }
    }

    /// Takes back a charge of a request that was then denied. The time is the one it was made at.
    pub(crate) fn undo(&self, cost: u64, now_nanos: u64) {
        if let Some(shared) = &self.rate.shared {
            return shared.undo(cost, now_nanos);
        }
        let undo = |tat| self.gcra.undo(tat, now_nanos, cost);
        let quick = |word: u64| Some((narrow(undo(Tat::from_nanos(word.into())))?, ()));
        self.rate.state.update(quick, |tat| (undo(tat), ()));
    }

    /// Whether `cost` can be counted without asking the store.
    pub(crate) fn is_at_hand(&self, cost: u64, now_nanos: u64) -> bool {
        self.rate.shared.as_ref().is_none_or(|shared| shared.is_at_hand(cost, now_nanos))
    }
}
