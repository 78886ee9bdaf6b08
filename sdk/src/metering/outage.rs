//! Since when the store has not answered.

use std::sync::atomic::{AtomicU64, Ordering};

use licentia_core::Timestamp;

use super::driver::Stop;
use crate::store::{Fault, Unreachable};

/// Encodes that the store answers.
const NEVER: u64 = u64::MAX;

/// Since when the store has not answered, in seconds since 1970.
#[derive(Debug)]
pub(crate) struct Outage(AtomicU64);

impl Outage {
    pub(crate) const fn none() -> Self {
        Self(AtomicU64::new(NEVER))
    }

    /// The store has answered. Only a change is written, since all threads read this.
    pub(crate) fn end(&self) {
        if self.0.load(Ordering::Relaxed) != NEVER {
            self.0.store(NEVER, Ordering::Relaxed);
        }
    }

    /// The store has not answered at `now`. Returns since when it has not.
    pub(crate) fn since(&self, now: Timestamp) -> Timestamp {
        self.0.fetch_min(now.as_seconds(), Ordering::Relaxed).min(now.as_seconds()).into()
    }
}

/// A store that did not answer for a charge, or has not yet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unanswered {
    /// The answer comes later.
    Pending,
    /// The store answers nobody.
    Outage,
    /// This key alone is not answered for, since this time.
    KeySince(Timestamp),
}

impl Unanswered {
    /// What a charge that stopped means. `since` is since when the key that was asked for is not answered for.
    pub(crate) fn of(stop: Stop, since: impl FnOnce() -> Timestamp) -> Self {
        match stop {
            Stop::Pending => Self::Pending,
            Stop::Unreachable(error) => Self::of_error(&error, since),
        }
    }

    /// The same of an error.
    pub(crate) fn of_error(error: &Unreachable, since: impl FnOnce() -> Timestamp) -> Self {
        match error.fault() {
            Fault::OneKey => Self::KeySince(since()),
            _ => Self::Outage,
        }
    }
}
