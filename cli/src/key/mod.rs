//! Keys and keysets.

pub(crate) mod halves;
pub(crate) mod keygen;
pub(crate) mod keyset;
mod scope;
pub(crate) mod view;
