//! What a store does, whichever it is.

use licentia_core::{
    AccountId,
    metering::rate::{Gcra, RateTaken, Tat},
};

use super::{cell::Cell, error::Unreachable};

/// Keeps counters and marks.
pub trait Store: Send + Sync {
    /// Takes up to `want` units of a cell, and none where fewer than `need` are left of `limit`.
    ///
    /// # Errors
    /// [`Unreachable`]; then nothing was taken.
    fn take(&self, cell: &Cell<'_>, need: u64, want: u64, limit: u64) -> Result<Taken, Unreachable>;

    /// Gives units back that were taken and not used.
    ///
    /// # Errors
    /// [`Unreachable`]; then they are lost, and never granted twice.
    fn give_back(&self, cell: &Cell<'_>, units: u64) -> Result<(), Unreachable>;

    /// Charges units under a job's name: once, however often it is asked, by whomever, until the period ends. What was
    /// held by another one, and is charged for good now, is lowered to `units` where that is less.
    /// The charge is durable when this returns.
    ///
    /// # Errors
    /// [`Unreachable`]; then it may have been charged, and asking again is safe. A store that keeps no jobs says so for
    /// each.
    fn take_once(&self, cell: &Cell<'_>, job: Job<'_>, units: u64, limit: u64) -> Result<Once, Unreachable> {
        let _ = (cell, job, units, limit);
        Err(Unreachable::because("this store keeps no jobs"))
    }

    /// Finishes the charge of a job. Gives whether this call did: `false` where the job is not known, or its charge was
    /// final before.
    ///
    /// # Errors
    /// [`Unreachable`]; then it may still be as it was, and asking again is safe.
    fn finish_once(&self, cell: &Cell<'_>, job: &str, finish: Finish) -> Result<bool, Unreachable> {
        let _ = (cell, job, finish);
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

    /// Saves a value under a name where the one before is as it is thought to be, in one atomic step: so nobody
    /// overwrites what another one has saved meanwhile. Gives whether it was.
    ///
    /// A store that is not shared may leave it as it is here.
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

    /// Gives a holder's seat back; nothing happens where it has none.
    ///
    /// # Errors
    /// [`Unreachable`]; the seat is then free when its time is over.
    fn release_seat(&self, account: &AccountId, holder: &str) -> Result<(), Unreachable> {
        let _ = (account, holder);
        Err(Unreachable::because("this store keeps no seats"))
    }

    /// Whether an operation may wait for something outside of this process, such as a disk or another machine, so that a
    /// host should not wait for it where others wait for the host, as on the thread of an event loop.
    fn may_wait(&self) -> bool {
        true
    }
}

/// What a store gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Units that were given: none, or at least as many as were needed.
    pub units: u64,
    /// Units of the cell that have been taken in all, by everybody.
    pub total: u64,
}

/// A job that is charged once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job<'a> {
    /// What it is known by.
    pub name: &'a str,
    /// Whether its charge is held: reserved, until it is finished.
    pub held: bool,
}

/// How a job's charge that is held ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It is lowered to at most so many units, and final.
    Commit(u64),
    /// It is taken back, as if it never was. One that is final stays: somebody has done the job.
    Cancel,
    /// It is taken back, also where it is final: for who made it final in the same request, which was then denied.
    Undo,
}

impl Finish {
    /// What is left of the charge.
    pub(super) fn units(self) -> u64 {
        match self {
            Self::Commit(units) => units,
            Self::Cancel | Self::Undo => 0,
        }
    }
}

/// What became of a charge under a job's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Once {
    /// It is charged by this call: its units were taken now, or those that another one had held are final now. This
    /// many units of the cell have been taken in all.
    Charged(u64),
    /// It was charged before, under the same name.
    Before(u64),
    /// Too few units are left.
    Refused(u64),
}

/// Who asks for a slice of a rate.
#[derive(Clone, Copy, Debug)]
pub struct RateAsk<'a> {
    /// Who is counted.
    pub account: AccountId,
    /// The rate.
    pub name: &'a str,
    /// How it counts.
    pub gcra: Gcra,
    /// Requests that must be in the slice; 0 looks.
    pub need: u64,
    /// Requests that may be in it.
    pub want: u64,
}

impl RateAsk<'_> {
    /// What is given at `now`, in nanoseconds, with the state `tat`, and the state after it.
    pub(super) fn take(&self, tat: Tat, now: u64) -> (Tat, RateTaken) {
        self.gcra.take(tat, now, self.need, self.want)
    }
}

/// Who asks for a seat. Times are in whole seconds.
#[derive(Clone, Copy, Debug)]
pub struct SeatAsk<'a> {
    /// Whose seat it is.
    pub account: AccountId,
    /// Who sits on it.
    pub holder: &'a str,
    /// How long it is held unless it is asked for again.
    pub ttl: u64,
    /// How many seats there are.
    pub limit: u64,
    /// The time, since 1970.
    pub now: u64,
}

/// What a store says of a licence's seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seats {
    /// Whether the holder has a seat now.
    pub granted: bool,
    /// Seats that are taken now, the holder's own among them.
    pub taken: u64,
    /// When the first of them comes free unless it is asked for again, in seconds since 1970.
    pub next_free: Option<u64>,
}
