//! What a store does, whichever it is.

use std::time::Duration;

use licentia_core::{
    AccountId,
    metering::{rate::RateTaken, taker::Turn as Became},
};

use super::{
    ask::{Answer, JobAsk, JobCharged, JobFinish, Op, PartDone, RateAsk, SeatAsk, Seats, Taken, Turn},
    cell::Cell,
    error::Unreachable,
};

/// Keeps counters and marks.
pub trait Store: Send + Sync {
    /// Takes up to `want` units of a cell, and none if fewer than `need` are left of `limit`.
    ///
    /// # Errors
    /// [`Unreachable`]; then nothing was taken.
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable>;

    /// Gives units back that were taken and not used.
    ///
    /// # Errors
    /// [`Unreachable`]; then they are lost, and never granted twice.
    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable>;

    /// Takes units as [`Store::take`] does, once for each of the taker's turns, however often it is asked. So a turn
    /// whose answer was lost may be asked again, and [`Store::resolve`] says what became of it.
    ///
    /// A store that never fails with [`Fault::Unknown`](super::Fault::Unknown) needs no turns, and ignores them.
    ///
    /// # Errors
    /// [`Unreachable`]. If the fault is [`Fault::Unknown`](super::Fault::Unknown) the units may have been taken.
    fn take_in_turn(
        &self,
        cell: &Cell<'_>,
        by: Turn,
        need: u64,
        want: u64,
        limit: u64,
    ) -> Result<Taken, Unreachable> {
        let _ = by;
        self.take(cell, need, want, limit)
    }

    /// Gives units back as [`Store::give_back`] does, once for each of the taker's turns.
    ///
    /// # Errors
    /// [`Unreachable`]. If the fault is [`Fault::Unknown`](super::Fault::Unknown) they may have gone back.
    fn give_back_in_turn(&self, cell: &Cell<'_>, by: Turn, units: u64) -> Result<(), Unreachable> {
        let _ = by;
        self.give_back(cell, units)
    }

    /// Says what became of a turn whose answer was lost, and closes it: if it was not done, it never will be. A store
    /// that keeps no turns answers [`Became::Late`], which makes the units in doubt lost.
    ///
    /// # Errors
    /// [`Unreachable`]; then ask again.
    fn resolve(&self, cell: &Cell<'_>, by: Turn) -> Result<Became, Unreachable> {
        let _ = (cell, by);
        Ok(Became::Late)
    }

    /// Charges a job on all its parts or on none, in one atomic step: once, whoever asks and however often, until the
    /// period ends. [`licentia_core::metering::job`] has the rules. The charge is durable when this returns.
    ///
    /// # Errors
    /// [`Unreachable`]; then it may have been charged, and asking again is safe. A store that keeps no jobs returns it
    /// for each.
    fn charge_job(&self, ask: &JobAsk<'_>) -> Result<JobCharged, Unreachable> {
        let _ = ask;
        Err(Unreachable::because("this store keeps no jobs"))
    }

    /// Commits, cancels or refunds what a job was charged, in one atomic step for all the parts that are named.
    ///
    /// # Errors
    /// [`Unreachable`]; then it may still be as it was. Committing and refunding again is safe. Cancelling again is
    /// not: it could end the try of another process.
    fn finish_job(&self, ask: &JobFinish<'_>) -> Result<Vec<PartDone>, Unreachable> {
        let _ = ask;
        Err(Unreachable::because("this store keeps no jobs"))
    }

    /// Forgets the periods that ended before this time, in seconds since 1970. A store that forgets by itself does
    /// nothing.
    ///
    /// # Errors
    /// [`Unreachable`].
    fn forget(&self, before: u64) -> Result<(), Unreachable> {
        let _ = before;
        Ok(())
    }

    /// Takes a slice of a rate that everybody shares, by the store's own clock.
    ///
    /// # Errors
    /// [`Unreachable`]; then nothing was taken that anybody may use. A store that shares no rates says so for each.
    fn take_rate(&self, ask: &RateAsk<'_>) -> Result<RateTaken, Unreachable> {
        let _ = ask;
        Err(Unreachable::because("this store shares no rates"))
    }

    /// The store's own time, in seconds since 1970: of a store that many machines share, so that none of them sets the
    /// time for the others. `None` if it has no clock but this machine's.
    ///
    /// # Errors
    /// [`Unreachable`].
    fn time(&self) -> Result<Option<u64>, Unreachable> {
        Ok(None)
    }

    /// The value that was saved last under a name.
    ///
    /// # Errors
    /// [`Unreachable`].
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Unreachable>;

    /// Saves a value under a name, in place of the one before.
    ///
    /// # Errors
    /// [`Unreachable`].
    fn save(&self, name: &str, value: &[u8]) -> Result<(), Unreachable>;

    /// Compares and swaps in one atomic step: saves a value under a name if its present value is `before`, so that nobody
    /// overwrites what another process has saved meanwhile. Returns whether it was saved.
    ///
    /// A store that is not shared needs no other implementation than this.
    ///
    /// # Errors
    /// [`Unreachable`]; then it may have been saved.
    fn replace(&self, name: &str, before: Option<&[u8]>, value: &[u8]) -> Result<bool, Unreachable> {
        let same = self.load(name)?.as_deref() == before;
        if same {
            self.save(name, value)?;
        }
        Ok(same)
    }

    /// Remembers a name until `until`, in one atomic step: whether it was not known. Times are in seconds since 1970; a
    /// store with its own clock remembers it for as long by that.
    ///
    /// # Errors
    /// [`Unreachable`]; then it may be remembered. A store that remembers no names returns it for each.
    fn remember(&self, name: &str, until: u64, now: u64) -> Result<bool, Unreachable> {
        let _ = (name, until, now);
        Err(Unreachable::because("this store remembers no names"))
    }

    /// Takes a seat for a holder, or keeps the one that it has, in one atomic step: drops the seats whose time
    /// is over, and grants where the holder has a seat or there are fewer than `limit`.
    ///
    /// A seat's time is over at `taken at + time to live`. One that was taken after `now`, by a clock that was
    /// ahead, counts as taken at `now`. A holder that has a seat while there are more than `limit`, because the
    /// limit has sunk, loses it.
    ///
    /// # Errors
    /// [`Unreachable`]; then nothing has changed. A store that keeps no seats says so for each.
    fn take_seat(&self, ask: &SeatAsk<'_>) -> Result<Seats, Unreachable> {
        let _ = ask;
        Err(Unreachable::because("this store keeps no seats"))
    }

    /// Gives a holder's seat back; does nothing if it has none.
    ///
    /// # Errors
    /// [`Unreachable`]; the seat is then free when its time is over.
    fn release_seat(&self, account: &AccountId, holder: &str) -> Result<(), Unreachable> {
        let _ = (account, holder);
        Err(Unreachable::because("this store keeps no seats"))
    }

    /// Does many operations, and answers each in its place. A store that can do them in one round trip or one
    /// transaction does; one that fails does not keep the others from being done.
    fn batch(&self, ops: &[Op<'_>]) -> Vec<Result<Answer, Unreachable>> {
        let one = |op: &Op<'_>| match op {
            Op::Take { cell, by: Some(by), need, want, limit } => {
                self.take_in_turn(cell, *by, *need, *want, *limit).map(Answer::Taken)
            }
            Op::Take { cell, by: None, need, want, limit } => {
                self.take(cell, *need, *want, *limit).map(Answer::Taken)
            }
            Op::GiveBack { cell, by: Some(by), units } => {
                self.give_back_in_turn(cell, *by, *units).map(|()| Answer::GaveBack)
            }
            Op::GiveBack { cell, by: None, units } => self.give_back(cell, *units).map(|()| Answer::GaveBack),
            Op::Resolve { cell, by } => self.resolve(cell, *by).map(Answer::Became),
            Op::ChargeJob(ask) => self.charge_job(ask).map(Answer::Charged),
            Op::FinishJob(ask) => self.finish_job(ask).map(Answer::Finished),
            Op::Rate(ask) => self.take_rate(ask).map(Answer::Rate),
            Op::Seat(ask) => self.take_seat(ask).map(Answer::Seats),
        };
        ops.iter().map(one).collect()
    }

    /// Whether the store answers, and lets this process do what it must: [`store::open`](super::open) asks once.
    ///
    /// # Errors
    /// [`Unreachable`], which says what to change.
    fn check(&self) -> Result<(), Unreachable> {
        self.load("up").map(|_| ())
    }

    /// Whether the store answers, and can be written to.
    ///
    /// # Errors
    /// [`Unreachable`].
    fn probe(&self) -> Result<(), Unreachable> {
        self.load("up").map(|_| ())
    }

    /// How long a request waits for this store before the licence's policy decides.
    fn patience(&self) -> Duration {
        Duration::from_secs(2)
    }

    /// Whether an operation may wait for something outside of this process, such as a disk or another machine, so that a
    /// host should not wait for it where others wait for the host, as on the thread of an event loop.
    fn may_wait(&self) -> bool {
        true
    }

    /// Whether the host asks: see [`Hosted`](super::Hosted).
    #[cfg(feature = "hosted")]
    #[doc(hidden)]
    fn is_hosted(&self) -> bool {
        false
    }
}
