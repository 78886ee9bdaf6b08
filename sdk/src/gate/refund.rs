//! Refunds what a job was charged.

use licentia_core::{AccountId, Code, Explanation, Timestamp, Window};

use crate::{
    event::{self, Used},
    license::Found,
    platform::Now,
    store::{Cell, Finish, FinishPart, JobAsk, JobFinish, JobPart, PartDone, Store, Unreachable},
};

use super::gate::Gate;

/// Most meters of one refund: those of one request.
const METERS: usize = 8;

impl Gate {
    /// Refunds what a job was charged, such as for work that has failed after its charge, until so many units of each
    /// meter are refunded in all: repeating it changes nothing. Returns the units that this call has refunded, in the
    /// order of the meters. A job that was fully refunded may be charged again.
    ///
    /// `charged_at` is a time in the period whose units were charged, such as that of the decision. The licence must be
    /// authentic, and may have ended. Counts never fall: what is refunded is a second count, in receipts too, and
    /// [`crate::event::Sink::refunded`] is told. It asks the store, and blocks.
    ///
    /// # Errors
    /// The code of a token that is not authentic; [`Code::MeterNotLicensed`]; [`Code::InvalidArgument`] for more than 8
    /// meters; [`Code::StoreUnreachable`]: it may have been refunded, and asking again is safe.
    pub fn refund(
        &self,
        token: &str,
        job: &str,
        meters: &[(&str, u64)],
        charged_at: impl Into<Timestamp>,
        now: impl Into<Now>,
    ) -> Result<Vec<u64>, Code> {
        let charged_at = charged_at.into();
        if meters.is_empty() || meters.len() > METERS {
            return Err(Code::InvalidArgument);
        }
        let found = self.licences.find(token, now.into(), &mut Explanation::default())?;
        let licensed = Found::get(&found).ok_or(Code::MissingToken)?;
        let quota = |(name, _): &(&str, u64)| licensed.counters.quota(name).ok_or(Code::MeterNotLicensed);
        let quotas = meters.iter().map(quota).collect::<Result<Vec<_>, _>>()?;
        let cells: Vec<_> = quotas.iter().map(|quota| quota.cell_at(charged_at)).collect();

        let owned = cells.iter().zip(meters).map(|(cell, (meter, units))| {
            let cell = (cell.account, (*meter).to_owned(), cell.window);
            (cell, *units)
        });
        let (owned, job) = (owned.collect::<Vec<_>>(), job.to_owned());
        let done = self.driver.call(move |store| refund(store, &job, &owned));
        let done = done.map_err(|_| Code::StoreUnreachable)?;

        let license = licensed.license();
        for (cell, part) in cells.iter().zip(&done).filter(|(_, part)| part.units > 0) {
            let (issuer, lineage) = (license.issuer(), cell.account.lineage());
            let used =
                Used { issuer, lineage: &lineage, meter: cell.meter, window: cell.window, units: part.units };
            event::each(&self.sinks, |sink| sink.refunded(&used));
        }
        Ok(done.iter().map(|part| part.units).collect())
    }
}

/// Refunds the parts of a job: their cells, and the units that are refunded in all.
fn refund(
    store: &dyn Store,
    job: &str,
    parts: &[((AccountId, String, Window), u64)],
) -> Result<Vec<PartDone>, Unreachable> {
    let cells = || {
        let parts = parts.iter().map(|(cell, _)| cell);
        parts.map(|(account, meter, window)| Cell { account: *account, meter, window: *window })
    };
    // A charge of nothing tells which attempt is charged.
    let looked = cells().map(|cell| JobPart { cell, cost: 0, limit: 0 }).collect();
    let charged = store.charge_job(&JobAsk { job, held: false, parts: looked })?;
    let due = cells().zip(&charged.parts).zip(parts);
    let due = due.map(|((cell, part), (_, units))| {
        let attempt = part.attempt.unwrap_or(0);
        FinishPart { cell, attempt, units: *units }
    });
    store.finish_job(&JobFinish { job, how: Finish::Refund, parts: due.collect() })
}
