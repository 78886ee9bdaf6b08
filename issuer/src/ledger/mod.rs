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
//! | `reissue` | what is signed anew: renewed, upgraded, lost, or signed with a key that is lost |
//! | `list`, `counts` | searched and counted |
//! | `backup` | copied, from either database to the other |
//! | `guest`, `guest_tables` | tables of a program that keeps what it knows beside the ledger, and in its transactions |
//! | `revocations`, `bundle`, `replay`, `strictness` | what is revoked, and its publication |

mod backup;
mod bundle;
mod counts;
mod database;
mod guest;
mod guest_tables;
mod hits;
mod index;
mod issue;
mod licenses;
mod list;
mod location;
mod reissue;
mod replay;
mod revocations;
mod schema;
pub mod sql;
mod strictness;
mod terms;

pub use backup::RestoreReport;
pub use bundle::PublishedBundle;
pub use counts::{LicenseState, TierCount};
pub use database::Ledger;
pub use guest_tables::GuestTables;
pub use issue::{Issued, Order};
pub use licenses::IssuedLicense;
pub use list::{LicenseFilter, LicenseSort, ListedLicense};
pub use location::LedgerLocation;
pub use replay::ReplayReport;
pub use revocations::StandingRule;
pub use sql::LedgerAccess;
pub use terms::Terms;
