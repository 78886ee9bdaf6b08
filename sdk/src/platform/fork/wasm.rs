//! WebAssembly has no processes.

/// A thread that uses a store.
#[derive(Debug)]
pub(crate) struct Inside;

impl Inside {
    #[inline]
    pub(crate) fn enter() -> Self {
        Self
    }
}
