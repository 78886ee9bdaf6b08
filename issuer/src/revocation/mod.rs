//! Revocation bundles and deltas: what a vendor publishes.

mod bundle;
mod delta;
mod payload;
mod rule;
mod terms;

pub use bundle::BundleDraft;
pub use delta::{sign_delta, sign_state};
pub use rule::RuleDraft;
#[cfg(feature = "ledger")]
pub(crate) use terms::check_terms;
