//! A value behind a lock. A child after `fork` gets a fresh one.
//!
//! A child has one thread. A lock that another thread held at the fork stays held in the child, and the value behind it
//! may be half written, so the child touches neither.

use std::sync::{
    Arc, Mutex, PoisonError, TryLockError,
    atomic::{AtomicU32, Ordering},
};

use crate::platform::swap::ArcSwap;

/// A value of which each process has its own.
pub(crate) struct PerProcess<T> {
    place: ArcSwap<Place<T>>,
    /// Makes the value of a child.
    fresh: fn() -> T,
}

struct Place<T> {
    process: AtomicU32,
    value: Mutex<T>,
}

/// The number of this process.
pub(crate) fn process_id() -> u32 {
    std::process::id()
}

impl<T> Place<T> {
    fn new(value: T) -> Arc<Self> {
        Arc::new(Self { process: AtomicU32::new(process_id()), value: Mutex::new(value) })
    }
}

impl<T> PerProcess<T> {
    pub(crate) fn new(value: T, fresh: fn() -> T) -> Self {
        Self { place: ArcSwap::new(Place::new(value)), fresh }
    }

    /// Runs `work` on the value, under the lock.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let mut place = self.place.load_full();
        while place.process.load(Ordering::Relaxed) != process_id() {
            self.replace(place);
            place = self.place.load_full();
        }
        work(&mut place.value.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adopts the parent's value in a child, unless a thread held its lock at the fork.
    pub(crate) fn inherit(&self) {
        let place = self.place.load_full();
        match place.value.try_lock() {
            Ok(_) | Err(TryLockError::Poisoned(_)) => {
                place.process.store(process_id(), Ordering::Relaxed);
            }
            Err(TryLockError::WouldBlock) => self.replace(Arc::clone(&place)),
        }
    }

    fn replace(&self, parents: Arc<Place<T>>) {
        let before = self.place.compare_and_swap(&parents, Place::new((self.fresh)()));
        if Arc::ptr_eq(&before, &parents) {
            // Dropping it would close the parent's connections, and it may be half written.
            std::mem::forget(parents);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pretend_to_be_a_child<T>(own: &PerProcess<T>) {
        own.place.load().process.store(0, Ordering::Relaxed);
    }

    #[test]
    fn a_child_has_its_own_and_may_take_over_what_nobody_held() {
        let own = PerProcess::new(7, || 0);
        own.with(|value| *value += 1);
        pretend_to_be_a_child(&own);
        own.inherit();
        assert_eq!(own.with(|value| *value), 8);
        pretend_to_be_a_child(&own);
        assert_eq!(own.with(|value| *value), 0);
    }

    #[test]
    fn what_was_held_at_the_fork_is_not_waited_for() {
        let own = PerProcess::new(7, || 0);
        let place = own.place.load_full();
        let _held = place.value.lock();
        own.inherit();
        assert_eq!(own.with(|value| *value), 0);
    }
}
