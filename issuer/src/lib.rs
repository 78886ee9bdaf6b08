//! The vendor's side of Licentia.
//!
//! A vendor has a [`SigningKey`], a [`Catalogue`] of versioned tiers and a
//! ledger of what was issued. A [`Draft`] says what one customer gets; an
//! [`Issuer`] signs it into a [`Token`], which `licentia-core` verifies
//! anywhere without a network call.
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

pub mod acknowledgement;
pub mod bundle;
mod canonical;
pub mod catalogue;
pub mod draft;
pub mod error;
pub mod issuer;
pub mod key;
pub mod keyset;
#[cfg(feature = "ledger")]
pub mod ledger;
pub mod moment;
mod sign1;
pub mod terms;
pub mod token;

pub use acknowledgement::acknowledge;
pub use bundle::{BundleDraft, RuleDraft};
pub use catalogue::{Catalogue, Tier};
pub use draft::{Draft, Holder};
pub use error::{Error, Result};
pub use issuer::Issuer;
pub use key::SigningKey;
pub use keyset::{Entry, KeysetDraft, Scope};
#[cfg(feature = "ledger")]
pub use ledger::{Ledger, Record};
pub use licentia_core::{Kind, Overage, Period};
pub use terms::{Feature, Policy, Quota, Rate, Terms, Value};
pub use token::Token;
