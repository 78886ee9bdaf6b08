//! Time, which is always an argument: the calendar, the periods of quotas, and the clock guard.

pub mod calendar;
pub mod clock;
pub(crate) mod period;
pub(crate) mod timestamp;
