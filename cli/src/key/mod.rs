//! Keys and keysets.

pub(crate) mod keygen;
pub(crate) mod keyset;
mod scope;
