//! A tally of what was used, on the path of requests.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use licentia_core::{Lineage, Window};

/// What is counted: a meter of a licence in a window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsageCell {
    /// The licence, through its renewals and upgrades.
    pub lineage: Lineage,
    /// The meter.
    pub meter: String,
    /// The window.
    pub window: Window,
}

/// How many parts it has, so that threads seldom meet.
const SHARDS: usize = 16;

/// Units that were used since it was last taken.
#[derive(Default)]
pub(super) struct Tally {
    shards: [Mutex<Shard>; SHARDS],
}

/// The few meters of each licence, so that finding one copies no name.
type Shard = HashMap<Lineage, Vec<(String, Window, u64)>>;

impl Tally {
    pub(super) fn add(&self, lineage: &Lineage, meter: &str, window: Window, units: u64) {
        let [first, ..] = *lineage.as_bytes();
        let Some(shard) = self.shards.get(usize::from(first) % SHARDS) else { return };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let meters = shard.entry(*lineage).or_default();
        match meters.iter_mut().find(|(name, of, _)| *of == window && name == meter) {
            Some((_, _, count)) => *count = count.saturating_add(units),
            None => meters.push((meter.to_owned(), window, units)),
        }
    }

    /// Takes everything out.
    pub(super) fn take(&self) -> impl Iterator<Item = (UsageCell, u64)> {
        self.shards.iter().flat_map(|shard| {
            let taken = std::mem::take(&mut *shard.lock().unwrap_or_else(PoisonError::into_inner));
            taken.into_iter().flat_map(|(lineage, meters)| {
                meters
                    .into_iter()
                    .map(move |(meter, window, units)| (UsageCell { lineage, meter, window }, units))
            })
        })
    }
}
