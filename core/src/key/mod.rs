//! Issuer keys, and the keysets that they come in.

pub(crate) mod cose_key;
pub(crate) mod key;
pub(crate) mod keyring;
pub(crate) mod keyset;
pub(crate) mod kid;
#[cfg(feature = "prepared")]
pub(crate) mod preparation;
pub(crate) mod scope;
