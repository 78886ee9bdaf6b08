//! Ed25519, by one rule on every platform.

pub(crate) mod ed25519;
pub(crate) mod straus;
#[cfg(feature = "prepared")]
pub(crate) mod tables;
