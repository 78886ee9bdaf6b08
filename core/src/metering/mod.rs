//! The algebra of counting: pure functions over small states, in integers, without a heap or a clock.
//!
//! Each function takes a state and the question, and returns the answer and the state to keep. Memory, SQLite, Lua
//! and TypeScript run the same rules, and `tests/vectors/store.json` holds all of them to the same answers. A store
//! reads the states that an operation names, calls one function, and writes the states that changed, all in one
//! atomic step.
//!
//! | what | state, kept by the store | question | file |
//! |---|---|---|---|
//! | rate | [`rate::Tat`] | [`rate::Gcra::admit`], [`rate::Gcra::take`], [`rate::Gcra::undo`] | [`rate`] |
//! | quota of a period | [`quota::Count`] | [`quota::Count::take`], [`quota::Count::give_back`] | [`quota`] |
//! | who took last | [`taker::Last`] for each taker and count | [`taker::take`], [`taker::give_back`], [`taker::resolve`] | [`taker`] |
//! | job | [`job::Entry`] for each job and count | [`job::charge`], [`job::Part::commit`], [`job::Part::cancel`], [`job::Part::refund`] | [`job`] |
//! | seats | [`seat::SeatClock`], and [`seat::Seat`] for each holder | [`seat::take`] | [`seat`] |
//! | slice of a shared rate | [`shared_rate::Slice`], kept by the process | [`shared_rate::Slice::spend`] | [`shared_rate`] |
//! | reservation without a job | [`reservation::Reserved`], kept by the process | [`reservation::Reserved::commit`] | [`reservation`] |
//!
//! [`device`] counts by these rules in one block of bytes that a device keeps in flash.
//!
//! What all of them keep to:
//! - Nothing is granted that the limit of the question does not allow. No sum or product saturates in favour of who
//!   asks.
//! - A refused question changes nothing, but for a TAT that lay too far ahead, which is lowered.
//! - Time is an argument. Quotas and jobs know none: the period is a part of the count's key.
//! - A state ends: a rate when its TAT has passed, a count, its takers and its jobs with the period, a seat when its
//!   time is over.

pub mod device;
pub mod job;
pub mod quota;
pub mod rate;
pub mod reservation;
pub mod seat;
pub mod shared_rate;
pub mod taker;
