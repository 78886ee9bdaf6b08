//! Work whose cost is known late: the most that it may cost is reserved, and what it did cost is committed.

use std::sync::Arc;

use licentia_core::Code;

use crate::{
    charges::Charges,
    licensed::Licensed,
    meter::Units,
    store::{Store, Unreachable},
};

/// Units that are reserved. Dropping it takes them back, as [`Reservation::cancel`] does.
#[must_use = "what is reserved is taken back when this is dropped"]
pub struct Reservation {
    store: Arc<dyn Store>,
    licensed: Arc<Licensed>,
    held: Vec<Held>,
}

/// Units of one meter.
struct Held {
    /// The quota's place among those of the licence.
    quota: usize,
    units: Arc<Units>,
    reserved: u64,
    /// The job under whose name they were charged, and whether that was now.
    job: Option<(Box<str>, bool)>,
}

impl Reservation {
    pub(crate) fn new(store: Arc<dyn Store>, licensed: Arc<Licensed>, charges: &Charges<'_, '_>) -> Self {
        let quotas = &licensed.counters.quotas;
        let held = charges.meters().filter_map(|metered| {
            Some(Held {
                quota: quotas.iter().position(|quota| std::ptr::eq(quota, metered.quota))?,
                units: Arc::clone(&metered.units),
                reserved: metered.cost,
                job: metered.job.map(|(job, now)| (job.into(), now)),
            })
        });
        let held = held.collect();
        Self { store, licensed, held }
    }

    /// What is reserved of a meter.
    pub fn reserved(&self, meter: &str) -> Option<u64> {
        self.held.iter().find(|held| self.name(held) == Some(meter)).map(|held| held.reserved)
    }

    /// Charges what the work did cost, and takes the rest back; meters that are not named cost what was reserved.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for a meter that is not reserved, or more than was: reserve the most that the work may
    /// cost. Then everything that was reserved is charged. [`Code::StoreUnreachable`] where a job's charge cannot be
    /// lowered; it then stays as it was, and committing the same job again is safe.
    pub fn commit(mut self, actual: &[(&str, u64)]) -> Result<(), Code> {
        let held = std::mem::take(&mut self.held);
        let fits = |(meter, cost): &(&str, u64)| {
            held.iter().any(|held| self.name(held) == Some(meter) && *cost <= held.reserved)
        };
        if !actual.iter().all(fits) {
            return Err(Code::InvalidArgument);
        }
        let mut result = Ok(());
        for held in held {
            let cost = actual.iter().find(|(meter, _)| self.name(&held) == Some(meter));
            let cost = cost.map_or(held.reserved, |(_, cost)| *cost);
            if self.lower(&held, cost).is_err() {
                result = Err(Code::StoreUnreachable);
            }
        }
        result
    }

    /// Takes everything back.
    pub fn cancel(self) {}

    fn name(&self, held: &Held) -> Option<&str> {
        self.licensed.counters.quotas.get(held.quota).map(crate::meter::QuotaCounter::name)
    }

    fn lower(&self, held: &Held, cost: u64) -> Result<(), Unreachable> {
        if let (Some((job, _)), Some(quota)) = (&held.job, self.licensed.counters.quotas.get(held.quota)) {
            return quota.lower_once(&held.units, job, cost, &*self.store);
        }
        held.units.undo(held.reserved.saturating_sub(cost));
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        for held in std::mem::take(&mut self.held) {
            // What another try of the same job had charged is that try's to take back. Where the store cannot be
            // reached it stays charged.
            if held.job.as_ref().is_none_or(|(_, now)| *now) {
                let _ = self.lower(&held, 0);
            }
        }
    }
}
