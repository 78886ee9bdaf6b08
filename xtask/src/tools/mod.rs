//! What suites need beside the compiler.

pub(crate) mod cargo;
pub(crate) mod envoy;
pub(crate) mod go;
pub(crate) mod python;
pub(crate) mod redis;
pub(crate) mod system;
pub(crate) mod valkey;
