//! Charges one request, and takes it back if the request is denied.

use std::sync::Arc;

use arrayvec::ArrayVec;
use licentia_core::{Code, Timestamp};

use crate::store::{Finish, Outcome as JobOutcome, PartCharged, Seats};

use super::{
    account::{Counters, RateCounter},
    charge::{Charge, ChargeList, MAX_CHARGES, SEATS, Unit},
    driver::{Driver, Stop, Wait},
    job::{self, ChargedMeter, JobMeter},
    meter::{Present, QuotaCounter},
    outage::Unanswered,
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
    meters: ArrayVec<Metered<'d>, MAX_CHARGES>,
    count: usize,
    /// The job under whose name the meters were charged.
    job: Option<&'a str>,
    /// Whether the meters are only reserved, until the reservation is committed.
    held: bool,
}

/// A meter that was charged.
pub(crate) struct Metered<'d> {
    pub(crate) quota: &'d QuotaCounter,
    pub(crate) units: Present<'d>,
    pub(crate) cost: u64,
    /// The job's attempt that it was charged for.
    pub(crate) attempt: Option<u64>,
}

/// What a job's charge came to, for each meter: the code, and what is left.
pub(crate) type JobCodes = ArrayVec<(Code, Outcome), MAX_CHARGES>;

impl<'d, 'a> Charges<'d, 'a> {
    pub(crate) fn new(counters: &'d Counters, shown: &'d mut ChargeList<'a>, held: bool) -> Self {
        Self { counters, shown, rates: ArrayVec::new(), meters: ArrayVec::new(), count: 0, job: None, held }
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
        (now, now_nanos): (Timestamp, u64),
        (driver, wait): (&Driver, &Wait<'_>),
    ) -> Result<Result<Outcome, Unanswered>, Code> {
        let rate = self.counters.rate(name).ok_or(Code::RateNotLicensed)?;
        self.count()?;
        let outcome = match rate.charge(cost, now_nanos, driver, wait) {
            Ok(outcome) => outcome,
            Err(stop) => return Ok(Err(Unanswered::of(stop, || now))),
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
        (driver, wait): (&Driver, &Wait<'_>),
    ) -> Result<Result<Outcome, Unanswered>, Code> {
        let (quota, units) = self.quota(name, now.0)?;
        let outcome = match quota.charge(&units, cost, now, driver, wait) {
            Ok(outcome) => outcome,
            Err(stop) => return Ok(Err(Unanswered::of(stop, || units.refused_since(now.0)))),
        };
        let charged = if outcome.granted && !self.held { cost } else { 0 };
        let limit = (quota.limit, quota.length);
        let charge = charge(name, Unit::Quota, (cost, charged), limit, outcome);
        self.show(Charge { period: Some(quota.period), counted_in: Some(units.window()), ..charge });
        if outcome.granted {
            let _ = self.meters.try_push(Metered { quota, units, cost, attempt: None });
        }
        Ok(Ok(outcome))
    }

    /// The quota of a meter that is to be charged, and its units at `now`.
    fn quota(&mut self, name: &str, now: Timestamp) -> Result<(&'d QuotaCounter, Present<'d>), Code> {
        let counters = self.counters;
        let quota = counters.quota(name).ok_or(Code::MeterNotLicensed)?;
        self.count()?;
        let units = quota.units(now);
        if units.is_other() {
            counters.set_outdated();
        }
        Ok((quota, units))
    }

    /// Charges a job on all its meters, or on none, in one step of the store. Answers for each meter up to the first that
    /// refuses. The time is in seconds since 1970.
    ///
    /// An error names the meter at whose place it is.
    pub(crate) fn job(
        &mut self,
        job: &'a str,
        meters: &[(&'a str, u64)],
        now: Timestamp,
        (driver, wait): (&Driver, &Wait<'_>),
    ) -> Result<Result<JobCodes, Unanswered>, (usize, Code)> {
        if job.is_empty() || job.len() > JOB_BYTES {
            return Err((0, Code::InvalidArgument));
        }
        let mut found = ArrayVec::<(&'d QuotaCounter, Present<'d>, u64), MAX_CHARGES>::new();
        // The part of each meter: one that is named twice is charged once, for the sum.
        let mut places = ArrayVec::<usize, MAX_CHARGES>::new();
        for (place, (name, cost)) in meters.iter().enumerate() {
            let (quota, units) = self.quota(name, now).map_err(|code| (place, code))?;
            let known = found.iter().position(|(known, ..)| std::ptr::eq(*known, quota));
            let part = known.unwrap_or(found.len());
            match found.get_mut(part) {
                Some((.., sum)) => *sum = sum.saturating_add(*cost),
                None => found.push((quota, units, *cost)),
            }
            places.push(part);
        }
        let charged = match self.charge_job(job, &found, driver, wait) {
            Ok(charged) => charged,
            Err(stop) => {
                let since = || found.first().map_or(now, |(_, units, _)| units.refused_since(now));
                return Ok(Err(Unanswered::of(stop, since)));
            }
        };
        let refusing = match charged.0 {
            JobOutcome::Charged | JobOutcome::Before => None,
            JobOutcome::Refused(part) => Some((part, Code::QuotaExceeded)),
            JobOutcome::CostDiffers(part) => Some((part, Code::JobCostDiffers)),
        };
        let mut codes = JobCodes::new();
        for ((name, cost), part) in meters.iter().zip(places) {
            let (Some((quota, units, sum)), Some(after)) = (found.get(part), charged.1.get(part)) else {
                break;
            };
            let code = refusing.filter(|(place, _)| *place == part).map_or(Code::Allowed, |(_, code)| code);
            let granted = code == Code::Allowed;
            let mut outcome = quota.job_outcome(units, (*sum, granted), after.total, now);
            outcome.retry_after_ms = outcome.retry_after_ms.filter(|_| code == Code::QuotaExceeded);
            units.is_answered();
            let final_units = if refusing.is_none() && after.fresh && !self.held { *cost } else { 0 };
            let limit = (quota.limit, quota.length);
            let charge = charge(name, Unit::Quota, (*cost, final_units), limit, outcome);
            self.show(Charge { period: Some(quota.period), counted_in: Some(units.window()), ..charge });
            codes.push((code, outcome));
            if !granted {
                break;
            }
        }
        if refusing.is_none() {
            self.job = Some(job);
            for ((quota, units, cost), after) in found.into_iter().zip(charged.1) {
                let _ = self.meters.try_push(Metered { quota, units, cost, attempt: after.attempt });
            }
        }
        Ok(Ok(codes))
    }

    fn charge_job(
        &self,
        job: &str,
        found: &[(&'d QuotaCounter, Present<'d>, u64)],
        driver: &Driver,
        wait: &Wait<'_>,
    ) -> Result<(JobOutcome, Vec<PartCharged>), Stop> {
        let ask = || {
            let meter = |(quota, units, cost): &(&'d QuotaCounter, Present<'d>, u64)| JobMeter {
                meter: Arc::clone(quota.meter()),
                units: units.share(),
                cost: *cost,
                limit: quota.hard,
            };
            found.iter().map(meter).collect()
        };
        let mut charged = job::charge(job, self.held, ask(), driver, wait)?;
        for _ in found {
            // What was taken ahead here may be what is missing there.
            let JobOutcome::Refused(part) = charged.outcome else { break };
            let Some((quota, units, _)) = found.get(part) else { break };
            if !quota.settle(units, driver, wait)? {
                break;
            }
            wait.forget(|kept| kept.job = None);
            charged = job::charge(job, self.held, ask(), driver, wait)?;
        }
        Ok((charged.outcome, charged.parts))
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
    pub(crate) fn meters(&self) -> impl Iterator<Item = &Metered<'d>> {
        self.meters.iter()
    }

    /// The job under whose name they were charged.
    pub(crate) fn charged_job(&self) -> Option<&'a str> {
        self.job
    }

    /// Takes everything back: a denied request costs nothing.
    pub(crate) fn undo(&mut self, driver: &Driver, wait: &Wait<'_>) {
        self.undo_here();
        let Some(job) = self.job else { return };
        let meter = |metered: &Metered<'d>| ChargedMeter {
            meter: Arc::clone(metered.quota.meter()),
            units: metered.units.share(),
            attempt: metered.attempt.unwrap_or(0),
            cost: 0,
        };
        let charged = self.meters.iter().filter(|metered| metered.cost > 0).map(meter).collect();
        // If the store cannot be reached it stays charged; the same job may be tried again.
        match wait {
            Wait::Block => drop(job::finish(job, Finish::Cancel, charged, driver)),
            Wait::Poll(_) => drop(job::begin_to_finish(job, Finish::Cancel, charged, driver)),
        }
    }

    /// Takes back what was charged in this process alone, so that the charges can be made again.
    pub(crate) fn undo_here(&mut self) {
        self.shown.iter_mut().for_each(|charge| charge.charged = 0);
        for (rate, cost, now_nanos) in &self.rates {
            rate.undo(*cost, *now_nanos);
        }
        if self.job.is_none() {
            self.meters.iter().for_each(|metered| metered.units.undo(metered.cost));
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
