//! What is read by every request and replaced now and then, without a lock; where there is but one thread, more simply.

#[cfg(not(target_family = "wasm"))]
pub(crate) use arc_swap::{ArcSwap, ArcSwapOption, Guard};
#[cfg(target_family = "wasm")]
pub(crate) use plain::{ArcSwap, ArcSwapOption, Guard};

/// The same for WebAssembly, where the crate's bookkeeping for threads would be a twelfth of a module for nothing.
#[cfg(target_family = "wasm")]
mod plain {
    use std::{
        ops::Deref,
        sync::{Arc, Mutex, MutexGuard, PoisonError},
    };

    /// What was in a place when it was looked at.
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

    /// A place for something shared. `P` is an `Arc`, or one that may be missing.
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

        /// Gives what was there before.
        pub(crate) fn rcu(&self, change: impl FnOnce(&P) -> P) -> P {
            let mut place = self.lock();
            let changed = change(&place);
            std::mem::replace(&mut place, changed)
        }
    }

    impl<T> Swap<Arc<T>> {
        pub(crate) fn from_pointee(value: T) -> Self {
            Self::new(Arc::new(value))
        }
    }

    impl<T> Swap<Option<Arc<T>>> {
        pub(crate) fn empty() -> Self {
            Self::new(None)
        }
    }
}
