//! Revocation: which licences are no longer good, in one signed file.

pub(crate) mod bloom;
#[cfg(feature = "alloc")]
pub(crate) mod build;
pub(crate) mod bundle;
pub(crate) mod exact;
pub(crate) mod group;
#[cfg(feature = "alloc")]
mod merge;
pub(crate) mod rule;

pub use bundle::{Bundle, BundleHead, BundleMark, OwnedBundle, RevocationQuery, Schema, Verdict};
pub use exact::{Census, Exact};
pub use group::Group;
#[cfg(feature = "alloc")]
pub use merge::merge;
pub use rule::{Effect, Reason, RevocationTerms, Rule, Traits};
