//! The units of one period that a process has taken, and what is known of the others.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use std::task::Waker;

use licentia_core::{Timestamp, Window, inner::clock::STEP_BACK};

use super::terms::QuotaTerms;
use crate::{
    platform::process_id,
    store::{Taker, Turn, Unreachable},
};

/// Stands for a number of units that the store was never asked for.
pub(super) const UNKNOWN: u64 = u64::MAX;

/// The units of one period.
pub(crate) struct Units {
    pub(super) window: Window,
    /// How often the process had been forked: a child has its own units.
    pub(super) fork: u32,
    /// Whether another period was begun.
    pub(super) over: AtomicBool,
    /// Whether the driver looks after them.
    pub(super) is_looked_after: AtomicBool,
    /// Units that were used here.
    pub(super) spent: AtomicU64,
    /// Units that were taken from the store. Only grows, and only after the store gave them.
    pub(super) taken: AtomicU64,
    /// Units that everybody has taken, as the store said last.
    pub(super) total: AtomicU64,
    pace: Mutex<Pace>,
}

/// How fast units are used, and what the store is asked and has said.
#[derive(Default)]
pub(super) struct Pace {
    /// What was used, and when, at the last refill.
    pub(super) spent: u64,
    pub(super) at_nanos: u64,
    /// When the store said last how many units are taken.
    pub(super) asked_at: u64,
    /// Whether the store is asked of this cell now; one question at a time.
    pub(super) is_asked: bool,
    /// The number of the last answer of how many units are taken.
    pub(super) looked: u64,
    /// The number of the last answer that the store had too few units; 0 for none.
    pub(super) refused: u64,
    /// What few meters need at a time.
    rare: Option<Box<Rare>>,
}

/// What only meters need whose store may wait, or that are looked after: those of a store in memory stay small.
#[derive(Default)]
pub(super) struct Rare {
    /// Whether it is needed for longer than a question.
    pub(super) is_kept: bool,
    /// The last chunk, and the terms that it was taken under.
    pub(super) chunk: u64,
    pub(super) terms: Option<Arc<QuotaTerms>>,
    /// What was used when somebody looked last, and since when it has been as much.
    pub(super) seen: u64,
    pub(super) seen_at: u64,
    /// The name that this process takes from the cell by, and the number of its last operation.
    taker: Option<(Taker, u32)>,
    sequence: u64,
    /// An operation whose answer was lost: the store is asked nothing else of this cell until it says what became of it.
    pub(super) doubt: Option<Doubt>,
    /// The requests that wait for the answer, and how many units they want.
    pub(super) waiting: Vec<Waker>,
    pub(super) wanted: u64,
    /// Why the last question failed, and the number of the answer.
    pub(super) failed: Option<(u64, Unreachable)>,
    /// Since when the store refuses this cell alone.
    refused_since: Option<Timestamp>,
}

/// An operation whose answer was lost.
#[derive(Clone, Copy)]
pub(super) struct Doubt {
    pub(super) turn: Turn,
    /// Units that were given back by it; none if it took units.
    pub(super) gave_back: Option<u64>,
}

impl Pace {
    /// Why the last question failed, if that was after so many answers.
    pub(super) fn failure(&self, begun: u64) -> Option<Unreachable> {
        let failed = self.rare.as_ref()?.failed.as_ref()?;
        (failed.0 > begun).then(|| failed.1.clone())
    }

    fn clear_refused_since(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.refused_since = None;
        }
    }

    /// Forgets how many units were fetched at a time.
    pub(super) fn forget_chunk(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.chunk = 0;
        }
    }

    /// What few meters need at a time.
    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// An operation whose answer was lost.
    pub(super) fn doubt(&self) -> Option<Doubt> {
        self.rare.as_ref()?.doubt
    }

    /// Those that wait for the answer, which is here.
    pub(super) fn answered(&mut self, failed: Option<(u64, Unreachable)>) -> Vec<Waker> {
        self.is_asked = false;
        if failed.is_none() {
            self.clear_refused_since();
        }
        if failed.is_none() && self.rare.is_none() {
            return Vec::new();
        }
        let rare = self.rare();
        rare.failed = failed;
        let waiting = std::mem::take(&mut rare.waiting);
        if !rare.is_kept && rare.failed.is_none() {
            self.rare = None;
        }
        waiting
    }

    /// The next operation of this process on the cell.
    pub(super) fn turn(&mut self) -> Result<Turn, Unreachable> {
        let rare = self.rare();
        rare.is_kept = true;
        // A child of a fork takes under another name.
        let process = process_id();
        let taker = match rare.taker {
            Some((taker, of)) if of == process => taker,
            _ => {
                let mut name = [0; 16];
                let failed = |_| Unreachable::because("the system has no random bytes");
                getrandom::fill(&mut name).map_err(failed)?;
                rare.taker.insert((Taker::from_bytes(name), process)).0
            }
        };
        rare.sequence = rare.sequence.saturating_add(1);
        Ok(Turn { taker, sequence: rare.sequence })
    }
}

impl Units {
    pub(super) fn of(window: Window, fork: u32) -> Self {
        Self {
            window,
            fork,
            over: AtomicBool::new(false),
            is_looked_after: AtomicBool::new(false),
            spent: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            total: AtomicU64::new(UNKNOWN),
            pace: Mutex::default(),
        }
    }

    /// The period.
    pub(crate) fn window(&self) -> Window {
        self.window
    }

    /// The store refuses this cell alone, now too. Returns since when.
    pub(crate) fn refused_since(&self, now: Timestamp) -> Timestamp {
        let mut pace = self.pace();
        let rare = pace.rare();
        rare.is_kept = true;
        *rare.refused_since.get_or_insert(now)
    }

    /// The store has answered for this cell.
    pub(crate) fn is_answered(&self) {
        self.pace().clear_refused_since();
    }

    /// Whether these are the units at `now`. A period is never gone back from, unless it turns out that a clock was
    /// far ahead when it began.
    pub(super) fn fits(&self, now: Timestamp, fork: u32) -> bool {
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
    pub(super) fn used(&self, spent: u64) -> u64 {
        let unspent = self.taken.load(Ordering::Acquire).saturating_sub(spent);
        self.total.load(Ordering::Acquire).saturating_sub(unspent)
    }

    /// Units that were taken from the store and not used.
    pub(super) fn unspent(&self) -> u64 {
        self.taken.load(Ordering::Acquire).saturating_sub(self.spent.load(Ordering::Acquire))
    }

    /// Whether something of them must go back to the store, or may be there.
    pub(super) fn is_owed(&self) -> bool {
        self.unspent() > 0 || self.pace().doubt().is_some()
    }

    pub(super) fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes all unused units but `keep` unusable here, and returns how many they are. The pace is locked, so that
    /// nothing is taken meanwhile.
    pub(super) fn claim(&self, _held: &Pace, keep: u64) -> u64 {
        let most = self.taken.load(Ordering::Acquire).saturating_sub(keep);
        let claim = |spent: u64| (spent < most).then_some(most);
        let spent = self.spent.fetch_update(Ordering::AcqRel, Ordering::Acquire, claim);
        spent.map_or(0, |spent| most.saturating_sub(spent))
    }
}
