//! Keys and keysets.

pub(crate) mod keygen;
pub(crate) mod keyset;
pub(crate) mod scope;
