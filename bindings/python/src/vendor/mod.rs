//! The vendor's side: private keys, licences and revocation bundles.

pub(crate) mod catalogue;
pub(crate) mod issuer;
pub(crate) mod revocation_bundle;
pub(crate) mod signing_key;
pub(crate) mod table;
