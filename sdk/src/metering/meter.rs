//! The quota of a meter: units are taken from the store ahead of use, and counted here with one atomic.
//!
//! **Over-grant is zero.** A unit is granted only out of what the store gave to this process, durably, before. What
//! is lost when the process dies is at most what it had taken and not used: one chunk for each meter, beside what is
//! reserved, or was and is not given back yet. A chunk is what one request needs or, where that is more, what lasts for
//! a second at the present pace, of which it is at most a 64th of what is left. So near the limit they are single
//! units, and the last one can be used by anybody.

use std::{
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
};

use licentia_core::{Window, inner::clock::STEP_BACK, metering::quota::Refusal};

use crate::{
    platform::{ArcSwap, ArcSwapOption, Guard},
    store::{Became, Cell, Fault, Store, Taker, Turn, Unreachable},
};

use super::{outage::Outage, outcome::Outcome, terms::QuotaTerms};

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
    lineage: [u8; 16],
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
    /// Since when the store refuses this cell alone.
    outage: Outage,
}

/// How fast units are used.
#[derive(Default)]
struct Pace {
    /// What was used, and when, at the last refill.
    spent: u64,
    at_nanos: u64,
    /// What the store said when it had too few units.
    refused: Option<Refusal>,
    /// The last chunk, and the terms that it was taken under.
    chunk: u64,
    terms: Option<Arc<QuotaTerms>>,
    /// What was used when somebody looked last.
    seen: u64,
    /// When the store was asked last.
    asked_at: u64,
    /// The name that this process takes from the cell by, and the number of its last operation.
    taker: Option<Taker>,
    sequence: u64,
    /// An operation whose answer was lost: the store is asked nothing else of this cell until it says what became of it.
    doubt: Option<Doubt>,
}

/// An operation whose answer was lost.
struct Doubt {
    turn: Turn,
    /// Units that were given back by it; none if it took units.
    gave_back: Option<u64>,
}

impl Pace {
    /// The next operation of this process on the cell.
    fn turn(&mut self) -> Result<Turn, Unreachable> {
        let taker = if let Some(taker) = self.taker {
            taker
        } else {
            let mut name = [0; 16];
            getrandom::fill(&mut name).map_err(|_| Unreachable::because("the system has no random bytes"))?;
            *self.taker.insert(Taker::from_bytes(name))
        };
        self.sequence = self.sequence.saturating_add(1);
        Ok(Turn { taker, sequence: self.sequence })
    }
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
            outage: Outage::none(),
        }
    }

    /// The period.
    pub(crate) fn window(&self) -> Window {
        self.window
    }

    /// Since when the store refuses this cell alone.
    pub(crate) fn outage(&self) -> &Outage {
        &self.outage
    }

    /// Whether these are the units at `now`. A period is never gone back from, unless it turns out that a clock was
    /// far ahead when it began.
    fn fits(&self, now: u64, fork: u32) -> bool {
        let begun = now.saturating_add(STEP_BACK) >= self.window.start;
        self.fork == fork && begun && self.window.end.is_none_or(|end| now < end)
    }

    /// Takes back a charge of a request that was then denied, or of work that cost less.
    pub(crate) fn undo(&self, cost: u64) {
        self.spent.fetch_sub(cost, Ordering::AcqRel);
    }

    /// Notes how many units everybody has taken.
    pub(crate) fn learn(&self, total: u64) {
        self.total.store(total, Ordering::Release);
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
    pub(crate) fn lineage(&self) -> &[u8; 16] {
        &self.counter.lineage
    }

    /// The units of the period at `now`, in seconds since 1970.
    pub(crate) fn units(&self, now: u64) -> Present<'_> {
        let first = &self.first;
        let fork = self.counter.forks.load(Ordering::Relaxed);
        if !first.over.load(Ordering::Acquire) && first.fits(now, fork) {
            return Present::First(first);
        }
        Present::Other(self.counter.units(now))
    }

    /// Whether `cost` can be charged at `now` without asking the store.
    pub(crate) fn is_at_hand(&self, cost: u64, now: u64) -> bool {
        let units = self.counter.current.load();
        units.fits(now, self.counter.forks.load(Ordering::Relaxed)) && cost > 0 && units.unspent() >= cost
    }

    /// Charges `cost` of these units, or none. `now` is in seconds since 1970, `now_nanos` of a monotonic clock.
    #[inline]
    pub(crate) fn charge(
        &self,
        units: &Units,
        cost: u64,
        (now, now_nanos): (u64, u64),
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

    /// The cell of these units.
    pub(crate) fn cell(&self, units: &Units) -> Cell<'_> {
        self.counter.cell(units)
    }

    /// Gives back what was taken ahead here, which may be what a job lacks in the store. Returns whether there was any.
    pub(crate) fn settle(&self, units: &Units, store: &dyn Store) -> Result<bool, Unreachable> {
        let ahead = units.unspent() > 0;
        if ahead {
            self.counter.settle(store)?;
        }
        Ok(ahead)
    }

    /// What a job's charge of `cost` came to, when `total` units were taken in all. The times are in seconds since 1970.
    pub(crate) fn job_outcome(
        &self,
        units: &Units,
        (cost, granted): (u64, bool),
        total: u64,
        now: u64,
    ) -> Outcome {
        units.learn(total);
        let used = units.used(units.spent.load(Ordering::Acquire));
        Outcome { reached: true, ..self.outcome(units, cost, granted, used, now) }
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
        if store.may_wait() && again && pace.refused.is_some_and(|refused| refused.answers(need, self.hard)) {
            return Ok(Refill { enough: false, reached: false });
        }
        if pace.terms.as_ref().is_none_or(|terms| !Arc::ptr_eq(terms, &self.terms)) {
            pace.terms = Some(Arc::clone(&self.terms));
        }
        self.counter.take(units, &mut pace, need, now_nanos, store)
    }

    #[inline]
    fn outcome(&self, units: &Units, cost: u64, granted: bool, used: u64, now: u64) -> Outcome {
        let reset_ms = units.window.end.map(|end| end.saturating_sub(now).saturating_mul(1000));
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
    /// A meter at `now`, in seconds since 1970, and the one of the same lineage before it.
    pub(crate) fn new(
        lineage: [u8; 16],
        terms: Arc<QuotaTerms>,
        now: u64,
        forks: Arc<AtomicU32>,
        before: Option<Arc<Self>>,
    ) -> Self {
        let units = Units::of(terms.period.window(now), forks.load(Ordering::Relaxed));
        let current = ArcSwap::from_pointee(units);
        Self { lineage, terms, current, left: ArcSwapOption::empty(), forks, before }
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
        Cell { lineage: self.lineage, meter: &self.terms.name, window: units.window }
    }

    /// The units of the period at `now`.
    fn units(&self, now: u64) -> Guard<Arc<Units>> {
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
    fn turn(&self, now: u64, fork: u32) {
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
        if self.resolve(units, pace, store)? {
            // What was in doubt may be enough.
            let unspent = units.unspent();
            if unspent >= need {
                return Ok(Refill { enough: true, reached: true });
            }
        }
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
        let turn = pace.turn()?;
        let given = match store.take_in_turn(&self.cell(units), turn, need, want, hard) {
            Err(error) if error.fault() == Fault::Unknown => {
                pace.doubt = Some(Doubt { turn, gave_back: None });
                return Err(error);
            }
            given => given?,
        };
        units.outage.end();
        units.total.store(given.total, Ordering::Release);
        units.taken.store(taken.saturating_add(given.units), Ordering::Release);
        (pace.spent, pace.at_nanos, pace.asked_at) = (spent, now_nanos, now_nanos);
        pace.chunk = chunk.max(1);
        let enough = given.units >= need;
        pace.refused = (!enough).then_some(Refusal { total: given.total });
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
        self.resolve(units, pace, store)?;
        let turn = pace.turn()?;
        let unspent = units.claim(pace, keep);
        if unspent == 0 {
            return Ok(());
        }
        match store.give_back_in_turn(&self.cell(units), turn, unspent) {
            Ok(()) => {
                let known = |total| {
                    (total != UNKNOWN).then_some(total).map(|total: u64| total.saturating_sub(unspent))
                };
                let _ = units.total.fetch_update(Ordering::AcqRel, Ordering::Acquire, known);
            }
            Err(error) if error.fault() == Fault::Unknown => {
                pace.doubt = Some(Doubt { turn, gave_back: Some(unspent) });
                return Err(error);
            }
            // They did not go back: they can be used here.
            Err(error) => {
                units.undo(unspent);
                return Err(error);
            }
        }
        pace.seen = units.spent.load(Ordering::Acquire);
        pace.spent = pace.spent.saturating_add(unspent);
        Ok(())
    }

    /// Asks what became of an operation whose answer was lost. Returns whether there was one.
    fn resolve(&self, units: &Units, pace: &mut Pace, store: &dyn Store) -> Result<bool, Unreachable> {
        let Some(doubt) = &pace.doubt else { return Ok(false) };
        match (store.resolve(&self.cell(units), doubt.turn)?, doubt.gave_back) {
            (Became::Again(taken), None) => {
                units.taken.fetch_add(taken, Ordering::AcqRel);
            }
            // It was not done, and never will be: the units are here.
            (Became::New, Some(unspent)) => units.undo(unspent),
            _ => {}
        }
        pace.doubt = None;
        Ok(true)
    }
}
