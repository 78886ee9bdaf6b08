//! Work whose cost is known late: the most that it may cost is reserved, and what it did cost is committed.

use std::{fmt, sync::Arc};

use licentia_core::Code;

use crate::{
    event::{self, Sink, Used},
    license::Licensed,
    metering::{Charges, QuotaCounter, Units},
    platform::process_id,
    store::{Finish, Store},
};

/// Units that are reserved. Dropping it takes them back, as [`Reservation::cancel`] does.
#[must_use = "what is reserved is taken back when this is dropped"]
pub struct Reservation {
    store: Arc<dyn Store>,
    sinks: Arc<[Arc<dyn Sink>]>,
    licensed: Arc<Licensed>,
    held: Vec<HeldUnits>,
    /// Who reserved it: after a fork it is the parent's.
    process: u32,
}

/// Units of one meter.
struct HeldUnits {
    /// The quota's place among those of the licence.
    quota: usize,
    units: Arc<Units>,
    reserved: u64,
    /// The job under whose name they were charged, and whether that was now.
    job: Option<(Box<str>, bool)>,
}

impl Reservation {
    pub(super) fn new(
        store: Arc<dyn Store>,
        sinks: Arc<[Arc<dyn Sink>]>,
        licensed: Arc<Licensed>,
        charges: &Charges<'_, '_>,
    ) -> Self {
        let quotas = &licensed.counters.quotas;
        let held = charges.meters().filter_map(|metered| {
            Some(HeldUnits {
                quota: quotas.iter().position(|quota| std::ptr::eq(quota, metered.quota))?,
                units: metered.units.share(),
                reserved: metered.cost,
                job: metered.job.map(|(job, now)| (job.into(), now)),
            })
        });
        let held = held.collect();
        Self { store, sinks, licensed, held, process: process_id() }
    }

    /// What is reserved of a meter.
    pub fn reserved(&self, meter: &str) -> Option<u64> {
        self.held.iter().find(|held| self.name(held) == Some(meter)).map(|held| held.reserved)
    }

    /// Charges what the work did cost, and takes the rest back; meters that are not named cost what was reserved. A
    /// job that another try has committed stays as it was committed then. The gate's sinks are told what was charged:
    /// see [`Sink::used`].
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for a meter that is not reserved, or more than was: reserve the most that the work may
    /// cost. Then everything that was reserved is charged. It is said too in a child of the process that reserved, which
    /// commits nothing. [`Code::StoreUnreachable`] where a job's charge cannot be lowered; it then stays as it was, and
    /// committing the same job again is safe.
    pub fn commit(mut self, actual: &[(&str, u64)]) -> Result<(), Code> {
        let held = std::mem::take(&mut self.held);
        if self.process != process_id() {
            return Err(Code::InvalidArgument);
        }
        let fits = |(meter, cost): &(&str, u64)| {
            held.iter().any(|held| self.name(held) == Some(meter) && *cost <= held.reserved)
        };
        let fits = actual.iter().all(fits);
        let mut result = if fits { Ok(()) } else { Err(Code::InvalidArgument) };
        for held in held {
            let cost = actual.iter().find(|(meter, _)| fits && self.name(&held) == Some(meter));
            let cost = cost.map_or(held.reserved, |(_, cost)| *cost);
            if self.finish(&held, cost).is_err() {
                result = result.and(Err(Code::StoreUnreachable));
            }
        }
        result
    }

    /// Takes everything back.
    pub fn cancel(self) {}

    fn quota(&self, held: &HeldUnits) -> Option<&QuotaCounter> {
        self.licensed.counters.quotas.get(held.quota)
    }

    fn name(&self, held: &HeldUnits) -> Option<&str> {
        self.quota(held).map(QuotaCounter::name)
    }

    /// Charges what the work did cost of a meter, and tells the sinks, where nobody has done that for the same job.
    fn finish(&self, held: &HeldUnits, cost: u64) -> Result<(), Code> {
        let Some(quota) = self.quota(held) else { return Ok(()) };
        let charged = if let Some((job, _)) = &held.job {
            let finished = quota.finish_once(&held.units, job, Finish::Commit(cost), &*self.store);
            finished.map_err(|_| Code::StoreUnreachable)?
        } else {
            held.units.undo(held.reserved.saturating_sub(cost));
            true
        };
        if charged && cost > 0 {
            let (lineage, license) = (quota.lineage(), self.licensed.license());
            let used = Used {
                issuer: license.issuer(),
                lineage: &lineage,
                meter: quota.name(),
                window: held.units.window(),
                units: cost,
            };
            event::each(&self.sinks, |sink| sink.used(&used));
        }
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.process != process_id() {
            return;
        }
        for held in std::mem::take(&mut self.held) {
            match (&held.job, self.quota(&held)) {
                // Where the store cannot be reached it stays charged.
                (Some((job, true)), Some(quota)) => {
                    let _ = quota.finish_once(&held.units, job, Finish::Cancel, &*self.store);
                }
                // What another try of the same job had charged is that try's to take back.
                (Some(_), _) => {}
                (None, _) => held.units.undo(held.reserved),
            }
        }
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation").field("meters", &self.held.len()).finish_non_exhaustive()
    }
}
