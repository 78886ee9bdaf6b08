//! The C library and its suites.

pub(crate) mod abi;
pub(crate) mod bare;
pub(crate) mod examples;
pub(crate) mod foreign;
pub(crate) mod header;
pub(crate) mod library;
pub(crate) mod overhead;
pub(crate) mod package;
pub(crate) mod parts;
pub(crate) mod programs;
pub(crate) mod races;
pub(crate) mod sanitizers;
pub(crate) mod toolchain;
