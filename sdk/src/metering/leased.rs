//! A store for hosts that can only fetch while no check runs, such as JavaScript: units are brought to it.
//!
//! A gate takes units from what was brought and, if that is too little, leaves a [`Wish`]. The host fetches
//! it in its own time and says what came of it. How much is wished for is the gate's own reckoning, so that every
//! host leases alike.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{
    platform::Table,
    store::{Cell, Store, Taken, Unreachable},
};

/// Units that a gate lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The cell: [`Cell::key`].
    pub key: String,
    /// Units without which it is of no use: none are to be taken if fewer are left.
    pub need: u64,
    /// Units to take, or as many as are left; 0 asks only how many are taken.
    pub want: u64,
    /// Units that all processes may take together.
    pub limit: u64,
    /// When the key may be forgotten, in seconds since 1970: [`Cell::forgotten`].
    pub until: Option<u64>,
}

/// What was leased, and what must be remembered over a restart.
#[derive(Debug, Default)]
pub struct Leased {
    alone: bool,
    kept: Mutex<LeaseTable>,
}

#[derive(Debug, Default)]
struct LeaseTable {
    pools: Table<String, Pool>,
    /// At this number of pools, those that nobody needs are looked for.
    sweep_at: usize,
    wishes: Vec<Wish>,
    marks: Vec<Mark>,
}

/// The units of one cell that are here.
#[derive(Debug, Default)]
struct Pool {
    until: Option<u64>,
    available: u64,
    /// Units that everybody has taken, as was said last.
    total: u64,
    /// Whether anything was ever said.
    known: bool,
    /// Whether the last wish could not be fetched.
    lost: bool,
    /// Whether it was used since somebody looked.
    used: bool,
}

#[derive(Debug)]
struct Mark {
    name: String,
    value: Vec<u8>,
    changed: bool,
}

/// Fewest pools at which those that nobody needs are looked for.
const SWEEP: usize = 256;

impl Leased {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store whose wishes come true at once, up to the limit: for a gate that counts alone.
    pub fn alone() -> Self {
        Self { alone: true, kept: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, LeaseTable> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What gates have lacked since this was asked last.
    pub fn wishes(&self) -> Vec<Wish> {
        std::mem::take(&mut self.lock().wishes)
    }

    /// Brings `units` of a wish; `total` are taken of the cell in all, by everybody. `false` if nobody waits for
    /// them any more: they should go back.
    pub fn granted(&self, key: &str, units: u64, total: u64) -> bool {
        let mut kept = self.lock();
        let Some(pool) = kept.pools.get_mut(key) else { return false };
        pool.available = pool.available.saturating_add(units);
        (pool.total, pool.known, pool.lost) = (total, true, false);
        true
    }

    /// Says that a wish could not be fetched: until one is, the licence's policy decides.
    pub fn lost(&self, key: &str) {
        if let Some(pool) = self.lock().pools.get_mut(key) {
            pool.lost = true;
        }
    }

    /// Takes out what was brought and not used, by key, to be given back.
    pub fn drain(&self) -> Vec<(String, u64)> {
        self.take_out(|_| true)
    }

    /// As [`Leased::drain`], of what nobody has used since this was called last.
    pub fn idle(&self) -> Vec<(String, u64)> {
        self.take_out(|pool| !std::mem::take(&mut pool.used))
    }

    fn take_out(&self, due: impl Fn(&mut Pool) -> bool) -> Vec<(String, u64)> {
        let mut kept = self.lock();
        let mut out = Vec::new();
        for (key, pool) in &mut kept.pools {
            if due(pool) && pool.available > 0 {
                let units = std::mem::take(&mut pool.available);
                pool.total = pool.total.saturating_sub(units);
                out.push((key.clone(), units));
            }
        }
        out
    }

    /// Forgets what nobody needs any more at `now`, in seconds since 1970. It looks only where much has come since
    /// it did so before.
    pub fn forget(&self, now: u64) {
        let mut kept = self.lock();
        if kept.pools.len() < kept.sweep_at.max(SWEEP) {
            return;
        }
        let alone = self.alone;
        kept.pools.retain(|_, pool| {
            let needed = alone || pool.available > 0 || pool.lost || std::mem::take(&mut pool.used);
            needed && pool.until.is_none_or(|until| now < until)
        });
        kept.sweep_at = kept.pools.len().saturating_mul(2);
    }

    /// The names of the marks that were saved since this was asked last.
    pub fn changed(&self) -> Vec<String> {
        let mut kept = self.lock();
        let changed = kept.marks.iter_mut().filter_map(|mark| {
            let changed = std::mem::take(&mut mark.changed);
            changed.then(|| mark.name.clone())
        });
        changed.collect()
    }
}

impl Store for Leased {
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        let mut kept = self.lock();
        let LeaseTable { pools, wishes, .. } = &mut *kept;
        let (key, until, want) = (cell.key(), cell.forgotten(), want.max(need));
        let pool = pools.entry(key.clone()).or_default();
        (pool.until, pool.used) = (until, true);
        if self.alone {
            let missing = want.saturating_sub(pool.available).min(limit.saturating_sub(pool.total));
            pool.available = pool.available.saturating_add(missing);
            (pool.total, pool.known) = (pool.total.saturating_add(missing), true);
        }
        let units = if need <= pool.available { want.min(pool.available) } else { 0 };
        pool.available = pool.available.saturating_sub(units);
        let total = pool.total.saturating_sub(pool.available);
        if self.alone || units > 0 || (need == 0 && pool.known) {
            return Ok(Taken { units, total });
        }
        wishes.retain(|wish| wish.key != key);
        let (need, want) = (need.saturating_sub(pool.available), want.saturating_sub(pool.available));
        wishes.push(Wish { key, need, want, limit, until });
        if pool.lost {
            Err(Unreachable::because("the lease was not granted"))
        } else {
            Ok(Taken { units, total })
        }
    }

    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        if let Some(pool) = self.lock().pools.get_mut(&cell.key()) {
            pool.available = pool.available.saturating_add(units);
        }
        Ok(())
    }

    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        Ok(self.lock().marks.iter().find(|mark| mark.name == name).map(|mark| mark.value.clone()))
    }

    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable> {
        let mut kept = self.lock();
        kept.marks.retain(|mark| mark.name != name);
        kept.marks.push(Mark { name: name.to_owned(), value: value.to_owned(), changed: true });
        Ok(())
    }

    fn may_wait(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use licentia_core::{AccountId, Timestamp, Window};

    use super::*;

    /// The first bytes of SHA-256 of "abc", and the lineage.
    const KEY: &str = "licentia:ba7816bf8f01cfea:{07070707070707070707070707070707}:calls:60:120";

    fn day() -> Cell<'static> {
        cell(7, "calls", 60, 120)
    }

    fn cell(lineage: u8, meter: &str, start: u64, end: impl Into<Option<u64>>) -> Cell<'_> {
        let account = AccountId::new("abc", [lineage; 16].into());
        Cell {
            account,
            meter,
            window: Window { start: start.into(), end: end.into().map(Timestamp::from_seconds) },
        }
    }

    fn taken(units: u64, total: u64) -> Taken {
        Taken { units, total }
    }

    #[test]
    fn what_lacks_is_wished_for_as_the_gate_reckons_it() {
        let store = Leased::new();
        assert_eq!(store.take(&day(), 1, 5, 10).expect("reachable"), taken(0, 0));
        let wish = Wish { key: KEY.into(), need: 1, want: 5, limit: 10, until: Some(691_320) };
        assert_eq!((store.wishes(), store.wishes()), (vec![wish], vec![]));
        assert!(store.granted(KEY, 5, 9));
        assert_eq!(store.take(&day(), 1, 2, 10).expect("reachable"), taken(2, 6), "and three are still here");
        assert_eq!(store.take(&day(), 4, 4, 10).expect("reachable"), taken(0, 6));
        assert_eq!(store.wishes().pop().map(|wish| wish.want), Some(1), "the one that is missing");
        assert!(!store.granted("licentia:{}:none:0:life", 5, 5), "nobody waits for them");
    }

    #[test]
    fn who_looks_first_asks_what_others_have_taken() {
        let store = Leased::new();
        assert_eq!(store.take(&day(), 0, 0, 10).expect("reachable"), taken(0, 0));
        assert_eq!(store.wishes().pop().map(|wish| wish.want), Some(0));
        assert!(store.granted(KEY, 0, 7));
        assert_eq!(store.take(&day(), 0, 0, 10).expect("reachable"), taken(0, 7));
        assert!(store.wishes().is_empty());
    }

    #[test]
    fn a_lost_lease_is_told_to_everybody_until_one_is_granted() {
        let store = Leased::new();
        assert!(store.take(&day(), 1, 1, 10).is_ok());
        store.lost(KEY);
        for _ in 0..3 {
            assert!(store.take(&day(), 1, 1, 10).is_err());
            assert_eq!(store.wishes().len(), 1, "and asked for again");
        }
        assert!(store.granted(KEY, 0, 10));
        assert_eq!(store.take(&day(), 1, 1, 10).expect("reachable"), taken(0, 10));
    }

    #[test]
    fn what_is_not_used_goes_back() {
        let store = Leased::new();
        assert!(store.take(&day(), 3, 3, 10).is_ok());
        assert!(store.granted(KEY, 5, 8));
        assert_eq!(store.take(&day(), 3, 3, 10).expect("reachable"), taken(3, 6));
        store.give_back(&day(), 1).expect("here");
        assert!(store.idle().is_empty(), "it was used a moment ago");
        assert_eq!(store.idle(), [(KEY.into(), 3)]);
        assert_eq!(store.take(&day(), 0, 0, 10).expect("reachable"), taken(0, 5), "it counts no more");
        assert!(store.drain().is_empty());
    }

    #[test]
    fn what_has_ended_or_is_not_used_is_forgotten() {
        let store = Leased::new();
        for lineage in 0..=255 {
            let cell = cell(lineage, "m", 0, (lineage > 9).then_some(60));
            assert!(store.take(&cell, 1, 1, 10).is_ok());
            store.granted(&cell.key(), u64::from(lineage < 5), 1);
        }
        let count = || store.lock().pools.len();
        store.forget(59);
        assert_eq!(count(), 256, "they were used");
        store.forget(60 + 86_400);
        assert_eq!(count(), 256, "few have come since");
        for lineage in 0..=255 {
            assert!(store.take(&cell(lineage, "m", 0, 100_000), 1, 1, 10).is_ok());
        }
        store.forget(60 + 86_400);
        assert_eq!(count(), 256 + 5, "those of today, and those that hold units");
    }

    #[test]
    fn alone_it_grants_up_to_the_limit() {
        let store = Leased::alone();
        assert_eq!(store.take(&day(), 1, 4, 10).expect("here"), taken(4, 4));
        assert_eq!(store.take(&day(), 7, 7, 10).expect("here"), taken(0, 4));
        store.give_back(&day(), 1).expect("here");
        assert_eq!(store.take(&day(), 7, 9, 10).expect("here"), taken(7, 10));
        assert_eq!(store.take(&day(), 1, 1, 12).expect("here"), taken(1, 11), "a limit that was raised");
        assert!(store.wishes().is_empty());
    }
}
