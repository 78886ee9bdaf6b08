//! Public keys and keysets, and the customer's private key.

pub mod public_key;

pub mod keyset;

#[cfg(feature = "holder")]
pub mod holder_key;
