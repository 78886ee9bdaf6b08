//! The time of a request: the wall clock, and a clock that only advances.

use std::{
    sync::OnceLock,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// The time of a request. Take it once per request, or make your own for a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The wall clock, in seconds since 1970.
    pub seconds: u64,
    /// A clock that only advances, in nanoseconds since a moment of its own.
    pub monotonic_nanos: u64,
}

impl Now {
    /// Reads the system's clocks.
    pub fn system() -> Self {
        static START: OnceLock<Instant> = OnceLock::new();
        let elapsed = START.get_or_init(Instant::now).elapsed().as_nanos();
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self { seconds, monotonic_nanos: u64::try_from(elapsed).unwrap_or(u64::MAX) }
    }
}

impl From<u64> for Now {
    /// A time in seconds since 1970, for both clocks.
    fn from(seconds: u64) -> Self {
        Self { seconds, monotonic_nanos: seconds.saturating_mul(1_000_000_000) }
    }
}
