//! The suites of Rust.

pub(crate) mod dependencies;
pub(crate) mod lints;
pub(crate) mod oldest;
pub(crate) mod targets;
pub(crate) mod tests;
