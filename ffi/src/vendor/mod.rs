//! The vendor's side: private keys, licences and revocation bundles.

pub mod signing_key;

pub mod catalogue;

pub mod draft;

pub mod issuer;

pub mod bundle;
