//! A tally of what was used, on the path of requests.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use licentia_core::{Lineage, Window};

use crate::event::Used;

/// What is counted: a meter of an issuer's licence in a window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsageCell {
    /// The licence's issuer; empty if it was counted by a version that did not record it.
    pub issuer: String,
    /// The licence, through its renewals and upgrades.
    pub lineage: Lineage,
    /// The meter.
    pub meter: String,
    /// The window.
    pub window: Window,
}

impl UsageCell {
    pub(super) fn name(&self) -> CellName<'_> {
        CellName { issuer: &self.issuer, lineage: &self.lineage, meter: &self.meter, window: self.window }
    }
}

/// What was counted, and what was refunded of it. Both only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Units {
    /// Units that were counted.
    pub counted: u64,
    /// Units that were refunded.
    pub refunded: u64,
}

impl Units {
    /// Adds, up to `most` of each.
    pub(super) fn add(&mut self, more: Self, most: u64) {
        self.counted = self.counted.saturating_add(more.counted).min(most);
        self.refunded = self.refunded.saturating_add(more.refunded).min(most);
    }

    /// The greater of each.
    pub(super) fn max(self, other: Self) -> Self {
        Self { counted: self.counted.max(other.counted), refunded: self.refunded.max(other.refunded) }
    }

    /// Whether one of them is less than in `before`.
    pub(super) fn fell_from(self, before: Self) -> bool {
        self.counted < before.counted || self.refunded < before.refunded
    }

    pub(super) fn is_zero(self) -> bool {
        self == Self::default()
    }
}

/// A cell, borrowed.
#[derive(Clone, Copy)]
pub(super) struct CellName<'a> {
    pub(super) issuer: &'a str,
    pub(super) lineage: &'a Lineage,
    pub(super) meter: &'a str,
    pub(super) window: Window,
}

impl<'a> CellName<'a> {
    pub(super) fn of(used: &Used<'a>) -> Self {
        Self { issuer: used.issuer, lineage: used.lineage, meter: used.meter, window: used.window }
    }

    fn to_cell(self) -> UsageCell {
        let (issuer, lineage, meter) = (self.issuer.to_owned(), *self.lineage, self.meter.to_owned());
        UsageCell { issuer, lineage, meter, window: self.window }
    }
}

/// How many parts it has, so that threads seldom meet.
const SHARDS: usize = 16;

/// Units that were used since it was last taken.
#[derive(Default)]
pub(super) struct Tally {
    shards: [Mutex<Shard>; SHARDS],
}

/// The few cells of each lineage, so that finding one copies no name.
type Shard = HashMap<Lineage, Vec<(UsageCell, Units)>>;

impl Tally {
    pub(super) fn add(&self, name: CellName<'_>, units: Units) {
        let [first, ..] = *name.lineage.as_bytes();
        let Some(shard) = self.shards.get(usize::from(first) % SHARDS) else { return };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let cells = shard.entry(*name.lineage).or_default();
        let same = |cell: &UsageCell| {
            cell.window == name.window && cell.meter == name.meter && cell.issuer == name.issuer
        };
        match cells.iter_mut().find(|(cell, _)| same(cell)) {
            Some((_, sum)) => sum.add(units, u64::MAX),
            None => cells.push((name.to_cell(), units)),
        }
    }

    /// Takes everything out.
    pub(super) fn take(&self) -> impl Iterator<Item = (UsageCell, Units)> {
        self.shards.iter().flat_map(|shard| {
            let taken = std::mem::take(&mut *shard.lock().unwrap_or_else(PoisonError::into_inner));
            taken.into_values().flatten()
        })
    }
}
