//! A store in memory.

use std::{
    collections::HashMap,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use licentia_core::{AccountId, Window, metering::rate::Tat};

use crate::license::Interner;
use crate::platform::fork::Inside;

use super::{Cell, Finish, Job, Once, RateAsk, RateTaken, SeatAsk, Seats, Store, Taken, Unreachable};

/// A store in the memory of this process. Its content ends with it.
#[derive(Debug, Default)]
pub struct Memory {
    content: Mutex<Content>,
}

#[derive(Debug, Default)]
struct Content {
    /// Units taken of each cell.
    cells: HashMap<Key, u64>,
    /// Units charged to each job of a cell.
    jobs: HashMap<Key, HashMap<String, Charged>>,
    meters: Interner<MeterPeriod>,
    marks: HashMap<String, Vec<u8>>,
    /// The state of each rate.
    rates: HashMap<(AccountId, String), Tat>,
    /// Of each account, by holder: when the seat was taken, and for how long.
    seats: HashMap<AccountId, HashMap<String, (u64, u64)>>,
}

/// A cell.
type Key = (AccountId, Arc<MeterPeriod>);

/// A meter in one period.
#[derive(Debug, PartialEq, Eq, Hash)]
struct MeterPeriod {
    name: Box<str>,
    window: Window,
}

/// What a job was charged, and whether it may still become less.
#[derive(Debug)]
struct Charged {
    units: u64,
    held: bool,
}

impl Content {
    fn key(&mut self, cell: &Cell<'_>) -> Key {
        (cell.account, self.meters.intern(MeterPeriod { name: cell.meter.into(), window: cell.window }))
    }

    /// The units of a cell that were taken.
    fn total(&mut self, cell: &Cell<'_>) -> &mut u64 {
        let key = self.key(cell);
        self.cells.entry(key).or_default()
    }

    /// The same, and those under a job's name.
    fn jobs(&mut self, cell: &Cell<'_>) -> (&mut u64, &mut HashMap<String, Charged>) {
        let key = self.key(cell);
        let jobs = self.jobs.entry(key.clone()).or_default();
        (self.cells.entry(key).or_default(), jobs)
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

impl Store for Memory {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        let mut content = self.lock();
        let total = content.total(cell);
        let left = limit.saturating_sub(*total);
        let units = if left < need { 0 } else { want.max(need).min(left) };
        *total = total.saturating_add(units);
        Ok(Taken { units, total: *total })
    }

    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        let mut content = self.lock();
        let total = content.total(cell);
        *total = total.saturating_sub(units);
        Ok(())
    }

    fn take_once(&self, cell: &Cell<'_>, job: Job<'_>, units: u64, limit: u64) -> Result<Once, Unreachable> {
        let mut content = self.lock();
        let (total, jobs) = content.jobs(cell);
        if let Some(charged) = jobs.get_mut(job.name) {
            if job.held || !charged.held {
                return Ok(Once::Before(*total));
            }
            *total = total.saturating_sub(charged.units.saturating_sub(units));
            *charged = Charged { units: units.min(charged.units), held: false };
            return Ok(Once::Charged(*total));
        }
        if limit.saturating_sub(*total) < units {
            return Ok(Once::Refused(*total));
        }
        *total = total.saturating_add(units);
        jobs.insert(job.name.to_owned(), Charged { units, held: job.held });
        Ok(Once::Charged(*total))
    }

    fn finish_once(&self, cell: &Cell<'_>, job: &str, finish: Finish) -> Result<bool, Unreachable> {
        let mut content = self.lock();
        let (total, jobs) = content.jobs(cell);
        let Some(charged) = jobs.get_mut(job).filter(|charged| charged.held || finish == Finish::Undo) else {
            return Ok(false);
        };
        let units = finish.units().min(charged.units);
        *total = total.saturating_sub(charged.units.saturating_sub(units));
        *charged = Charged { units, held: false };
        if !matches!(finish, Finish::Commit(_)) {
            jobs.remove(job);
        }
        Ok(true)
    }

    fn forget(&self, before: u64) -> Result<(), Unreachable> {
        let mut content = self.lock();
        let lasts = |(_, meter): &Key| meter.window.end.is_none_or(|end| end.as_seconds() > before);
        content.cells.retain(|key, _| lasts(key));
        content.jobs.retain(|key, _| lasts(key));
        let now = super::wall_clock::nanos(before).min(super::wall_clock::wall_nanos().into());
        content.rates.retain(|_, tat| tat.as_nanos() > now);
        Ok(())
    }

    fn take_rate(&self, ask: &RateAsk<'_>) -> Result<RateTaken, Unreachable> {
        let mut content = self.lock();
        let tat = content.rates.entry((ask.account, ask.name.to_owned())).or_default();
        let (after, taken) = ask.take(*tat, super::wall_clock::wall_nanos());
        *tat = after;
        Ok(taken)
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
