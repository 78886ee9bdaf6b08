//! Threads of the library's own.

pub mod watch;

pub mod refiller;
