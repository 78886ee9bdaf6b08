//! No store of a WebAssembly module waits, so that there is no thread.

use std::{
    sync::Arc,
    task::{Poll, Waker},
    time::{Duration, Instant},
};

use super::{ask::Ask, status::Status};
use crate::store::{Store, Unreachable};

pub(super) enum Queue {}

impl Queue {
    pub(super) fn new(_store: Arc<dyn Store>, _status: Arc<Status>, _prefetch: bool) -> Self {
        unreachable!("no store of a WebAssembly module waits")
    }

    pub(super) fn send(&self, _ask: Box<dyn Ask>) -> Result<(), (Box<dyn Ask>, Unreachable)> {
        match *self {}
    }

    pub(super) fn run(&self, _work: Box<dyn FnOnce(&dyn Store) + Send>) {
        match *self {}
    }

    pub(super) fn is_in_use(&self) -> bool {
        match *self {}
    }

    pub(super) fn probe(&self) {
        match *self {}
    }

    pub(super) fn wake_at(&self, _at: Instant, _waker: Waker) {
        match *self {}
    }
}

/// Takes what `step` has at once: nothing else runs that could make it ready.
pub(super) fn block<T>(_patience: Duration, step: impl FnOnce(&Waker) -> Poll<T>) -> Option<T> {
    match step(Waker::noop()) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
