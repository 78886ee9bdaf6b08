//! What belongs to one process, behind a lock: a child after `fork` gets one of its own.
//!
//! A child has one thread. A lock that another thread held at the fork is held for ever in it, and what that thread
//! was doing is half done: so neither is touched.

use std::sync::{
    Arc, Mutex, PoisonError, TryLockError,
    atomic::{AtomicU32, Ordering},
};

use crate::swap::ArcSwap;

pub(crate) struct Own<T> {
    place: ArcSwap<Place<T>>,
    /// Makes a child's.
    fresh: fn() -> T,
}

struct Place<T> {
    process: AtomicU32,
    value: Mutex<T>,
}

/// The process, by a number.
pub(crate) fn process() -> u32 {
    std::process::id()
}

impl<T> Place<T> {
    fn new(value: T) -> Arc<Self> {
        Arc::new(Self { process: AtomicU32::new(process()), value: Mutex::new(value) })
    }
}

impl<T> Own<T> {
    pub(crate) fn new(value: T, fresh: fn() -> T) -> Self {
        Self { place: ArcSwap::new(Place::new(value)), fresh }
    }

    /// Does something with it, alone.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let mut place = self.place.load_full();
        while place.process.load(Ordering::Relaxed) != process() {
            self.replace(place);
            place = self.place.load_full();
        }
        work(&mut place.value.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the parent's over into this child, where no thread was at it.
    pub(crate) fn inherit(&self) {
        let place = self.place.load_full();
        match place.value.try_lock() {
            Ok(_) | Err(TryLockError::Poisoned(_)) => {
                place.process.store(process(), Ordering::Relaxed);
            }
            Err(TryLockError::WouldBlock) => self.replace(Arc::clone(&place)),
        }
    }

    fn replace(&self, parents: Arc<Place<T>>) {
        let before = self.place.compare_and_swap(&parents, Place::new((self.fresh)()));
        if Arc::ptr_eq(&before, &parents) {
            // Closing what it holds would act for the parent, and dropping what is half done is not safe.
            std::mem::forget(parents);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pretend_to_be_a_child<T>(own: &Own<T>) {
        own.place.load().process.store(0, Ordering::Relaxed);
    }

    #[test]
    fn a_child_has_its_own_and_may_take_over_what_nobody_held() {
        let own = Own::new(7, || 0);
        own.with(|value| *value += 1);
        pretend_to_be_a_child(&own);
        own.inherit();
        assert_eq!(own.with(|value| *value), 8);
        pretend_to_be_a_child(&own);
        assert_eq!(own.with(|value| *value), 0);
    }

    #[test]
    fn what_was_held_at_the_fork_is_not_waited_for() {
        let own = Own::new(7, || 0);
        let place = own.place.load_full();
        let _held = place.value.lock();
        own.inherit();
        assert_eq!(own.with(|value| *value), 0);
    }
}
