//! The tests of counting. Short histories are written by hand; long ones are random, and their answers come from plain
//! models that stand here: units taken one by one, tries as a list, a bucket that leaks, seats with the seconds that
//! they have left.

mod job;
mod quota;
mod random;
mod rate;
mod seat;

use licentia_vectors::{File, StoreGroup, StoreStep, StoreTest};

use crate::output;

const NOTES: &[(&str, &str)] = &[
    ("AllOrNone", "A job is charged on all its meters or on none."),
    ("Clamp", "A TAT that lies too far ahead is lowered, and kept so, also after a refusal and a look."),
    ("ClockSetBack", "The store's clock is set back."),
    ("Doubt", "An answer was lost: what the operation did is asked for, and done at most once."),
    ("Exact", "Numbers beyond 2^53 or 2^64, which must be exact."),
    ("Greatest", "Counts end at 2^53 - 1, also if a limit is greater or there is none."),
    ("Limit", "The limit of the question decides, whatever others have been refused."),
    ("Plain", "What is usual."),
    ("Random", "A long random history, whose answers come from a plain model."),
    ("Refund", "What was charged is refunded: the two counts only grow."),
    ("Retry", "The same job is tried again."),
    ("SameJobOtherCost", "A job that was charged before is asked for with another cost, which is an error."),
    ("TakenBack", "A charge is taken back when the last try that stands on it has cancelled."),
    ("Wrap", "A process's clock that does not fit into the bits of a slice."),
];

pub(crate) fn file() -> File<StoreGroup> {
    let groups = vec![
        group("quota", "units of a count are taken and given back", quota::quotas()),
        group("taker", "takers number their operations on a count", quota::takers()),
        group("job", "a job is charged once for all its meters", job::tests()),
        group("rate", "requests of a rate, by the store's clock", rate::rates()),
        group("sharedRate", "a process counts in its slice of a rate", rate::slices()),
        group("seat", "seats, by the store's clock", seat::tests()),
    ];
    output::file("licentia-store-v1", NOTES, groups)
}

fn group(kind: &str, comment: &str, tests: Vec<StoreTest>) -> StoreGroup {
    StoreGroup { comment: comment.to_owned(), kind: kind.to_owned(), tests }
}

/// A test; its number is given later.
fn test(flag: &str, comment: &str, steps: Vec<StoreStep>) -> StoreTest {
    StoreTest { tc_id: 0, comment: comment.to_owned(), flags: vec![flag.to_owned()], steps }
}
