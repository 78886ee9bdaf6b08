//! Forks of a process with several threads.
//!
//! A child process has one thread, and a copy of all memory. A lock that another thread held at the fork stays held in
//! the child for ever. Stores hold such locks: their own, and those of SQLite. So a host that forks lets a fork wait for
//! the threads that use a store:
//!
//! - [`before`] in the thread that forks, before the fork: it waits, and keeps other threads out of the stores;
//! - [`after_in_parent`] in the parent, [`after_in_child`] in the child, each in the thread that forked.
//!
//! On Unix, `pthread_atfork` takes the three. The C library and the Python package call them by themselves. Each gate
//! that a child uses needs [`Gate::after_fork`](crate::Gate::after_fork) as well.

#[cfg(not(target_family = "wasm"))]
mod native;
#[cfg(target_family = "wasm")]
mod wasm;

#[cfg(not(target_family = "wasm"))]
pub(crate) use native::Inside;
#[cfg(not(target_family = "wasm"))]
pub use native::{after_in_child, after_in_parent, before};
#[cfg(target_family = "wasm")]
pub(crate) use wasm::Inside;
