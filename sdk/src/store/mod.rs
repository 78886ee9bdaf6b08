//! Where counters and marks are kept.
//!
//! A process takes units of a quota from the store ahead of use and then counts in its own memory; what it
//! has taken, nobody else can take. The same store keeps what a gate must remember over a restart.

mod ask;
#[cfg(any(feature = "redis", feature = "sqlite"))]
mod breaker;
mod cell;
mod contract;
mod error;
#[cfg(feature = "hosted")]
mod hosted;
mod memory;
mod open;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;
mod wall_clock;

pub use crate::metering::{Leased, Wish};
pub use ask::{
    Answer, Finish, FinishPart, JobAsk, JobCharged, JobFinish, JobPart, Op, PartCharged, PartDone, RateAsk,
    SeatAsk, Seats, Taken, Taker, Turn,
};
pub use cell::Cell;
pub use contract::Store;
pub use error::{Fault, OpenError, Unreachable};
#[cfg(feature = "hosted")]
pub use hosted::Hosted;
pub use licentia_core::metering::{job::Outcome, rate::RateTaken, taker::Turn as Became};
pub use memory::Memory;
pub use open::{open, open_lazily};
#[cfg(feature = "redis")]
pub use redis::Redis;
#[cfg(feature = "sqlite")]
pub use sqlite::Sqlite;
