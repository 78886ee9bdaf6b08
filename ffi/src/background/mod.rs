//! Threads that belong to the library.

pub mod watch;

pub mod refiller;
