//! The Python package.

pub(crate) mod bench;
pub(crate) mod oracle;
pub(crate) mod package;
pub(crate) mod suite;
