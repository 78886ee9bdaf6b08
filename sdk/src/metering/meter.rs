//! The quota of a meter: units are taken from the store ahead of use, and counted here with one atomic.
//!
//! **Over-grant is zero.** A unit is granted only out of what the store gave to this process, durably, before. What
//! is lost when the process dies is at most what it had taken and not used: one chunk for each meter, beside what is
//! reserved, or was and is not given back yet. A chunk is what one request needs or, where that is more, what lasts for
//! a second at the present pace, of which it is at most a 64th of what is left. So near the limit they are single
//! units, and the last one can be used by anybody.

use std::{
    num::NonZeroU64,
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
};

use licentia_core::{AccountId, Lineage, Timestamp, Window, inner::clock::STEP_BACK};

use crate::{
    platform::{ArcSwap, ArcSwapOption, Guard},
    store::{Cell, Finish, Job, Once, Store, Unreachable},
};

use super::{outcome::Outcome, terms::QuotaTerms};

/// A chunk is this part of what is left, so that no process takes what others need.
const PART: u64 = 64;
const NANOS_PER_SECOND: u64 = 1_000_000_000;
const NANOS_PER_MICRO: u64 = 1_000;
/// Stands for a number of units that the store was never asked for.
const UNKNOWN: u64 = u64::MAX;
/// The shortest time that a pace is measured over.
const SHORTEST: u64 = NANOS_PER_SECOND / 1000;
/// After the store had too few units it is not asked again for as long, so that denials stay cheap.
const EXHAUSTED: u64 = NANOS_PER_SECOND / 10;
/// Who only looks is told what the store said within this time.
const LOOK: u64 = NANOS_PER_SECOND;

/// A quota of a token, and its counter.
pub(crate) struct QuotaCounter {
    terms: Arc<QuotaTerms>,
    counter: Arc<Meter>,
    /// The units of the period when this was made: those of most requests, which need not look for them.
    first: Arc<Units>,
}

/// The units of a period, as a request has them.
pub(crate) enum Present<'q> {
    /// Those that a licence has at hand.
    First(&'q Arc<Units>),
    /// Others, since another period has begun.
    Other(Guard<Arc<Units>>),
}

impl Present<'_> {
    /// To be kept for longer than a request.
    pub(crate) fn share(&self) -> Arc<Units> {
        Arc::clone(self.get())
    }

    /// Whether these are other ones than the licence has at hand.
    pub(crate) fn is_other(&self) -> bool {
        matches!(self, Self::Other(_))
    }

    fn get(&self) -> &Arc<Units> {
        match self {
            Self::First(units) => units,
            Self::Other(units) => units,
        }
    }
}

impl Deref for Present<'_> {
    type Target = Units;

    fn deref(&self) -> &Units {
        self.get()
    }
}

/// The counter of a meter: the cell of the present period. A cell is never reset; another one takes its place.
pub(crate) struct Meter {
    account: AccountId,
    /// What the first licence that named it said; name and period are the same for all.
    terms: Arc<QuotaTerms>,
    current: ArcSwap<Units>,
    /// Units of a period that had not come yet, which a clock that was far ahead had begun: to be given back.
    left: ArcSwapOption<Units>,
    /// How often the process was forked: see [`crate::Gate::after_fork`].
    forks: Arc<AtomicU32>,
    before: Option<Arc<Meter>>,
}

/// The units of one period.
pub(crate) struct Units {
    window: Window,
    /// How often the process had been forked: a child has units of its own.
    fork: u32,
    /// Whether another period was begun.
    over: AtomicBool,
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
    /// How many units the store did not have then.
    refused: Option<NonZeroU64>,
    /// The last chunk, and the terms that it was taken under.
    chunk: u64,
    terms: Option<Arc<QuotaTerms>>,
    /// What was used when somebody looked last.
    seen: u64,
    /// When the store was asked last.
    asked_at: u64,
}

impl Units {
    fn of(window: Window, fork: u32) -> Self {
        Self {
            window,
            fork,
            over: AtomicBool::new(false),
            spent: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            total: AtomicU64::new(UNKNOWN),
            refilling: Mutex::default(),
        }
    }

    /// The period.
    pub(crate) fn window(&self) -> Window {
        self.window
    }

    /// Whether these are the units at `now`. A period is never gone back from, unless it turns out that a clock was
    /// far ahead when it began.
    fn fits(&self, now: Timestamp, fork: u32) -> bool {
        let begun = now.saturating_add(STEP_BACK) >= self.window.start;
        self.fork == fork && begun && self.window.end.is_none_or(|end| now < end)
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

    /// Makes what was taken and not used unusable here, but for `keep` of it, and gives its number. The pace is held,
    /// so that nothing is taken meanwhile.
    fn claim(&self, _held: &Pace, keep: u64) -> u64 {
        let most = self.taken.load(Ordering::Acquire).saturating_sub(keep);
        let claim = |spent: u64| (spent < most).then_some(most);
        let spent = self.spent.fetch_update(Ordering::AcqRel, Ordering::Acquire, claim);
        spent.map_or(0, |spent| most.saturating_sub(spent))
    }
}

impl Deref for QuotaCounter {
    type Target = QuotaTerms;

    fn deref(&self) -> &QuotaTerms {
        &self.terms
    }
}

impl QuotaCounter {
    pub(crate) fn new(terms: Arc<QuotaTerms>, counter: Arc<Meter>) -> Self {
        let first = counter.current.load_full();
        Self { terms, counter, first }
    }

    /// The meter's name.
    pub(crate) fn name(&self) -> &str {
        &self.terms.name
    }

    /// The licence, through its renewals and upgrades.
    pub(crate) fn lineage(&self) -> Lineage {
        self.counter.account.lineage()
    }

    /// The units of the period at `now`.
    pub(crate) fn units(&self, now: Timestamp) -> Present<'_> {
        let first = &self.first;
        let fork = self.counter.forks.load(Ordering::Relaxed);
        if !first.over.load(Ordering::Acquire) && first.fits(now, fork) {
            return Present::First(first);
        }
        Present::Other(self.counter.units(now))
    }

    /// Whether `cost` can be charged at `now` without asking the store.
    pub(crate) fn is_at_hand(&self, cost: u64, now: Timestamp) -> bool {
        let units = self.counter.current.load();
        units.fits(now, self.counter.forks.load(Ordering::Relaxed)) && cost > 0 && units.unspent() >= cost
    }

    /// Charges `cost` of these units, or none. `now_nanos` is of a monotonic clock.
    #[inline]
    pub(crate) fn charge(
        &self,
        units: &Units,
        cost: u64,
        (now, now_nanos): (Timestamp, u64),
        store: &dyn Store,
    ) -> Result<Outcome, Unreachable> {
        let mut reached = false;
        if cost == 0 {
            reached = self.look(units, now_nanos, store)?;
        }
        loop {
            let spent = units.spent.load(Ordering::Acquire);
            let after = spent.saturating_add(cost);
            let granted = if after <= units.taken.load(Ordering::Acquire) {
                // What is held may have been taken for a token of the lineage with a greater limit.
                if cost > 0 && units.used(after) > self.hard {
                    reached |= self.look(units, now_nanos, store)?;
                    if units.used(after) > self.hard {
                        let used = units.used(spent);
                        return Ok(Outcome { reached, ..self.outcome(units, cost, false, used, now) });
                    }
                }
                match units.spent.compare_exchange_weak(spent, after, Ordering::AcqRel, Ordering::Relaxed) {
                    Ok(_) => Some(true),
                    Err(_) => continue,
                }
            } else {
                let refill = self.refill(units, cost, now_nanos, store)?;
                reached |= refill.reached;
                (!refill.enough).then_some(false)
            };
            if let Some(granted) = granted {
                let used = units.used(if granted { after } else { spent });
                return Ok(Outcome { reached, ..self.outcome(units, cost, granted, used, now) });
            }
        }
    }

    /// Asks what others have used, where that was not done for a while. Gives whether the store was reached.
    #[cold]
    fn look(&self, units: &Units, now_nanos: u64, store: &dyn Store) -> Result<bool, Unreachable> {
        let mut pace = units.pace();
        let known = units.total.load(Ordering::Acquire) != UNKNOWN;
        if known && now_nanos.saturating_sub(pace.asked_at) < LOOK {
            return Ok(false);
        }
        match store.take(&self.counter.cell(units), 0, 0, self.hard) {
            Ok(found) => units.total.store(found.total, Ordering::Release),
            // What was said before is better than nothing.
            Err(_) if known => return Ok(false),
            Err(unreachable) => return Err(unreachable),
        }
        pace.asked_at = now_nanos;
        Ok(true)
    }

    /// Charges a job once, whoever asks and however often. It goes to the store each time. Gives also whether it was
    /// charged by this call.
    pub(crate) fn charge_once(
        &self,
        units: &Units,
        job: Job<'_>,
        cost: u64,
        now: Timestamp,
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
        let used = units.used(units.spent.load(Ordering::Acquire));
        Ok((Outcome { reached: true, ..self.outcome(units, cost, granted, used, now) }, charged))
    }

    /// Finishes what a job was charged; see [`Store::finish_once`].
    pub(crate) fn finish_once(
        &self,
        units: &Units,
        job: &str,
        finish: Finish,
        store: &dyn Store,
    ) -> Result<bool, Unreachable> {
        let finished = store.finish_once(&self.counter.cell(units), job, finish)?;
        // What was said before is no longer so: who looks asks anew.
        units.pace().asked_at = 0;
        Ok(finished)
    }

    /// Takes what a charge of `cost` would lack, where the store has it.
    pub(crate) fn prefetch(&self, units: &Units, cost: u64, now_nanos: u64, store: &dyn Store) {
        // A store out of reach is told by the check.
        if cost > units.unspent() {
            let _ = self.refill(units, cost, now_nanos, store);
        } else if cost == 0 && units.total.load(Ordering::Acquire) == UNKNOWN {
            let _ = store.take(&self.counter.cell(units), 0, 0, self.hard);
        }
    }

    /// Takes more units from the store.
    #[cold]
    fn refill(
        &self,
        units: &Units,
        cost: u64,
        now_nanos: u64,
        store: &dyn Store,
    ) -> Result<Refill, Unreachable> {
        let mut pace = units.pace();
        let spent = units.spent.load(Ordering::Acquire);
        let taken = units.taken.load(Ordering::Acquire);
        let need = spent.saturating_add(cost).saturating_sub(taken);
        if need == 0 {
            return Ok(Refill { enough: true, reached: false }); // another thread was first
        }
        let again = now_nanos.saturating_sub(pace.at_nanos) < EXHAUSTED;
        if store.may_wait() && again && pace.refused.is_some_and(|units| need >= units.get()) {
            return Ok(Refill { enough: false, reached: false });
        }
        if pace.terms.as_ref().is_none_or(|terms| !Arc::ptr_eq(terms, &self.terms)) {
            pace.terms = Some(Arc::clone(&self.terms));
        }
        self.counter.take(units, &mut pace, need, now_nanos, store)
    }

    #[inline]
    fn outcome(&self, units: &Units, cost: u64, granted: bool, used: u64, now: Timestamp) -> Outcome {
        let reset_ms = units.window.end.map(|end| end.seconds_since(now).saturating_mul(1000));
        Outcome {
            granted,
            remaining: self.limit.saturating_sub(used),
            reset_ms,
            // What is more than a period's units is never granted.
            retry_after_ms: reset_ms.filter(|_| !granted && cost <= self.hard),
            overage: granted && used > self.limit,
            reached: false,
        }
    }
}

/// What came of asking for more units.
struct Refill {
    enough: bool,
    /// Whether the store was asked, and answered.
    reached: bool,
}

impl Meter {
    /// A meter at `now`, and the one of the same lineage before it.
    pub(crate) fn new(
        account: AccountId,
        terms: Arc<QuotaTerms>,
        now: Timestamp,
        forks: Arc<AtomicU32>,
        before: Option<Arc<Self>>,
    ) -> Self {
        let units = Units::of(terms.period.window(now), forks.load(Ordering::Relaxed));
        let current = ArcSwap::from_pointee(units);
        Self { account, terms, current, left: ArcSwapOption::empty(), forks, before }
    }

    /// The meter of the same lineage before it.
    pub(crate) fn before(&self) -> Option<&Arc<Self>> {
        self.before.as_ref()
    }

    /// Whether it counts what a licence of its lineage says.
    pub(crate) fn counts(&self, terms: &QuotaTerms) -> bool {
        self.terms.period == terms.period && self.terms.name == terms.name
    }

    fn cell(&self, units: &Units) -> Cell<'_> {
        Cell { account: self.account, meter: &self.terms.name, window: units.window }
    }

    /// The units of the period at `now`.
    fn units(&self, now: Timestamp) -> Guard<Arc<Units>> {
        let fork = self.forks.load(Ordering::Relaxed);
        let current = self.current.load();
        if current.fits(now, fork) {
            return current;
        }
        self.turn(now, fork);
        self.current.load()
    }

    /// Begins the period at `now`.
    #[cold]
    fn turn(&self, now: Timestamp, fork: u32) {
        let next = Arc::new(Units::of(self.terms.period.window(now), fork));
        // Another thread may have been first; then its cell is the one that counts.
        let before = self
            .current
            .rcu(|current| if current.fits(now, fork) { Arc::clone(current) } else { Arc::clone(&next) });
        if before.fits(now, fork) {
            return;
        }
        before.over.store(true, Ordering::Release);
        if before.fork == fork && now < before.window.start {
            self.left.store(Some(before));
        }
    }

    /// Takes `need` units from the store, and more where the pace asks for them.
    fn take(
        &self,
        units: &Units,
        pace: &mut Pace,
        need: u64,
        now_nanos: u64,
        store: &dyn Store,
    ) -> Result<Refill, Unreachable> {
        let spent = units.spent.load(Ordering::Acquire);
        let taken = units.taken.load(Ordering::Acquire);
        let elapsed = now_nanos.saturating_sub(pace.at_nanos).max(SHORTEST);
        let used = spent.saturating_sub(pace.spent);
        let per_second =
            used.saturating_mul(NANOS_PER_SECOND / NANOS_PER_MICRO) / (elapsed / NANOS_PER_MICRO).max(1);
        let (limit, hard) = pace.terms.as_ref().map_or((0, 0), |terms| (terms.limit, terms.hard));
        let total = units.total.load(Ordering::Acquire);
        // What was never asked for is not known to be there: the first time takes what is needed.
        let left = match total {
            UNKNOWN => 0,
            _ if total < limit => limit.saturating_sub(total),
            _ => hard.saturating_sub(total),
        };
        let chunk = per_second.min(left / PART);
        // What is here already is a part of the chunk, so that no more than one is ever held.
        let want = need.max(chunk.saturating_sub(taken.saturating_sub(spent)));
        let given = store.take(&self.cell(units), need, want, hard)?;
        units.total.store(given.total, Ordering::Release);
        units.taken.store(taken.saturating_add(given.units), Ordering::Release);
        (pace.spent, pace.at_nanos, pace.asked_at) = (spent, now_nanos, now_nanos);
        pace.chunk = chunk.max(1);
        let enough = given.units >= need;
        pace.refused = NonZeroU64::new(need).filter(|_| !enough);
        Ok(Refill { enough, reached: true })
    }

    /// Looks after the meter from beside the requests: fetches the next chunk when half of the last one is used, and
    /// gives back what nobody uses any more, and what is more than a chunk.
    pub(crate) fn refill_or_return(&self, now_nanos: u64, store: &dyn Store) -> Result<(), Unreachable> {
        self.clear(store)?;
        let units = self.current.load_full();
        let mut pace = units.pace();
        let spent = units.spent.load(Ordering::Acquire);
        let unspent = units.taken.load(Ordering::Acquire).saturating_sub(spent);
        let idle = spent == std::mem::replace(&mut pace.seen, spent);
        let chunk = if idle { 0 } else { pace.chunk };
        if unspent > chunk {
            return self.give_back(&units, &mut pace, chunk, store);
        }
        if !idle && chunk > 1 && unspent < chunk / 2 {
            self.take(&units, &mut pace, 1, now_nanos, store)?;
        }
        Ok(())
    }

    /// Whether something was taken and not used.
    pub(crate) fn holds_units(&self) -> bool {
        self.current.load().unspent() > 0 || self.left.load().is_some()
    }

    /// Gives back what was taken and not used. It goes on: the next charge takes anew.
    pub(crate) fn settle(&self, store: &dyn Store) -> Result<(), Unreachable> {
        self.clear(store)?;
        let units = self.current.load_full();
        let mut pace = units.pace();
        self.give_back(&units, &mut pace, 0, store)
    }

    /// Gives back what a clock that was far ahead had taken.
    fn clear(&self, store: &dyn Store) -> Result<(), Unreachable> {
        let Some(left) = self.left.swap(None) else { return Ok(()) };
        let given = self.give_back(&left, &mut left.pace(), 0, store);
        if given.is_err() {
            self.left.store(Some(Arc::clone(&left)));
        }
        given
    }

    /// Gives back all but `keep` of what was taken and not used.
    fn give_back(
        &self,
        units: &Units,
        pace: &mut Pace,
        keep: u64,
        store: &dyn Store,
    ) -> Result<(), Unreachable> {
        if units.unspent() <= keep || units.fork != self.forks.load(Ordering::Relaxed) {
            return Ok(());
        }
        // While the store is out of reach they stay here, and can be used. Only one that fails between this and the
        // next line loses them: whether it has taken them back is not known then, and they are never granted twice.
        let found = store.take(&self.cell(units), 0, 0, 0)?;
        units.total.store(found.total, Ordering::Release);
        let unspent = units.claim(pace, keep);
        pace.seen = units.spent.load(Ordering::Acquire);
        pace.spent = pace.spent.saturating_add(unspent);
        if unspent > 0 {
            store.give_back(&self.cell(units), unspent)?;
            units.total.store(found.total.saturating_sub(unspent), Ordering::Release);
        }
        Ok(())
    }
}
