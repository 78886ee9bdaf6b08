//! The npm package.

pub(crate) mod bench;
pub(crate) mod package;
pub(crate) mod suite;
