//! Forks: a fork waits for the threads that use a store, so that the child finds no lock taken.

/// Registers what a fork does, once.
pub(crate) fn register() {
    #[cfg(unix)]
    unix::register();
}

#[cfg(unix)]
mod unix {
    use std::{ffi::c_int, sync::Once};

    unsafe extern "C" {
        fn pthread_atfork(
            before: Option<unsafe extern "C" fn()>,
            in_parent: Option<unsafe extern "C" fn()>,
            in_child: Option<unsafe extern "C" fn()>,
        ) -> c_int;
    }

    extern "C" fn before() {
        licentia::fork::before();
    }

    extern "C" fn in_parent() {
        licentia::fork::after_in_parent();
    }

    extern "C" fn in_child() {
        licentia::fork::after_in_child();
    }

    pub(super) fn register() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            // SAFETY: the three functions live as long as the library, and do nothing that a child may not.
            // It fails only without memory; forks then do not wait.
            let _ = unsafe { pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
        });
    }
}
