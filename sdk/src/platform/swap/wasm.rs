//! A mutex in place of `arc_swap`, whose bookkeeping for threads would be a twelfth of a WebAssembly module for nothing.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A snapshot of the pointer.
pub(crate) struct Guard<P>(P);

impl<P> Guard<P> {
    pub(crate) fn from_inner(value: P) -> Self {
        Self(value)
    }
}

impl<P> Deref for Guard<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.0
    }
}

/// A replaceable pointer. `P` is an `Arc` or an `Option<Arc>`.
#[derive(Default)]
pub(crate) struct Swap<P>(Mutex<P>);

pub(crate) type ArcSwap<T> = Swap<Arc<T>>;
pub(crate) type ArcSwapOption<T> = Swap<Option<Arc<T>>>;

impl<P: Clone> Swap<P> {
    pub(crate) fn new(value: P) -> Self {
        Self(Mutex::new(value))
    }

    fn lock(&self) -> MutexGuard<'_, P> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn load(&self) -> Guard<P> {
        Guard(self.load_full())
    }

    pub(crate) fn load_full(&self) -> P {
        self.lock().clone()
    }

    pub(crate) fn store(&self, value: P) {
        drop(self.swap(value));
    }

    pub(crate) fn swap(&self, value: P) -> P {
        std::mem::replace(&mut self.lock(), value)
    }
}

impl<T> Swap<Arc<T>> {
    pub(crate) fn from_pointee(value: T) -> Self {
        Self::new(Arc::new(value))
    }

    /// Replaces `current`, unless another pointer is here. Returns the one that was here.
    pub(crate) fn compare_and_swap(&self, current: &Arc<T>, new: Arc<T>) -> Guard<Arc<T>> {
        let mut place = self.lock();
        let same = Arc::ptr_eq(&place, current);
        Guard(if same { std::mem::replace(&mut place, new) } else { Arc::clone(&place) })
    }
}
