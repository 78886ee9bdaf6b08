//! Public keys and keysets, and the customer's private key.

pub(crate) mod holder_key;
pub(crate) mod keyset;
pub(crate) mod public_key;
