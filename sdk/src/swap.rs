//! What is read by every request and replaced now and then, without a lock; where there is but one thread, more simply.

#[cfg(not(target_family = "wasm"))]
pub(crate) use arc_swap::{ArcSwap, ArcSwapOption, Guard};
#[cfg(target_family = "wasm")]
pub(crate) use plain::{ArcSwap, ArcSwapOption, Guard};

/// The same for WebAssembly, where the crate's bookkeeping for threads would be a twelfth of a module for nothing.
#[cfg(target_family = "wasm")]
mod plain {
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    pub(crate) type Guard<T> = T;

    /// A place for something shared. `P` is an `Arc`, or one that may be missing.
    #[derive(Default)]
    pub(crate) struct Swap<P>(Mutex<P>);

    pub(crate) type ArcSwap<T> = Swap<Arc<T>>;
    pub(crate) type ArcSwapOption<T> = Swap<Option<Arc<T>>>;

    impl<P: Clone> Swap<P> {
        fn lock(&self) -> MutexGuard<'_, P> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        pub(crate) fn load(&self) -> P {
            self.lock().clone()
        }

        pub(crate) fn load_full(&self) -> P {
            self.load()
        }

        pub(crate) fn store(&self, value: P) {
            *self.lock() = value;
        }

        pub(crate) fn rcu(&self, change: impl FnOnce(&P) -> P) {
            let mut place = self.lock();
            let changed = change(&place);
            *place = changed;
        }
    }

    impl<T> Swap<Arc<T>> {
        pub(crate) fn from_pointee(value: T) -> Self {
            Self(Mutex::new(Arc::new(value)))
        }
    }

    impl<T> Swap<Option<Arc<T>>> {
        pub(crate) fn empty() -> Self {
            Self(Mutex::new(None))
        }
    }
}
