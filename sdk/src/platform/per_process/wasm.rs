//! What belongs to one process. WebAssembly has no others, and nothing to fork.

use std::sync::{Mutex, PoisonError};

pub(crate) struct Own<T>(Mutex<T>);

/// The process, by a number.
pub(crate) fn process() -> u32 {
    0
}

impl<T> Own<T> {
    pub(crate) fn new(value: T, _fresh: fn() -> T) -> Self {
        Self(Mutex::new(value))
    }

    /// Does something with it, alone.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[allow(clippy::unused_self, reason = "elsewhere a child takes it over")]
    pub(crate) fn inherit(&self) {}
}
