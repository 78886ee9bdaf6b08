//! Work whose cost is known late: the most that it may cost is reserved, and what it did cost is committed.

use std::{fmt, sync::Arc};

use licentia_core::Code;

use crate::{
    event::{self, Sink, Used},
    license::Licensed,
    metering::{ChargedMeter, Charges, Driver, QuotaCounter, Units, Wait, finish_job},
    platform::process_id,
    store::{Finish, Unreachable},
};

/// Units that are reserved. Dropping it takes them back, as [`Reservation::cancel`] does.
#[must_use = "what is reserved is taken back when this is dropped"]
pub struct Reservation {
    driver: Arc<Driver>,
    sinks: Arc<[Arc<dyn Sink>]>,
    licensed: Arc<Licensed>,
    held: Vec<HeldUnits>,
    /// The job under whose name they are reserved.
    job: Option<Box<str>>,
    /// The process that reserved it: after a fork it stays the parent's.
    process: u32,
}

/// Units of one meter.
struct HeldUnits {
    /// The quota's place among those of the licence.
    quota: usize,
    units: Arc<Units>,
    reserved: u64,
    /// The job's attempt that they are reserved for.
    attempt: Option<u64>,
}

impl Reservation {
    pub(super) fn new(
        driver: Arc<Driver>,
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
                attempt: metered.attempt,
            })
        });
        let held = held.collect();
        let job = charges.charged_job().map(Into::into);
        Self { driver, sinks, licensed, held, job, process: process_id() }
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
        let cost = |held: &HeldUnits| {
            let cost = actual.iter().find(|(meter, _)| fits && self.name(held) == Some(meter));
            cost.map_or(held.reserved, |(_, cost)| *cost)
        };
        let finished = if let Some(job) = &self.job {
            self.finish(job, Finish::Commit, &held, cost).map_err(|_| Code::StoreUnreachable)?
        } else {
            for held in &held {
                self.take_back(held, held.reserved.saturating_sub(cost(held)));
            }
            vec![true; held.len()]
        };
        for (held, charged) in held.iter().zip(finished) {
            let Some(quota) = self.quota(held).filter(|_| charged && cost(held) > 0) else { continue };
            let (lineage, license) = (quota.lineage(), self.licensed.license());
            let used = Used {
                issuer: license.issuer(),
                lineage: &lineage,
                meter: quota.name(),
                window: held.units.window(),
                units: cost(held),
            };
            event::each(&self.sinks, |sink| sink.used(&used));
        }
        if fits { Ok(()) } else { Err(Code::InvalidArgument) }
    }

    /// Takes everything back.
    pub fn cancel(self) {}

    fn quota(&self, held: &HeldUnits) -> Option<&QuotaCounter> {
        self.licensed.counters.quotas.get(held.quota)
    }

    fn name(&self, held: &HeldUnits) -> Option<&str> {
        self.quota(held).map(QuotaCounter::name)
    }

    /// Ends the job on all its meters, in one step of the store. Answers for each meter whether this has ended it.
    fn finish(
        &self,
        job: &str,
        how: Finish,
        held: &[HeldUnits],
        cost: impl Fn(&HeldUnits) -> u64,
    ) -> Result<Vec<bool>, Unreachable> {
        let charged = |held: &HeldUnits| {
            let meter = Arc::clone(self.quota(held)?.meter());
            let (units, attempt) = (Arc::clone(&held.units), held.attempt.unwrap_or(0));
            Some(ChargedMeter { meter, units, attempt, cost: cost(held) })
        };
        let charged = held.iter().filter_map(charged).collect();
        let done = finish_job(job, how, charged, &self.driver)?;
        Ok(done.iter().map(|part| part.done).collect())
    }

    /// Takes units back that were not used. If the gate was dropped before, they go to the store at once: nobody else
    /// would give them back.
    fn take_back(&self, held: &HeldUnits, units: u64) {
        held.units.undo(units);
        if units > 0
            && self.driver.is_closed()
            && let Some(quota) = self.quota(held)
        {
            let _ = quota.settle(&held.units, &self.driver, &Wait::Block);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.process != process_id() {
            return;
        }
        let held = std::mem::take(&mut self.held);
        match &self.job {
            // If the store cannot be reached it stays charged.
            Some(job) if !held.is_empty() => drop(self.finish(job, Finish::Cancel, &held, |_| 0)),
            Some(_) => {}
            None => held.iter().for_each(|held| self.take_back(held, held.reserved)),
        }
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation").field("meters", &self.held.len()).finish_non_exhaustive()
    }
}
