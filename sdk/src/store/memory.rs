//! A store in memory.

use std::{
    collections::HashMap,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use licentia_core::{
    AccountId, Window,
    metering::{
        job::{self, Entry, Part},
        quota::Count,
        rate::Tat,
    },
};

use crate::platform::Interner;
use crate::platform::fork::Inside;

use super::{
    Cell, JobAsk, JobCharged, JobFinish, PartCharged, PartDone, RateAsk, RateTaken, SeatAsk, Seats, Store,
    Taken, Unreachable,
};

/// A store in the memory of this process: every process counts alone, and a restart loses the counts. With the feature
/// `tracing` that is logged once, when a quota is counted.
#[derive(Debug, Default)]
pub struct Memory {
    content: Mutex<Content>,
}

#[derive(Debug, Default)]
struct Content {
    /// Units taken of each cell.
    cells: HashMap<Key, u64>,
    /// Units refunded of the few cells that have any.
    refunded: HashMap<Key, u64>,
    /// What each job of a cell was charged.
    jobs: HashMap<Key, HashMap<String, Entry>>,
    meters: Interner<MeterPeriod>,
    marks: HashMap<String, Vec<u8>>,
    /// The state of each rate.
    rates: HashMap<(AccountId, String), Tat>,
    /// Of each account, by holder: when the seat was taken, and for how long.
    seats: HashMap<AccountId, HashMap<String, (u64, u64)>>,
    /// Names, and until when each is remembered.
    names: HashMap<String, u64>,
}

/// A cell.
type Key = (AccountId, Arc<MeterPeriod>);

/// A meter in one period.
#[derive(Debug, PartialEq, Eq, Hash)]
struct MeterPeriod {
    name: Box<str>,
    window: Window,
}

impl Content {
    fn key(&mut self, cell: &Cell<'_>) -> Key {
        (cell.account, self.meters.intern(MeterPeriod { name: cell.meter.into(), window: cell.window }))
    }

    /// What was taken of a cell.
    fn count(&self, key: &Key) -> Count {
        let units = |map: &HashMap<Key, u64>| map.get(key).copied().unwrap_or(0);
        Count { taken: units(&self.cells), refunded: units(&self.refunded) }
    }

    fn set_count(&mut self, key: Key, count: Count) {
        if count.refunded > 0 {
            self.refunded.insert(key.clone(), count.refunded);
        }
        self.cells.insert(key, count.taken);
    }

    /// What a job and its cell are at.
    fn part(&mut self, cell: &Cell<'_>, job: &str) -> Part {
        let key = self.key(cell);
        Part::new(self.count(&key), self.jobs.get(&key).and_then(|jobs| jobs.get(job)).copied())
    }

    fn keep(&mut self, cell: &Cell<'_>, job: &str, part: &Part) {
        let key = self.key(cell);
        let jobs = self.jobs.entry(key.clone()).or_default();
        match part.entry {
            Some(entry) => jobs.insert(job.to_owned(), entry),
            None => jobs.remove(job),
        };
        self.set_count(key, part.count);
    }
}

/// The content, while this thread has it alone.
struct Locked<'m> {
    content: MutexGuard<'m, Content>,
    /// Dropped last: a fork finds the lock free.
    #[expect(dead_code, reason = "it is held, not read")]
    inside: Inside,
}

impl Deref for Locked<'_> {
    type Target = Content;

    fn deref(&self) -> &Content {
        &self.content
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Content {
        &mut self.content
    }
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> Locked<'_> {
        let inside = Inside::enter();
        // Every change is one assignment, so a panic cannot leave it half done.
        let content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        Locked { content, inside }
    }
}

/// Says once for each process what this store does not do.
fn warn() {
    #[cfg(feature = "tracing")]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            tracing::warn!(
                target: "licentia",
                "quotas are counted in the memory of this process: every process counts alone, and a restart loses \
                 the counts; use a store in SQLite or Redis to share and keep them"
            );
        });
    }
}

impl Store for Memory {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        warn();
        let mut content = self.lock();
        let key = content.key(cell);
        let (after, taken) = content.count(&key).take(need, want, limit);
        content.set_count(key, after);
        Ok(Taken { units: taken.units, total: taken.total })
    }

    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        let mut content = self.lock();
        let key = content.key(cell);
        let after = content.count(&key).give_back(units);
        content.set_count(key, after);
        Ok(())
    }

    fn charge_job(&self, ask: &JobAsk<'_>) -> Result<JobCharged, Unreachable> {
        warn();
        let mut content = self.lock();
        let part = |asked: &super::JobPart<'_>| Part {
            cost: asked.cost,
            limit: asked.limit,
            ..content.part(&asked.cell, ask.job)
        };
        let mut parts: Vec<Part> = ask.parts.iter().map(part).collect();
        let outcome = job::charge(&mut parts, ask.held);
        for (asked, part) in ask.parts.iter().zip(&parts) {
            content.keep(&asked.cell, ask.job, part);
        }
        Ok(JobCharged { outcome, parts: parts.iter().map(PartCharged::from).collect() })
    }

    fn finish_job(&self, ask: &JobFinish<'_>) -> Result<Vec<PartDone>, Unreachable> {
        let mut content = self.lock();
        let finish = |asked: &super::FinishPart<'_>| {
            let mut part = content.part(&asked.cell, ask.job);
            let before = part.count.refunded;
            let done = ask.how.apply(&mut part, asked.attempt, asked.units);
            content.keep(&asked.cell, ask.job, &part);
            let (total, refunded) = (part.count.taken, part.count.refunded);
            PartDone { done, total, refunded, units: refunded.saturating_sub(before) }
        };
        Ok(ask.parts.iter().map(finish).collect())
    }

    fn forget(&self, before: u64) -> Result<(), Unreachable> {
        let mut content = self.lock();
        let lasts = |(_, meter): &Key| meter.window.end.is_none_or(|end| end.as_seconds() > before);
        content.cells.retain(|key, _| lasts(key));
        content.refunded.retain(|key, _| lasts(key));
        content.jobs.retain(|key, _| lasts(key));
        let now = super::wall_clock::nanos(before).min(super::wall_clock::wall_nanos().into());
        content.rates.retain(|_, tat| tat.as_nanos() > now);
        content.seats.retain(|_, seats| {
            seats.retain(|_, (taken_at, ttl)| taken_at.saturating_add(*ttl) > before);
            !seats.is_empty()
        });
        content.names.retain(|_, until| *until > before);
        Ok(())
    }

    fn take_rate(&self, ask: &RateAsk<'_>) -> Result<RateTaken, Unreachable> {
        let mut content = self.lock();
        let tat = content.rates.entry((ask.account, ask.name.to_owned())).or_default();
        let (after, taken) = ask.take(*tat, super::wall_clock::wall_nanos());
        *tat = after;
        Ok(taken)
    }

    fn remember(&self, name: &str, until: u64, now: u64) -> Result<bool, Unreachable> {
        let mut content = self.lock();
        let is_new = content.names.get(name).is_none_or(|until| *until <= now);
        if is_new {
            content.names.insert(name.to_owned(), until);
        }
        Ok(is_new)
    }

    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        Ok(self.lock().marks.get(name).cloned())
    }

    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable> {
        self.lock().marks.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    fn replace(&self, name: &str, before: Option<&[u8]>, value: &[u8]) -> Result<bool, Unreachable> {
        let mut content = self.lock();
        let same = content.marks.get(name).map(Vec::as_slice) == before;
        if same {
            content.marks.insert(name.to_owned(), value.to_owned());
        }
        Ok(same)
    }

    fn take_seat(&self, ask: &SeatAsk<'_>) -> Result<Seats, Unreachable> {
        let mut content = self.lock();
        let seats = content.seats.entry(ask.account).or_default();
        seats.retain(|_, (taken_at, ttl)| {
            *taken_at = ask.now.min(*taken_at);
            ask.now < taken_at.saturating_add(*ttl)
        });
        let count = |seats: &HashMap<_, _>| u64::try_from(seats.len()).unwrap_or(u64::MAX);
        // The holder's own seat does not stand in its way, unless the limit has sunk below those that are left.
        seats.remove(ask.holder);
        let granted = count(seats) < ask.limit;
        if granted {
            seats.insert(ask.holder.to_owned(), (ask.now, ask.ttl));
        }
        let next_free = seats.values().map(|(taken_at, ttl)| taken_at.saturating_add(*ttl)).min();
        let seats = Seats { granted, taken: count(seats), next_free };
        if seats.taken == 0 {
            content.seats.remove(&ask.account);
        }
        Ok(seats)
    }

    fn release_seat(&self, account: &AccountId, holder: &str) -> Result<(), Unreachable> {
        if let Some(seats) = self.lock().seats.get_mut(account) {
            seats.remove(holder);
        }
        Ok(())
    }

    fn may_wait(&self) -> bool {
        false
    }
}
