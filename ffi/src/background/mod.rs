//! Threads that belong to the library.

pub(crate) mod fork;

pub mod watch;

pub mod refiller;
