//! The ledger: every licence that was issued, in SQLite or PostgreSQL.
//!
//! Revocation, renewal and audits start from it. It holds no token and no key, only a token's digest and what was signed
//! without the signature, so that a copy of it cannot make requests.
//!
//! | file | subject |
//! |---|---|
//! | `database` | opened and created |
//! | `location`, `sql/`, `schema` | where it is, the two databases, their tables |
//! | `issue`, `licenses`, `terms`, `index` | what was issued, on which terms, under which index |
//! | `revocations`, `bundle`, `replay`, `strictness` | what is revoked, and its publication |

mod bundle;
mod database;
mod index;
mod issue;
mod licenses;
mod location;
mod replay;
mod revocations;
mod schema;
mod sql;
mod strictness;
mod terms;

pub use bundle::PublishedBundle;
pub use database::Ledger;
pub use issue::{Issued, Order};
pub use licenses::IssuedLicense;
pub use location::LedgerLocation;
pub use replay::ReplayReport;
pub use revocations::StandingRule;
pub use sql::Access;
pub use terms::Terms;
