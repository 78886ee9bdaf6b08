//! Tests of counting: what a store answers, step by step.

use serde::{Deserialize, Serialize};

use crate::file::group;

/// Tests of one kind of state. Each test starts with an empty store.
///
/// Numbers are at most 2^53 - 1; times in nanoseconds can be greater and are decimal text. A runner of another language
/// keeps one state for each name (a count, a rate, a slice), one entry for each job and count, and one last operation
/// for each taker and count. A store whose clock cannot be set runs the kinds `quota`, `taker` and `job`, and those
/// tests of `rate` and `seat` in which `now` never falls, with its own clock replaced by `now`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoreGroup {
    /// What the tests have in common.
    pub comment: String,
    /// Which states they are of: `quota`, `taker`, `job`, `rate`, `sharedRate` or `seat`.
    pub kind: String,
    /// The tests.
    pub tests: Vec<StoreTest>,
}
group!(StoreGroup);

/// A sequence of operations on a store that is empty at first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoreTest {
    /// The test's number, unique in the file.
    pub tc_id: u32,
    /// What is tested.
    pub comment: String,
    /// Kinds of the test; the file's notes explain them.
    pub flags: Vec<String>,
    /// The operations, in order.
    pub steps: Vec<StoreStep>,
}

/// One operation, and what it answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum StoreStep {
    /// Takes up to `want` units of a count, and none if fewer than `need` are left of `limit`.
    Take {
        /// The count.
        count: String,
        /// Who takes, and the number of its operation, if the taker is remembered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<By>,
        /// Units without which it is of no use.
        need: u64,
        /// Units that may be taken.
        want: u64,
        /// Units that all may take together.
        limit: u64,
        /// What it answers.
        expect: Taken,
    },
    /// Gives units back.
    GiveBack {
        /// The count.
        count: String,
        /// Who gives back, and the number of its operation, if the taker is remembered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<By>,
        /// How many.
        units: u64,
        /// What it answers: `units` is how many went back.
        expect: Taken,
    },
    /// Asks what became of an operation, and closes its turn.
    Resolve {
        /// The count.
        count: String,
        /// Whose operation.
        by: By,
        /// What it answers: `turn` is `new` if it was not done, else `units` is what it took.
        expect: Taken,
    },
    /// Charges a job on all these counts, or on none.
    Charge {
        /// The job's name.
        job: String,
        /// Whether its units are reserved until they are committed.
        hold: bool,
        /// What is charged.
        meters: Vec<JobMeter>,
        /// What it answers.
        expect: Charged,
    },
    /// Makes what a job has reserved final.
    Commit {
        /// The job's name.
        job: String,
        /// The counts, with the units that the work did cost.
        meters: Vec<JobPart>,
        /// What it answers for each: `done` is whether this call made it final.
        expect: Vec<PartDone>,
    },
    /// Ends one try of a job.
    Cancel {
        /// The job's name.
        job: String,
        /// The counts; units say nothing.
        meters: Vec<JobPart>,
        /// What it answers for each: `done` is whether it was the last try, so that the charge went back.
        expect: Vec<PartDone>,
    },
    /// Refunds until so many units of an attempt are refunded.
    Refund {
        /// The job's name.
        job: String,
        /// The counts, with the units that are refunded in all.
        meters: Vec<JobPart>,
        /// What it answers for each: `done` is whether this call has refunded something.
        expect: Vec<PartDone>,
    },
    /// Takes requests of a rate.
    Rate {
        /// The rate's name: its state.
        rate: String,
        /// Requests in `perMs`.
        count: u64,
        /// Milliseconds.
        per_ms: u64,
        /// Requests at once.
        burst: u64,
        /// The store's time, in nanoseconds.
        now: String,
        /// Requests that must be given; 0 reads.
        need: u64,
        /// Requests that may be given.
        want: u64,
        /// What it answers.
        expect: RateGiven,
    },
    /// Takes a charge of a rate back.
    UndoRate {
        /// The rate's name: its state.
        rate: String,
        /// Requests in `perMs`.
        count: u64,
        /// Milliseconds.
        per_ms: u64,
        /// Requests at once.
        burst: u64,
        /// When it was charged, in nanoseconds.
        now: String,
        /// What was charged.
        cost: u64,
        /// The TAT after it, in nanoseconds.
        expect: String,
    },
    /// Adds to a process's slice of a shared rate what the store gave, and spends a cost.
    Slice {
        /// The slice.
        slice: String,
        /// The process's time, in nanoseconds.
        now: String,
        /// What the store gave.
        given: u64,
        /// What the request costs.
        cost: u64,
        /// What it answers.
        expect: SliceLeft,
    },
    /// Takes a seat, or keeps the one that the holder has.
    Seat {
        /// The holder.
        holder: String,
        /// How many seats there are.
        limit: u64,
        /// Its time to live, in seconds.
        ttl: u64,
        /// The store's time, in seconds.
        now: u64,
        /// What it answers.
        expect: Seated,
    },
    /// Gives a seat back.
    Leave {
        /// The holder.
        holder: String,
    },
}

/// An operation of a taker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct By {
    /// The taker's name.
    pub taker: String,
    /// The operation's number.
    pub sequence: u64,
}

/// What a count answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Taken {
    /// Units.
    pub units: u64,
    /// Units that are taken in all, after it.
    pub total: u64,
    /// With a taker: `new`, `again` or `late`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<String>,
}

/// What a job is charged on one count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JobMeter {
    /// The count.
    pub count: String,
    /// Units; 0 reads.
    pub cost: u64,
    /// Units that all may take together.
    pub limit: u64,
}

/// An attempt of a job on one count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JobPart {
    /// The count.
    pub count: String,
    /// The attempt, as the charge has answered it.
    pub attempt: u64,
    /// Units.
    #[serde(default)]
    pub units: u64,
}

/// What a charge answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Charged {
    /// `charged`, `before`, `refused` or `costDiffers`.
    pub outcome: String,
    /// The place of the meter that was refused or differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<usize>,
    /// For each meter, after it.
    pub meters: Vec<MeterCharged>,
}

/// What a charge answers of one meter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MeterCharged {
    /// Units that are taken in all.
    pub total: u64,
    /// Whether this call has charged it.
    pub fresh: bool,
    /// The attempt; none if the job has no charge here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u64>,
}

/// What an operation on a job's charge answers of one meter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PartDone {
    /// Whether this call has done something.
    pub done: bool,
    /// Units that are taken in all.
    pub total: u64,
    /// Units that were refunded in all.
    pub refunded: u64,
}

/// What a rate answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateGiven {
    /// Requests that may come.
    pub units: u64,
    /// Requests that could still come now.
    pub remaining: u64,
    /// Nanoseconds until the whole burst is there again; at most 2^64 - 1.
    pub reset: String,
    /// Nanoseconds until `need` may come, if they were refused; at most 2^64 - 1. Null if they never may.
    pub retry_after: Option<String>,
    /// The TAT that is kept, in nanoseconds.
    pub tat: String,
}

/// What a slice answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SliceLeft {
    /// Whether the cost was spent. If not, nothing has changed, and what was given is added by the next step.
    pub spent: bool,
    /// What is left of the slice.
    pub left: u64,
}

/// What the seats answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seated {
    /// Whether the holder has a seat now.
    pub granted: bool,
    /// Seats that are taken now.
    pub taken: u64,
    /// When the first of them comes free, by the store's clock, in seconds.
    pub next_free: Option<u64>,
}
