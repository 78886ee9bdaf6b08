//! The ledger: every licence that was issued, in SQLite.
//!
//! Revocation, renewal and audits start from it. It holds no token and no
//! key, only a token's digest, so that a copy of it cannot make requests.

mod bundle;
mod database;
mod index;
mod licenses;
mod replay;
mod revocations;
mod schema;
mod strictness;

pub use bundle::PublishedBundle;
pub use database::Ledger;
pub use licenses::IssuedLicense;
pub use replay::ReplayReport;
pub use revocations::StandingRule;
