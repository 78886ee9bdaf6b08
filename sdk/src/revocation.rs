//! Revocation bundles: the terms on which they revoke, and the one that a gate has in use.

pub use licentia_core::revocation::{Effect, Reason, RevocationTerms};

pub use crate::license::{BundleInUse, mark};
