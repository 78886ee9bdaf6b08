//! Callbacks: the caller's context, and whether this thread runs one.

use std::{cell::Cell, ffi::c_void};

/// Called once with a context that the library no longer uses.
pub type FreeCallback = Option<unsafe extern "C" fn(context: *mut c_void)>;

/// A pointer of the caller's, and the function that frees it.
pub(crate) struct Context {
    pointer: *mut c_void,
    free: FreeCallback,
}

// SAFETY: the header asks for callbacks that any thread may call with the context.
unsafe impl Send for Context {}
// SAFETY: as above, and by several threads at once.
unsafe impl Sync for Context {}

impl Context {
    pub(crate) fn new(pointer: *mut c_void, free: FreeCallback) -> Self {
        Self { pointer, free }
    }

    pub(crate) fn pointer(&self) -> *mut c_void {
        self.pointer
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: the caller gave the function for this context, and it is called once.
            unsafe { free(self.pointer) }
        }
    }
}

thread_local! {
    /// Whether this thread belongs to the library and runs a callback.
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Runs a callback on a thread of the library.
pub(crate) fn run(callback: impl FnOnce()) {
    RUNNING.set(true);
    callback();
    RUNNING.set(false);
}

/// Whether this thread belongs to the library and runs a callback, so that it must not wait for itself.
pub(crate) fn is_running() -> bool {
    RUNNING.try_with(Cell::get).unwrap_or(false)
}
