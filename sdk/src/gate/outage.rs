//! Since when the store has not answered.

use std::sync::atomic::{AtomicU64, Ordering};

use licentia_core::Timestamp;

/// Encodes that the store answers.
const NEVER: u64 = u64::MAX;

/// Since when the store has not answered, in seconds since 1970.
#[derive(Debug)]
pub(super) struct Outage(AtomicU64);

impl Outage {
    pub(super) const fn none() -> Self {
        Self(AtomicU64::new(NEVER))
    }

    /// The store has answered. Only a change is written, since all threads read this.
    pub(super) fn end(&self) {
        if self.0.load(Ordering::Relaxed) != NEVER {
            self.0.store(NEVER, Ordering::Relaxed);
        }
    }

    /// The store has not answered at `now`. Returns since when it has not.
    pub(super) fn since(&self, now: Timestamp) -> Timestamp {
        self.0.fetch_min(now.as_seconds(), Ordering::Relaxed).min(now.as_seconds()).into()
    }
}
