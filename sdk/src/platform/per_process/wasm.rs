//! A value behind a lock. WebAssembly has one process, which never forks.

use std::sync::{Mutex, PoisonError};

/// A value of which each process has its own.
pub(crate) struct PerProcess<T>(Mutex<T>);

/// The number of this process.
pub(crate) fn process_id() -> u32 {
    0
}

impl<T> PerProcess<T> {
    pub(crate) fn new(value: T, _fresh: fn() -> T) -> Self {
        Self(Mutex::new(value))
    }

    /// Runs `work` on the value, under the lock.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[allow(clippy::unused_self, reason = "the native twin adopts the parent's value")]
    pub(crate) fn inherit(&self) {}
}
