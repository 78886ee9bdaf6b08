//! Decides about a request: facts in, a verdict with header fields out. Every protocol uses it.

mod decider;
mod facts;
pub mod fields;
mod text;
mod verdict;

pub use decider::{Decider, Settings};
pub use facts::{Facts, Protocol};
pub use verdict::{Allowed, Charging, Held, Reason, Refused, Verdict};
