//! The vendor's side of Licentia.
//!
//! A vendor has a [`SigningKey`], a [`Catalogue`] of versioned tiers and a
//! ledger of issued licences. A [`Draft`] says what one customer gets. An
//! [`Issuer`] signs it into a [`Token`], which `licentia-core` verifies
//! anywhere without a network call.
//!
//! | folder | subject |
//! |---|---|
//! | `license/` | the draft, and the issuer that signs it into a token |
//! | `grant/` | what a licence grants, as people write it |
//! | `catalogue/` | tiers in versions |
//! | `key/` | keys, and the signature over everything that is signed |
//! | `keyset/` | which keys gates trust |
//! | `revocation/` | bundles and deltas |
//! | `ledger/` | what was issued and revoked, in SQLite or PostgreSQL |
//! | `time/` | times and durations as people write them |
//! | `canonical` | the one encoder for everything that a vendor signs |
//!
//! ```
//! use licentia_core::{Expect, verify};
//! use licentia_issuer::{Catalogue, Issuer, SigningKey};
//!
//! let catalogue: Catalogue = r#"
//!     [[tier]]
//!     name = "pro"
//!     version = 3
//!     term = "1 year"
//!     grace = "14 days"
//!     features = { export = true, rows = 100000 }
//!     quotas = { api_calls = "100000/month" }
//!     rates = { api = "10/1s" }
//! "#.parse()?;
//!
//! let now = 1_800_000_000; // seconds since 1970
//! let issuer = Issuer::new("acme", SigningKey::generate()?);
//! let token = issuer.issue(&catalogue.tier("pro", None)?.draft("customer-42", now)?)?;
//!
//! let keys = [issuer.key().public()];
//! let verified = verify(token.as_bytes(), &keys, &Expect::new(), now).map_err(|denial| denial.code)?;
//! assert_eq!(verified.license.tier().version, 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![warn(missing_debug_implementations)]

mod acknowledgement;
mod canonical;
mod catalogue;
mod error;
pub mod file;
mod grant;
mod key;
mod keyset;
#[cfg(feature = "ledger")]
mod ledger;
mod license;
mod revocation;
pub mod time;

pub use acknowledgement::acknowledge;
pub use canonical::canonical;
pub use catalogue::{Catalogue, Demand, Gap, Tier};
pub use error::{BundleError, CatalogueError, Error, KeyError, KeysetError, LedgerError, Result};
pub use grant::{Anchor, Feature, FeatureValue, Grant, Quota, Rate, WrittenQuota, read_policy};
pub use key::{SigningKey, read_public_key};
pub use keyset::{KeyScope, KeysetDraft, KeysetEntry};
#[cfg(feature = "ledger")]
pub use ledger::sql;
#[cfg(feature = "ledger")]
pub use ledger::{
    GuestTables, Issued, IssuedLicense, Ledger, LedgerAccess, LedgerLocation, LicenseFilter, LicenseSort,
    LicenseState, ListedLicense, Order, PublishedBundle, ReplayReport, RestoreReport, StandingRule, Terms,
    TierCount,
};
pub use license::{Confirmation, Draft, Issuer, Renewal, Token};
pub use licentia_core::{
    KeyPurpose, KeyStatus, Kind, Lineage, Overage, Period, Policy, Salt, Timestamp, TokenId,
};
pub use revocation::{BundleDraft, RuleDraft, sign_delta, sign_state};
