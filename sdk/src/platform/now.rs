//! The time of a request: the wall clock and a monotonic clock.

use std::{
    sync::OnceLock,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use licentia_core::Timestamp;

/// The time of a request. Read it once per request, or construct it for a simulation.
///
/// It has these two fields for good, so that it can be constructed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The wall clock.
    pub time: Timestamp,
    /// A monotonic clock, in nanoseconds since an arbitrary moment.
    pub monotonic_nanos: u64,
}

impl Now {
    /// Reads the system's clocks.
    pub fn system() -> Self {
        static START: OnceLock<Instant> = OnceLock::new();
        let elapsed = START.get_or_init(Instant::now).elapsed().as_nanos();
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self { time: seconds.into(), monotonic_nanos: u64::try_from(elapsed).unwrap_or(u64::MAX) }
    }
}

impl From<Timestamp> for Now {
    /// A time for both clocks.
    fn from(time: Timestamp) -> Self {
        Self::from(time.as_seconds())
    }
}

impl From<u64> for Now {
    /// A time in seconds since 1970, for both clocks.
    fn from(seconds: u64) -> Self {
        Self { time: seconds.into(), monotonic_nanos: seconds.saturating_mul(1_000_000_000) }
    }
}
