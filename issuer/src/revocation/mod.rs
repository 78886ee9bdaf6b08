//! Revocation bundles and deltas: what a vendor publishes.

mod bundle;
mod delta;
mod payload;
mod rule;

pub use bundle::BundleDraft;
pub use delta::{sign_delta, sign_state};
pub use rule::RuleDraft;
