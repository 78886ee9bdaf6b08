//! The quota of a meter: units are taken from the store ahead of use, and counted here with one atomic.
//!
//! **Over-grant is zero.** A unit is granted only out of what the store gave to this process, durably, before. What
//! is lost when the process dies is at most what it had taken and not used: one chunk for each meter, beside what is
//! reserved, or was and is not given back yet. A chunk is what one request needs or, if that is more, what lasts for
//! a second at the present pace, of which it is at most a 64th of what is left. So near the limit they are single
//! units, and the last one can be used by anybody.
//!
//! The store is asked one question of a cell at a time, by the [`Driver`]. A request that needs units that
//! are not here waits for the answer, and the next question is for all that wait. An operation whose answer was lost is
//! resolved by its turn before anything else, so that its units are neither lost nor granted twice.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Poll, Waker},
};

use licentia_core::{AccountId, Lineage, Timestamp, metering::quota::Refusal};

use crate::{
    platform::{ArcSwap, ArcSwapOption, Guard},
    store::{Answer, Became, Cell, Fault, Op, Turn, Unreachable},
};

use super::{
    driver::{Ask, Care, Driver, Holder, LOOKS_AFTER, Stop, Wait},
    outcome::Outcome,
    terms::QuotaTerms,
    units::{Doubt, Pace, UNKNOWN, Units},
};

/// A chunk is this part of what is left, so that no process takes what others need.
const PART: u64 = 64;
const NANOS_PER_SECOND: u64 = 1_000_000_000;
const NANOS_PER_MICRO: u64 = 1_000;
/// The shortest time that a pace is measured over: a few requests at once say little of the next second.
const SHORTEST: u64 = NANOS_PER_SECOND / 4;
/// As [`SHORTEST`], if nothing fetches units between the requests: the pace must be found from fewer of them.
const SHORTEST_ALONE: u64 = NANOS_PER_SECOND / 1000;
/// After the store had too few units it is not asked again for as long, so that denials stay cheap.
const EXHAUSTED: u64 = NANOS_PER_SECOND / 10;
/// A cost of 0 reads a total that is up to this old.
const LOOK: u64 = NANOS_PER_SECOND;
/// Units that nobody uses for as long are given back.
const IDLE: u64 = NANOS_PER_SECOND * 3 / 10;

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
        Arc::clone(self)
    }

    /// Whether these are other ones than the licence has at hand.
    pub(crate) fn is_other(&self) -> bool {
        matches!(self, Self::Other(_))
    }
}

impl Deref for Present<'_> {
    type Target = Arc<Units>;

    fn deref(&self) -> &Arc<Units> {
        match self {
            Self::First(units) => units,
            Self::Other(units) => units,
        }
    }
}

/// The counter of a meter: the cell of the present period. A cell is never reset; another one takes its place.
pub(crate) struct Meter {
    account: AccountId,
    /// What the first licence that named it said; name and period are the same for all.
    terms: Arc<QuotaTerms>,
    current: ArcSwap<Units>,
    /// Units of other periods, which a clock that has jumped left behind: used when it jumps back, else given back.
    left: ArcSwapOption<Vec<Arc<Units>>>,
    /// How often the process was forked: see [`crate::Gate::after_fork`].
    forks: Arc<AtomicU32>,
    before: Option<Arc<Meter>>,
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

    /// The cell at a time.
    pub(crate) fn cell_at(&self, time: Timestamp) -> Cell<'_> {
        Cell { account: self.counter.account, meter: self.name(), window: self.period.window(time) }
    }

    /// The licence, through its renewals and upgrades.
    pub(crate) fn lineage(&self) -> Lineage {
        self.counter.account.lineage()
    }

    /// Its counter, to be kept for longer than a request.
    pub(crate) fn meter(&self) -> &Arc<Meter> {
        &self.counter
    }

    /// The units of the period at `now`, in seconds since 1970.
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
        units: &Arc<Units>,
        cost: u64,
        (now, now_nanos): (Timestamp, u64),
        driver: &Driver,
        wait: &Wait<'_>,
    ) -> Result<Outcome, Stop> {
        let mut reached = false;
        if cost == 0 {
            reached = self.look(units, now_nanos, driver, wait)?;
        }
        loop {
            let spent = units.spent.load(Ordering::Acquire);
            let after = spent.saturating_add(cost);
            let granted = if after <= units.taken.load(Ordering::Acquire) {
                // What is held may have been taken for a token of the lineage with a greater limit.
                if cost > 0 && units.used(after) > self.hard {
                    reached |= self.look(units, now_nanos, driver, wait)?;
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
                let refill = self.refill(units, cost, now_nanos, driver, wait)?;
                reached |= refill.reached;
                (!refill.enough).then_some(false)
            };
            if let Some(granted) = granted {
                let used = units.used(if granted { after } else { spent });
                return Ok(Outcome { reached, ..self.outcome(units, cost, granted, used, now) });
            }
        }
    }

    /// Asks what others have used, if that was not done for a while. Returns whether the store was reached.
    #[cold]
    fn look(
        &self,
        units: &Arc<Units>,
        now_nanos: u64,
        driver: &Driver,
        wait: &Wait<'_>,
    ) -> Result<bool, Stop> {
        let is_known = || units.total.load(Ordering::Acquire) != UNKNOWN;
        let looked = driver.wait(wait, |waker, begun| {
            loop {
                let mut pace = units.pace();
                if pace.looked > begun {
                    return Poll::Ready(Ok(true));
                }
                if is_known() && now_nanos.saturating_sub(pace.asked_at) < LOOK {
                    return Poll::Ready(Ok(false));
                }
                if let Some(error) = pace.failure(begun) {
                    return Poll::Ready(Err(error));
                }
                pace.rare().waiting.push(waker.clone());
                if pace.is_asked {
                    return Poll::Pending;
                }
                let ask = self.counter.ask(units, &mut pace, What::Look { hard: self.hard }, now_nanos);
                drop(pace);
                driver.ask(ask);
                if driver.may_wait() {
                    return Poll::Pending;
                }
            }
        });
        match looked {
            // What was said before is better than nothing.
            Err(Stop::Unreachable(_)) if is_known() => Ok(false),
            looked => looked,
        }
    }

    /// Gives back what was taken ahead here, which may be what a job lacks in the store. Returns whether there was any.
    pub(crate) fn settle(&self, units: &Arc<Units>, driver: &Driver, wait: &Wait<'_>) -> Result<bool, Stop> {
        let ahead = units.unspent() > 0;
        driver.wait(wait, |waker, begun| self.counter.poll_settle(units, 0, driver, (waker, begun)))?;
        Ok(ahead)
    }

    /// What a job's charge of `cost` came to, when `total` units were taken in all. The times are in seconds since 1970.
    pub(crate) fn job_outcome(
        &self,
        units: &Units,
        (cost, granted): (u64, bool),
        total: u64,
        now: Timestamp,
    ) -> Outcome {
        units.learn(total);
        let used = units.used(units.spent.load(Ordering::Acquire));
        Outcome { reached: true, ..self.outcome(units, cost, granted, used, now) }
    }

    /// Takes what a charge of `cost` would lack, if the store has it.
    pub(crate) fn prefetch(&self, units: &Arc<Units>, cost: u64, now_nanos: u64, driver: &Driver) {
        // A store out of reach is told by the check.
        if cost > units.unspent() {
            let _ = self.refill(units, cost, now_nanos, driver, &Wait::Block);
        } else if cost == 0 && units.total.load(Ordering::Acquire) == UNKNOWN {
            let _ = self.look(units, now_nanos, driver, &Wait::Block);
            if !driver.may_wait() {
                // The question was a wish, and what the store said before it came true is no answer.
                units.total.store(UNKNOWN, Ordering::Release);
                units.pace().asked_at = 0;
            }
        }
    }

    /// Takes more units from the store.
    #[cold]
    fn refill(
        &self,
        units: &Arc<Units>,
        cost: u64,
        now_nanos: u64,
        driver: &Driver,
        wait: &Wait<'_>,
    ) -> Result<Refill, Stop> {
        driver.wait(wait, |waker, begun| self.poll_refill(units, (cost, now_nanos), driver, (waker, begun)))
    }

    fn poll_refill(
        &self,
        units: &Arc<Units>,
        (cost, now_nanos): (u64, u64),
        driver: &Driver,
        (waker, begun): (&Waker, u64),
    ) -> Poll<Result<Refill, Unreachable>> {
        // Whether a store that answers at once was asked for exactly these units. It then has no more of them, even if
        // its total is below the limit: a host brings units to `Leased`, and may have brought too few.
        let mut was_asked = false;
        loop {
            let mut pace = units.pace();
            let spent = units.spent.load(Ordering::Acquire);
            let taken = units.taken.load(Ordering::Acquire);
            let need = spent.saturating_add(cost).saturating_sub(taken);
            if need == 0 {
                return Poll::Ready(Ok(Refill { enough: true, reached: pace.looked > begun }));
            }
            if let Some(error) = pace.failure(begun) {
                return Poll::Ready(Err(error));
            }
            let again = now_nanos.saturating_sub(pace.at_nanos) < EXHAUSTED;
            let fresh = pace.refused > begun;
            let asked = fresh || (pace.refused > 0 && driver.may_wait() && again);
            let refusal = Refusal { total: units.total.load(Ordering::Acquire) };
            if (was_asked && fresh) || (asked && refusal.answers(need, self.hard)) {
                return Poll::Ready(Ok(Refill { enough: false, reached: fresh }));
            }
            pace.rare().waiting.push(waker.clone());
            if pace.is_asked {
                let rare = pace.rare();
                rare.wanted = rare.wanted.saturating_add(cost);
                return Poll::Pending;
            }
            pace.rare().terms = Some(Arc::clone(&self.terms));
            let ask = match self.counter.take(units, &mut pace, need, (now_nanos, driver.may_wait())) {
                Ok(ask) => ask,
                Err(error) => return Poll::Ready(Err(error)),
            };
            drop(pace);
            driver.ask(ask);
            if driver.may_wait() {
                return Poll::Pending;
            }
            was_asked = true;
        }
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

/// What the store is asked of a cell.
enum What {
    Take { turn: Option<Turn>, need: u64, want: u64, hard: u64, spent: u64, chunk: u64 },
    GiveBack { turn: Option<Turn>, units: u64 },
    Resolve(Doubt),
    Look { hard: u64 },
}

/// A question of a meter.
struct UnitsAsk {
    meter: Arc<Meter>,
    units: Arc<Units>,
    what: What,
    now_nanos: u64,
}

impl Ask for UnitsAsk {
    fn op(&self) -> Op<'_> {
        let cell = self.meter.cell(&self.units);
        match self.what {
            What::Take { turn, need, want, hard, .. } => Op::Take { cell, by: turn, need, want, limit: hard },
            What::GiveBack { turn, units } => Op::GiveBack { cell, by: turn, units },
            What::Resolve(doubt) => Op::Resolve { cell, by: doubt.turn },
            What::Look { hard } => Op::Take { cell, by: None, need: 0, want: 0, limit: hard },
        }
    }

    fn done(self: Box<Self>, answer: Result<Answer, Unreachable>, number: u64) -> Option<Arc<dyn Holder>> {
        let waiting = {
            let mut pace = self.units.pace();
            let failed = self.apply(&mut pace, answer, number).err();
            pace.answered(failed.map(|error| (number, error)))
        };
        waiting.into_iter().for_each(Waker::wake);
        if !LOOKS_AFTER {
            return None;
        }
        let holds = self.units.is_owed() || self.meter.owed_left().is_some();
        let is_new = holds && !self.units.is_looked_after.swap(true, Ordering::AcqRel);
        is_new.then_some(self.meter as Arc<dyn Holder>)
    }
}

impl UnitsAsk {
    fn apply(
        &self,
        pace: &mut Pace,
        answer: Result<Answer, Unreachable>,
        number: u64,
    ) -> Result<(), Unreachable> {
        let units = &self.units;
        let is_unknown = answer.as_ref().is_err_and(|error| error.fault() == Fault::Unknown);
        match (&self.what, answer) {
            (What::Take { need, spent, chunk, .. }, Ok(Answer::Taken(given))) => {
                units.learn(given.total);
                units.taken.fetch_add(given.units, Ordering::AcqRel);
                (pace.spent, pace.at_nanos, pace.asked_at) = (*spent, self.now_nanos, self.now_nanos);
                (pace.rare().chunk, pace.looked) = ((*chunk).max(1), number);
                pace.refused = if given.units < *need { number } else { 0 };
            }
            (What::Look { .. }, Ok(Answer::Taken(found))) => {
                units.learn(found.total);
                (pace.asked_at, pace.looked) = (self.now_nanos, number);
            }
            (What::GiveBack { units: back, .. }, Ok(_)) => {
                let known = |total: u64| (total != UNKNOWN).then(|| total.saturating_sub(*back));
                let _ = units.total.fetch_update(Ordering::AcqRel, Ordering::Acquire, known);
                pace.rare().seen = units.spent.load(Ordering::Acquire);
                pace.spent = pace.spent.saturating_add(*back);
            }
            (What::Resolve(doubt), Ok(Answer::Became(became))) => {
                match (became, doubt.gave_back) {
                    (Became::Again(taken), None) => {
                        units.taken.fetch_add(taken, Ordering::AcqRel);
                    }
                    // It was not done, and never will be: the units are here.
                    (Became::New, Some(back)) => units.undo(back),
                    _ => {}
                }
                pace.rare().doubt = None;
            }
            (What::Take { turn: Some(turn), .. }, answer) if is_unknown => {
                pace.rare().doubt = Some(Doubt { turn: *turn, gave_back: None });
                answer?;
            }
            (What::GiveBack { turn: Some(turn), units: back }, answer) if is_unknown => {
                pace.rare().doubt = Some(Doubt { turn: *turn, gave_back: Some(*back) });
                answer?;
            }
            // They did not go back: they can be used here.
            (What::GiveBack { units: back, .. }, Err(error)) => {
                units.undo(*back);
                return Err(error);
            }
            (_, answer) => {
                answer?;
                return Err(Unreachable::because("the store answered another question"));
            }
        }
        Ok(())
    }
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
        let left = ArcSwapOption::new(None);
        Self { account, terms, current, left, forks, before }
    }

    /// The meter of the same lineage before it.
    pub(crate) fn before(&self) -> Option<&Arc<Self>> {
        self.before.as_ref()
    }

    /// Whether it counts what a licence of its lineage says.
    pub(crate) fn counts(&self, terms: &QuotaTerms) -> bool {
        self.terms.period == terms.period && self.terms.name == terms.name
    }

    /// The cell of these units.
    pub(crate) fn cell<'m>(&'m self, units: &Units) -> Cell<'m> {
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

    /// Begins the period at `now`, or goes on with it if a clock had jumped out of it.
    #[cold]
    fn turn(&self, now: Timestamp, fork: u32) {
        let before = self.current.load_full();
        if before.fits(now, fork) {
            return; // another thread was first
        }
        let window = self.terms.period.window(now);
        let left = self.left();
        let known = left.iter().find(|units| units.fork == fork && units.window == window);
        let next = known.map_or_else(|| Arc::new(Units::of(window, fork)), Arc::clone);
        next.over.store(false, Ordering::Release);
        // If another thread was first, its units are the ones that count.
        let replaced = self.current.compare_and_swap(&before, Arc::clone(&next));
        if !Arc::ptr_eq(&replaced, &before) {
            return;
        }
        before.over.store(true, Ordering::Release);
        // What is used of a period that is over matters to nobody; a clock that jumps back comes to it again.
        let others = left.iter().filter(|units| units.fork == fork && units.window != window);
        let kept = others.rev().take(LEFT).map(Arc::clone).collect::<Vec<_>>().into_iter().rev();
        self.left.store(Some(Arc::new(kept.chain((before.fork == fork).then_some(before)).collect())));
    }

    /// Units of other periods.
    fn left(&self) -> Vec<Arc<Units>> {
        self.left.load().as_ref().map(|left| left.to_vec()).unwrap_or_default()
    }

    /// Units of another period that must go back to the store.
    fn owed_left(&self) -> Option<Arc<Units>> {
        self.left.load().as_ref()?.iter().find(|units| units.is_owed()).map(Arc::clone)
    }

    fn ask(
        self: &Arc<Self>,
        units: &Arc<Units>,
        pace: &mut Pace,
        what: What,
        now_nanos: u64,
    ) -> Box<dyn Ask> {
        pace.is_asked = true;
        Box::new(UnitsAsk { meter: Arc::clone(self), units: Arc::clone(units), what, now_nanos })
    }

    /// Takes `need` units from the store, and more if the pace asks for them or others wait for them.
    fn take(
        self: &Arc<Self>,
        units: &Arc<Units>,
        pace: &mut Pace,
        need: u64,
        (now_nanos, in_turn): (u64, bool),
    ) -> Result<Box<dyn Ask>, Unreachable> {
        if let Some(doubt) = pace.doubt() {
            return Ok(self.ask(units, pace, What::Resolve(doubt), now_nanos));
        }
        let spent = units.spent.load(Ordering::Acquire);
        let taken = units.taken.load(Ordering::Acquire);
        let shortest = if in_turn { SHORTEST } else { SHORTEST_ALONE };
        let elapsed = now_nanos.saturating_sub(pace.at_nanos).max(shortest);
        let used = spent.saturating_sub(pace.spent);
        let per_second =
            used.saturating_mul(NANOS_PER_SECOND / NANOS_PER_MICRO) / (elapsed / NANOS_PER_MICRO).max(1);
        let (limit, hard) = pace.rare().terms.as_ref().map_or((0, 0), |terms| (terms.limit, terms.hard));
        let total = units.total.load(Ordering::Acquire);
        // What was never asked for is not known to be there: the first time takes what is needed.
        let left = match total {
            UNKNOWN => 0,
            _ if total < limit => limit.saturating_sub(total),
            _ => hard.saturating_sub(total),
        };
        let chunk = per_second.min(left / PART);
        // What is here already is a part of the chunk, so that no more than one is ever held.
        let wanted = if in_turn { std::mem::take(&mut pace.rare().wanted) } else { 0 };
        let want = need.saturating_add(wanted);
        let want = want.max(chunk.saturating_sub(taken.saturating_sub(spent)));
        // The answer of a store that never waits is not lost.
        let turn = if in_turn { Some(pace.turn()?) } else { None };
        Ok(self.ask(units, pace, What::Take { turn, need, want, hard, spent, chunk }, now_nanos))
    }

    /// Gives back all but `keep` of what was taken and not used; none if there is nothing to give back.
    fn give_back(
        self: &Arc<Self>,
        units: &Arc<Units>,
        pace: &mut Pace,
        (keep, in_turn): (u64, bool),
    ) -> Result<Option<Box<dyn Ask>>, Unreachable> {
        if let Some(doubt) = pace.doubt() {
            return Ok(Some(self.ask(units, pace, What::Resolve(doubt), pace.at_nanos)));
        }
        if units.unspent() <= keep || units.fork != self.forks.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let turn = if in_turn { Some(pace.turn()?) } else { None };
        let back = units.claim(pace, keep);
        let at_nanos = pace.at_nanos;
        Ok((back > 0).then(|| self.ask(units, pace, What::GiveBack { turn, units: back }, at_nanos)))
    }

    /// Looks after the meter once: fetches the next chunk if half of the last one is used, and gives back what was not
    /// used since the last call, and what is more than a chunk.
    pub(crate) fn refill_or_return(
        self: &Arc<Self>,
        now_nanos: u64,
        driver: &Driver,
    ) -> Result<(), Unreachable> {
        self.settle_left(driver)?;
        let units = self.current.load_full();
        let (keep, wants_more) = {
            let mut pace = units.pace();
            let spent = units.spent.load(Ordering::Acquire);
            let rare = pace.rare();
            rare.is_kept = true;
            let idle = spent == std::mem::replace(&mut rare.seen, spent);
            let keep = if idle { 0 } else { rare.chunk };
            (keep, !idle && rare.chunk > 1 && units.unspent() < rare.chunk / 2)
        };
        if !wants_more {
            return self.settle_units(&units, keep, driver);
        }
        let mut asked = false;
        driver.block(|waker, begun| {
            loop {
                let mut pace = units.pace();
                if let Some(error) = pace.failure(begun) {
                    return Poll::Ready(Err(error));
                }
                if asked && !pace.is_asked {
                    return Poll::Ready(Ok(()));
                }
                pace.rare().waiting.push(waker.clone());
                if pace.is_asked {
                    return Poll::Pending;
                }
                let ask = match self.take(&units, &mut pace, 1, (now_nanos, driver.may_wait())) {
                    Ok(ask) => ask,
                    Err(error) => return Poll::Ready(Err(error)),
                };
                asked = true;
                drop(pace);
                driver.ask(ask);
                if driver.may_wait() {
                    return Poll::Pending;
                }
            }
        })
    }

    /// Whether something was taken and not used, or is in doubt.
    pub(crate) fn holds_units(&self) -> bool {
        self.current.load().is_owed() || self.owed_left().is_some()
    }

    /// Gives back what was taken and not used. It goes on: the next charge takes anew.
    pub(crate) fn settle(self: &Arc<Self>, driver: &Driver) -> Result<(), Unreachable> {
        let left = self.settle_left(driver);
        self.settle_units(&self.current.load_full(), 0, driver).and(left)
    }

    /// As [`Meter::settle`], and does not wait for the answers.
    pub(crate) fn begin_to_settle(self: &Arc<Self>, driver: &Driver) {
        let units = self.owed_left().unwrap_or_else(|| self.current.load_full());
        let mut pace = units.pace();
        if pace.is_asked {
            return;
        }
        if let Ok(Some(ask)) = self.give_back(&units, &mut pace, (0, driver.may_wait())) {
            drop(pace);
            driver.ask(ask);
        }
    }

    /// Gives back what a clock that has jumped left behind.
    fn settle_left(self: &Arc<Self>, driver: &Driver) -> Result<(), Unreachable> {
        let left: Vec<_> = self.left().into_iter().filter(|units| units.is_owed()).collect();
        left.iter().try_for_each(|units| self.settle_units(units, 0, driver))
    }

    /// Gives back all but `keep` of these units.
    fn settle_units(
        self: &Arc<Self>,
        units: &Arc<Units>,
        keep: u64,
        driver: &Driver,
    ) -> Result<(), Unreachable> {
        driver.block(|waker, begun| self.poll_settle(units, keep, driver, (waker, begun)))
    }

    fn poll_settle(
        self: &Arc<Self>,
        units: &Arc<Units>,
        keep: u64,
        driver: &Driver,
        (waker, begun): (&Waker, u64),
    ) -> Poll<Result<(), Unreachable>> {
        loop {
            let mut pace = units.pace();
            if let Some(error) = pace.failure(begun) {
                return Poll::Ready(Err(error));
            }
            if pace.is_asked {
                pace.rare().waiting.push(waker.clone());
                return Poll::Pending;
            }
            match self.give_back(units, &mut pace, (keep, driver.may_wait())) {
                Ok(None) => {
                    if keep == 0 {
                        // Nothing is fetched ahead until units are used again: the process may end now.
                        pace.forget_chunk();
                    }
                    return Poll::Ready(Ok(()));
                }
                Err(error) => return Poll::Ready(Err(error)),
                Ok(Some(ask)) => {
                    pace.rare().waiting.push(waker.clone());
                    drop(pace);
                    driver.ask(ask);
                    if driver.may_wait() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

/// Most periods that a meter remembers beside the present one.
const LEFT: usize = 4;

impl Holder for Meter {
    fn look_after(self: Arc<Self>, now_nanos: u64) -> Care {
        let units = self.owed_left().unwrap_or_else(|| self.current.load_full());
        let is_left = units.over.load(Ordering::Acquire);
        let mut pace = units.pace();
        if pace.is_asked {
            return Care::Later;
        }
        let spent = units.spent.load(Ordering::Acquire);
        let rare = pace.rare();
        if spent != rare.seen {
            (rare.seen, rare.seen_at) = (spent, now_nanos);
        }
        let idle = is_left || now_nanos.saturating_sub(rare.seen_at) >= IDLE;
        let last = rare.chunk;
        let chunk = if idle { 0 } else { last };
        match self.give_back(&units, &mut pace, (chunk, true)) {
            Ok(Some(ask)) => return Care::Ask(ask),
            Ok(None) => {}
            Err(_) => return Care::Later,
        }
        let unspent = units.unspent();
        if !idle && last > 1 && unspent < last / 2 {
            return self.take(&units, &mut pace, 1, (now_nanos, true)).map_or(Care::Later, Care::Ask);
        }
        if idle && unspent == 0 && pace.doubt().is_none() {
            units.is_looked_after.store(false, Ordering::Release);
            return Care::Done;
        }
        Care::Later
    }
}
