//! What a gate knows: licences it has verified, the keys it trusts and the revocations it has loaded.

mod cache;
mod error;
#[cfg(feature = "holder")]
mod holder_key;
mod licences;
mod licensed;
mod revocations;
mod trust;

#[cfg(feature = "holder")]
pub use error::PemError;
pub use error::{LoadError, Loadable};
#[cfg(feature = "holder")]
pub use holder_key::{HolderKey, ProveError};
pub(crate) use licences::{LicenceSettings, Licences};
pub use licensed::License;
pub(crate) use licensed::{Found, Licensed, TrustSnapshot};
#[cfg(feature = "follow")]
pub(crate) use revocations::head;
pub use revocations::{BundleInUse, mark};
