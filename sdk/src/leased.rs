//! A store for hosts that can only fetch while no check runs, such as JavaScript: units are brought to it.
//!
//! A gate takes units from what was brought and, where that is too little, leaves a [`Wish`]. The host fetches
//! it in its own time and says what came of it. How much is wished for is decided here, so that every host
//! leases alike.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
};

use licentia_core::Window;

use crate::store::{Cell, Store, Taken, Unreachable};

/// Part of what is left that one lease may be at most, so that the units end at about the same time everywhere.
const SHARE: u64 = 64;

/// Units that a gate lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Stands for the cell in [`Leased::granted`] and [`Leased::lost`].
    pub id: usize,
    /// The cell in one word: lineage, meter and first second of its period.
    pub key: String,
    /// Units to take, or as many as are left.
    pub want: u64,
    /// Units that all processes may take together.
    pub limit: u64,
    /// When the period ends and the key may be forgotten, in seconds since 1970.
    pub until: Option<u64>,
}

/// What was leased, and what must be remembered over a restart.
#[derive(Debug, Default)]
pub struct Leased {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    ids: HashMap<([u8; 16], String, Window), usize>,
    pools: Vec<Pool>,
    marks: HashMap<String, Vec<u8>>,
    changed: Vec<String>,
}

/// The units of one cell that are here.
#[derive(Debug)]
struct Pool {
    key: String,
    until: Option<u64>,
    available: u64,
    /// Units that everybody has taken, as was said last.
    total: u64,
    /// Size of the lease before.
    lease: u64,
    wish: Option<(u64, u64)>,
    lost: bool,
}

impl Leased {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What gates have lacked since this was asked last.
    pub fn wishes(&self) -> Vec<Wish> {
        let mut kept = self.lock();
        let pools = kept.pools.iter_mut().enumerate();
        let wish = |(id, pool): (usize, &mut Pool)| {
            let (want, limit) = pool.wish.take()?;
            Some(Wish { id, key: pool.key.clone(), want, limit, until: pool.until })
        };
        pools.filter_map(wish).collect()
    }

    /// Brings `units` of a wish; `total` are taken of the cell in all, by everybody.
    pub fn granted(&self, id: usize, units: u64, total: u64) {
        if let Some(pool) = self.lock().pools.get_mut(id) {
            pool.available = pool.available.saturating_add(units);
            pool.total = pool.total.max(total);
            pool.lease = units;
            pool.lost = false;
        }
    }

    /// Says that a wish could not be fetched: the licence's policy then decides.
    pub fn lost(&self, id: usize) {
        if let Some(pool) = self.lock().pools.get_mut(id) {
            pool.lost = true;
        }
    }

    /// Takes out what was brought and not used, by key, to be given back.
    pub fn drain(&self) -> Vec<(String, u64)> {
        let mut kept = self.lock();
        let pools = kept.pools.iter_mut().filter(|pool| pool.available > 0);
        pools.map(|pool| (pool.key.clone(), std::mem::take(&mut pool.available))).collect()
    }

    /// The names of the marks that were saved since this was asked last.
    pub fn changed(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().changed)
    }
}

impl Pool {
    fn new(cell: &Cell<'_>) -> Self {
        let mut key = String::new();
        for byte in cell.lineage {
            let _ = write!(key, "{byte:02x}");
        }
        let _ = write!(key, "/{}/{}", cell.meter, cell.window.start);
        let until = cell.window.end;
        Self { key, until, available: 0, total: 0, lease: 0, wish: None, lost: false }
    }
}

impl Store for Leased {
    fn may_block(&self) -> bool {
        false
    }

    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable> {
        let mut kept = self.lock();
        let Kept { ids, pools, .. } = &mut *kept;
        let key = (cell.lineage, cell.meter.to_owned(), cell.window);
        let id = *ids.entry(key).or_insert_with(|| {
            pools.push(Pool::new(cell));
            pools.len().saturating_sub(1)
        });
        let Some(pool) = pools.get_mut(id) else { return Err(Unreachable("no such cell".into())) };
        let taken = |units, pool: &Pool| Taken { units, total: pool.total.saturating_sub(pool.available) };
        if need <= pool.available {
            pool.available = pool.available.saturating_sub(need);
            return Ok(taken(need, pool));
        }
        if std::mem::take(&mut pool.lost) {
            return Err(Unreachable("the lease was not granted".into()));
        }
        // Each lease is twice as large as the one before, up to a share of what is left.
        let left = limit.saturating_sub(pool.total);
        let chunk = pool.lease.saturating_mul(2).min(left / SHARE);
        let missing = need.saturating_sub(pool.available);
        pool.wish = Some((want.max(chunk).max(missing), limit));
        Ok(taken(0, pool))
    }

    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable> {
        let mut kept = self.lock();
        let id = kept.ids.get(&(cell.lineage, cell.meter.to_owned(), cell.window)).copied();
        if let Some(pool) = id.and_then(|id| kept.pools.get_mut(id)) {
            pool.available = pool.available.saturating_add(units);
        }
        Ok(())
    }

    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        Ok(self.lock().marks.get(name).cloned())
    }

    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable> {
        let mut kept = self.lock();
        kept.marks.insert(name.to_owned(), value.to_owned());
        kept.changed.retain(|changed| changed != name);
        kept.changed.push(name.to_owned());
        Ok(())
    }

    fn may_wait(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: Cell<'static> =
        Cell { lineage: [7; 16], meter: "calls", window: Window { start: 60, end: Some(120) } };

    #[test]
    fn leases_grow_to_a_share_of_what_is_left_and_shrink_near_the_limit() {
        let (store, mut total, mut wants) = (Leased::new(), 0, Vec::new());
        while total < 1000 {
            while store.take(&CELL, 1, 1, 1000).expect("reachable").units == 1 {}
            let wish = store.wishes().pop().expect("a wish");
            assert_eq!(wish.key, "07070707070707070707070707070707/calls/60");
            assert_eq!((wish.limit, wish.until), (1000, Some(120)));
            let units = wish.want.min(1000 - total);
            total += units;
            wants.push(wish.want);
            store.granted(wish.id, units, total);
        }
        assert_eq!(wants[..5], [1, 2, 4, 8, 15], "they double up to a 64th");
        assert_eq!(wants.last(), Some(&1), "the last unit is usable");
    }

    #[test]
    fn what_is_not_used_goes_back_and_what_is_lost_is_said_once() {
        let store = Leased::new();
        assert_eq!(store.take(&CELL, 3, 3, 10).expect("reachable"), Taken { units: 0, total: 0 });
        let wish = store.wishes().pop().expect("a wish");
        assert!(store.wishes().is_empty());
        store.lost(wish.id);
        assert!(store.take(&CELL, 3, 3, 10).is_err());
        store.take(&CELL, 3, 3, 10).expect("asked again");
        store.granted(wish.id, 5, 8);
        assert_eq!(store.take(&CELL, 3, 3, 10).expect("reachable"), Taken { units: 3, total: 6 });
        assert_eq!(store.drain(), [(wish.key, 2)]);
        assert!(store.drain().is_empty());
    }
}
