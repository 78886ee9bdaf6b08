//! An issuer of the service.

use std::{fmt, sync::Arc};

use licentia_issuer::{Catalogue, Issuer, SigningKey};

/// An issuer with its keys.
pub struct IssuerKeys {
    /// Signs licences.
    pub issuer: Issuer,
    /// Signs bundles.
    pub revocation: SigningKey,
    /// The catalogue of the configuration.
    pub(crate) catalogue: Option<Arc<Catalogue>>,
}

impl fmt::Debug for IssuerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuerKeys({})", self.issuer.name())
    }
}
