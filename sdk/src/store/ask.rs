//! What a store is asked, and what it answers.

use licentia_core::{
    AccountId,
    metering::{
        job::{Outcome, Part},
        rate::{Gcra, RateTaken, Tat},
        taker::Turn as Became,
    },
};

use super::cell::Cell;

/// What a store gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Units that were given: none, or at least as many as were needed.
    pub units: u64,
    /// Units of the cell that have been taken in all, by everybody.
    pub total: u64,
}

/// The name under which one gate of one process takes from cells. No other gate has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Taker([u8; 16]);

impl Taker {
    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// An operation of a taker on a cell. Numbers start at 1 and ascend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Turn {
    /// Who.
    pub taker: Taker,
    /// The number of its operation.
    pub sequence: u64,
}

/// What is asked of a job: its charge on all parts, or on none.
#[derive(Clone, Debug)]
pub struct JobAsk<'a> {
    /// What the job is known by.
    pub job: &'a str,
    /// Whether its units are reserved until they are committed.
    pub held: bool,
    /// What is charged: cells of one account, each once.
    pub parts: Vec<JobPart<'a>>,
}

/// One cell that a job is charged on.
#[derive(Clone, Copy, Debug)]
pub struct JobPart<'a> {
    /// The cell.
    pub cell: Cell<'a>,
    /// What the job costs.
    pub cost: u64,
    /// Units that all may take together.
    pub limit: u64,
}

/// What became of a job's charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobCharged {
    /// Whether it was charged.
    pub outcome: Outcome,
    /// Each part, in the order of the question.
    pub parts: Vec<PartCharged>,
}

/// One part of a job after its charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartCharged {
    /// Units of the cell that have been taken in all, by everybody.
    pub total: u64,
    /// Whether this call has charged it: sinks and receipts are told then, and only then.
    pub fresh: bool,
    /// The attempt that is charged, which [`Store::finish_job`](super::Store::finish_job) needs; none if nothing is.
    pub attempt: Option<u64>,
}

impl From<&Part> for PartCharged {
    fn from(part: &Part) -> Self {
        Self { total: part.count.taken, fresh: part.fresh, attempt: part.entry.map(|entry| entry.attempt) }
    }
}

/// How a job ends.
#[derive(Clone, Debug)]
pub struct JobFinish<'a> {
    /// What the job is known by.
    pub job: &'a str,
    /// What is done.
    pub how: Finish,
    /// The cells that it was charged on.
    pub parts: Vec<FinishPart<'a>>,
}

/// One cell that a job was charged on.
#[derive(Clone, Copy, Debug)]
pub struct FinishPart<'a> {
    /// The cell.
    pub cell: Cell<'a>,
    /// The attempt, from [`PartCharged::attempt`].
    pub attempt: u64,
    /// Units that the work did cost, or that are refunded in all; a cancelled try needs none.
    pub units: u64,
}

/// What is done to a job that was charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// What was reserved is lowered to the units of each part, and final.
    Commit,
    /// One try ends. The charge goes back when it was the last one.
    Cancel,
    /// What is final is refunded, up to the units of each part in all.
    Refund,
}

/// What [`Store::finish_job`](super::Store::finish_job) did to a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartDone {
    /// Whether this call made the charge final, took it back, or refunded something.
    pub done: bool,
    /// Units of the cell that have been taken in all, by everybody.
    pub total: u64,
    /// Units of the cell that were refunded in all.
    pub refunded: u64,
    /// Units that this call has refunded.
    pub units: u64,
}

impl Finish {
    /// Does it to a part, and returns whether it did anything.
    pub(super) fn apply(self, part: &mut Part, attempt: u64, units: u64) -> bool {
        match self {
            Self::Commit => part.commit(attempt, units),
            Self::Cancel => part.cancel(attempt),
            Self::Refund => part.refund(attempt, units) > 0,
        }
    }
}

/// A request for a slice of a rate.
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

/// A request for a seat. Times are in whole seconds.
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

/// One operation of a batch: see [`Store::batch`](super::Store::batch).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Op<'a> {
    /// Takes units; without a turn, they cannot be resolved if the answer is lost.
    Take {
        /// Of which cell.
        cell: Cell<'a>,
        /// Whose turn it is.
        by: Option<Turn>,
        /// Units without which it is of no use.
        need: u64,
        /// Units that may be taken.
        want: u64,
        /// Units that all may take together.
        limit: u64,
    },
    /// Gives units back.
    GiveBack {
        /// To which cell.
        cell: Cell<'a>,
        /// Whose turn it is.
        by: Option<Turn>,
        /// How many.
        units: u64,
    },
    /// Asks what became of a turn.
    Resolve {
        /// Of which cell.
        cell: Cell<'a>,
        /// The turn.
        by: Turn,
    },
    /// Charges a job.
    ChargeJob(JobAsk<'a>),
    /// Ends a job.
    FinishJob(JobFinish<'a>),
    /// Takes a slice of a rate.
    Rate(RateAsk<'a>),
    /// Takes a seat.
    Seat(SeatAsk<'a>),
}

/// The answer to an [`Op`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// To [`Op::Take`].
    Taken(Taken),
    /// To [`Op::GiveBack`].
    GaveBack,
    /// To [`Op::Resolve`].
    Became(Became),
    /// To [`Op::ChargeJob`].
    Charged(JobCharged),
    /// To [`Op::FinishJob`].
    Finished(Vec<PartDone>),
    /// To [`Op::Rate`].
    Rate(RateTaken),
    /// To [`Op::Seat`].
    Seats(Seats),
}
