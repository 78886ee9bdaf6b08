//! Jobs of one request: a question to the store that no other request shares.

use std::sync::Arc;

use crate::store::{
    Answer, Finish, FinishPart, JobAsk, JobCharged, JobFinish, JobPart, Op, PartDone, Unreachable,
};

use super::{
    driver::{Ask, Driver, Holder, Kept, Slot, Stop, Wait},
    meter::Meter,
    units::Units,
};

/// A meter that a job is charged on.
pub(crate) struct JobMeter {
    pub(crate) meter: Arc<Meter>,
    pub(crate) units: Arc<Units>,
    pub(crate) cost: u64,
    pub(crate) limit: u64,
}

/// A meter that a job was charged on.
pub(crate) struct ChargedMeter {
    pub(crate) meter: Arc<Meter>,
    pub(crate) units: Arc<Units>,
    pub(crate) attempt: u64,
    /// What the work did cost; a cancelled try needs none.
    pub(crate) cost: u64,
}

struct ChargeAsk {
    job: Box<str>,
    held: bool,
    meters: Vec<JobMeter>,
    slot: Arc<Slot<JobCharged>>,
}

impl Ask for ChargeAsk {
    fn op(&self) -> Op<'_> {
        let mut parts = Vec::with_capacity(self.meters.len());
        for asked in &self.meters {
            parts.push(JobPart {
                cell: asked.meter.cell(&asked.units),
                cost: asked.cost,
                limit: asked.limit,
            });
        }
        Op::ChargeJob(JobAsk { job: &self.job, held: self.held, parts })
    }

    fn done(self: Box<Self>, answer: Result<Answer, Unreachable>, _number: u64) -> Option<Arc<dyn Holder>> {
        self.slot.answer(answer.and_then(|answer| match answer {
            Answer::Charged(charged) => Ok(charged),
            _ => Err(Unreachable::because("the store answered another question")),
        }));
        None
    }
}

struct FinishAsk {
    job: Box<str>,
    how: Finish,
    meters: Vec<ChargedMeter>,
    slot: Arc<Slot<Vec<PartDone>>>,
}

impl Ask for FinishAsk {
    fn op(&self) -> Op<'_> {
        let mut parts = Vec::with_capacity(self.meters.len());
        for charged in &self.meters {
            parts.push(FinishPart {
                cell: charged.meter.cell(&charged.units),
                attempt: charged.attempt,
                units: charged.cost,
            });
        }
        Op::FinishJob(JobFinish { job: &self.job, how: self.how, parts })
    }

    fn done(self: Box<Self>, answer: Result<Answer, Unreachable>, _number: u64) -> Option<Arc<dyn Holder>> {
        let answer = answer.and_then(|answer| match answer {
            Answer::Finished(done) => Ok(done),
            _ => Err(Unreachable::because("the store answered another question")),
        });
        for (charged, done) in self.meters.iter().zip(answer.iter().flatten()) {
            charged.units.learn(done.total);
        }
        self.slot.answer(answer);
        None
    }
}

/// Charges a job on all its meters, or on none.
pub(crate) fn charge(
    job: &str,
    held: bool,
    meters: Vec<JobMeter>,
    driver: &Driver,
    wait: &Wait<'_>,
) -> Result<JobCharged, Stop> {
    let begin = || {
        let slot = Slot::new();
        driver.ask(Box::new(ChargeAsk { job: job.into(), held, meters, slot: Arc::clone(&slot) }));
        slot
    };
    // A future that is polled again has asked before.
    let slot = wait.kept(|kept: &mut Kept| &mut kept.job, begin);
    driver.wait(wait, |waker, _| slot.poll(waker))
}

/// Ends a job on all its meters, and waits for the answer.
pub(crate) fn finish(
    job: &str,
    how: Finish,
    meters: Vec<ChargedMeter>,
    driver: &Driver,
) -> Result<Vec<PartDone>, Unreachable> {
    let slot = begin_to_finish(job, how, meters, driver);
    driver.block(|waker, _| slot.poll(waker))
}

/// As [`finish`], and does not wait.
pub(crate) fn begin_to_finish(
    job: &str,
    how: Finish,
    meters: Vec<ChargedMeter>,
    driver: &Driver,
) -> Arc<Slot<Vec<PartDone>>> {
    let slot = Slot::new();
    driver.ask(Box::new(FinishAsk { job: job.into(), how, meters, slot: Arc::clone(&slot) }));
    slot
}
