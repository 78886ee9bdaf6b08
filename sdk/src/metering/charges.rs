//! Charges one request, and takes it back if the request is denied.

use arrayvec::ArrayVec;
use licentia_core::{Code, Timestamp};

use crate::store::{Finish, Job, Seats, Store, Unreachable};

use super::{
    account::{Counters, RateCounter},
    charge::{Charge, ChargeList, MAX_CHARGES, SEATS, Unit},
    meter::{Present, QuotaCounter},
    outcome::Outcome,
};

/// Longest name of a job, in bytes.
const JOB_BYTES: usize = 256;

/// The charges of one request.
pub(crate) struct Charges<'d, 'a> {
    counters: &'d Counters,
    shown: &'d mut ChargeList<'a>,
    /// With what was charged, and the time of the monotonic clock, in nanoseconds.
    rates: ArrayVec<(&'d RateCounter, u64, u64), MAX_CHARGES>,
    meters: ArrayVec<Metered<'d, 'a>, MAX_CHARGES>,
    count: usize,
    /// Whether the meters are only reserved, until the reservation is committed.
    held: bool,
}

/// A meter that was charged.
pub(crate) struct Metered<'d, 'a> {
    pub(crate) quota: &'d QuotaCounter,
    pub(crate) units: Present<'d>,
    pub(crate) cost: u64,
    /// The job under whose name it was charged, and whether that was now.
    pub(crate) job: Option<(&'a str, bool)>,
    held: bool,
}

impl<'d, 'a> Charges<'d, 'a> {
    pub(crate) fn new(counters: &'d Counters, shown: &'d mut ChargeList<'a>, held: bool) -> Self {
        Self { counters, shown, rates: ArrayVec::new(), meters: ArrayVec::new(), count: 0, held }
    }

    /// Whether there is space for one more charge.
    pub(crate) fn has_place(&self) -> bool {
        self.count < MAX_CHARGES
    }

    /// Counts one more charge, up to the most that fit.
    fn count(&mut self) -> Result<(), Code> {
        if !self.has_place() {
            return Err(Code::InvalidArgument);
        }
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    fn show(&mut self, charge: Charge<'a>) {
        // There is space: it was counted.
        let _ = self.shown.try_push(charge);
    }

    /// Counts against a rate.
    pub(crate) fn rate(
        &mut self,
        name: &'a str,
        cost: u64,
        now_nanos: u64,
        store: &dyn Store,
    ) -> Result<Result<Outcome, Unreachable>, Code> {
        let rate = self.counters.rate(name).ok_or(Code::RateNotLicensed)?;
        self.count()?;
        let outcome = match rate.charge(cost, now_nanos, store) {
            Ok(outcome) => outcome,
            Err(unreachable) => return Ok(Err(unreachable)),
        };
        let charged = if outcome.granted { cost } else { 0 };
        let limit = (rate.burst, Some(rate.burst_seconds));
        self.show(charge(name, Unit::Rate, (cost, charged), limit, outcome));
        if outcome.granted {
            let _ = self.rates.try_push((rate, cost, now_nanos));
        }
        Ok(Ok(outcome))
    }

    /// Charges a meter. The times are by the clock guard, and nanoseconds of a monotonic clock.
    pub(crate) fn meter(
        &mut self,
        name: &'a str,
        cost: u64,
        now: (Timestamp, u64),
        job: Option<&'a str>,
        store: &dyn Store,
    ) -> Result<Result<Outcome, Unreachable>, Code> {
        let counters = self.counters;
        let quota = counters.quota(name).ok_or(Code::MeterNotLicensed)?;
        if job.is_some_and(|job| job.is_empty() || job.len() > JOB_BYTES) {
            return Err(Code::InvalidArgument);
        }
        self.count()?;
        let units = quota.units(now.0);
        if units.is_other() {
            counters.set_outdated();
        }
        // A cost of 0 reads the meter, and needs no job.
        let job = job.filter(|_| cost > 0);
        let outcome = match job {
            None => quota.charge(&units, cost, now, store).map(|outcome| (outcome, outcome.granted)),
            Some(name) => quota.charge_once(&units, Job { name, held: self.held }, cost, now.0, store),
        };
        let (outcome, charged) = match outcome {
            Ok(outcome) => outcome,
            Err(unreachable) => return Ok(Err(unreachable)),
        };
        let final_units = if charged && !self.held { cost } else { 0 };
        let limit = (quota.limit, quota.length);
        let charge = charge(name, Unit::Quota, (cost, final_units), limit, outcome);
        self.show(Charge { period: Some(quota.period), counted_in: Some(units.window()), ..charge });
        if outcome.granted {
            let job = job.map(|job| (job, charged));
            let _ = self.meters.try_push(Metered { quota, units, cost, job, held: self.held });
        }
        Ok(Ok(outcome))
    }

    /// Shows the seats of the licence.
    pub(crate) fn seats(&mut self, limit: u64, seats: &Seats, now: Timestamp) -> Result<(), Code> {
        let millis = |time: u64| Timestamp::from_seconds(time).seconds_since(now).saturating_mul(1000);
        self.count()?;
        let charge = Charge {
            name: SEATS,
            unit: Unit::Seat,
            cost: 1,
            charged: u64::from(seats.granted),
            limit,
            window: None,
            period: None,
            counted_in: None,
            remaining: limit.saturating_sub(seats.taken),
            reset_ms: None,
            retry_after_ms: seats.next_free.filter(|_| !seats.granted).map(millis),
        };
        self.show(charge);
        Ok(())
    }

    /// The meters that were charged.
    pub(crate) fn meters(&self) -> impl Iterator<Item = &Metered<'d, 'a>> {
        self.meters.iter()
    }

    /// Takes everything back: a denied request costs nothing.
    pub(crate) fn undo(&mut self, store: &dyn Store) {
        self.shown.iter_mut().for_each(|charge| charge.charged = 0);
        for (rate, cost, now_nanos) in &self.rates {
            rate.undo(*cost, *now_nanos);
        }
        for metered in self.meters() {
            metered.undo(store);
        }
    }
}

impl Metered<'_, '_> {
    fn undo(&self, store: &dyn Store) {
        match self.job {
            None => self.units.undo(self.cost),
            // Where the store cannot be reached it stays charged; the same job may be tried again.
            Some((job, true)) => {
                let finish = if self.held { Finish::Cancel } else { Finish::Undo };
                drop(self.quota.finish_once(&self.units, job, finish, store));
            }
            Some((_, false)) => {}
        }
    }
}

fn charge(
    name: &str,
    unit: Unit,
    (cost, charged): (u64, u64),
    (limit, window): (u64, Option<u64>),
    outcome: Outcome,
) -> Charge<'_> {
    Charge {
        name,
        unit,
        cost,
        charged,
        limit,
        window,
        period: None,
        counted_in: None,
        remaining: outcome.remaining,
        reset_ms: outcome.reset_ms,
        retry_after_ms: outcome.retry_after_ms,
    }
}
