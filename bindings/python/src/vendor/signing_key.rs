//! Private keys of a vendor.

use std::{path::PathBuf, sync::Arc};

use licentia_issuer::SigningKey as SdkSigningKey;
use pyo3::prelude::*;

use crate::{convert::array, error::issuing, key::public_key::Key};

/// A private key that signs licences. Keep it off the machines that check them.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct SigningKey(pub(crate) Arc<SdkSigningKey>);

impl From<SdkSigningKey> for SigningKey {
    fn from(key: SdkSigningKey) -> Self {
        Self(Arc::new(key))
    }
}

#[pymethods]
impl SigningKey {
    /// Makes a new key from the operating system's randomness.
    #[staticmethod]
    fn generate() -> PyResult<Self> {
        SdkSigningKey::generate().map(Self::from).map_err(issuing)
    }

    /// Makes the key from a seed of 32 bytes (RFC 8032, section 5.1.5). The seed is secret.
    #[staticmethod]
    fn from_seed(seed: &Bound<'_, PyAny>) -> PyResult<Self> {
        SdkSigningKey::from_seed(&array("a seed", seed)?).map(Self::from).map_err(issuing)
    }

    /// Reads PKCS#8 PEM.
    ///
    /// Raises:
    ///     InvalidArgumentError: The message says whether a passphrase is missing, wrong or not needed.
    #[staticmethod]
    #[pyo3(signature = (pem, passphrase=None))]
    fn from_pem(py: Python<'_>, pem: &str, passphrase: Option<&str>) -> PyResult<Self> {
        py.detach(|| SdkSigningKey::from_pem(pem, passphrase)).map(Self::from).map_err(issuing)
    }

    /// Reads a key from a PEM file.
    #[staticmethod]
    #[pyo3(signature = (path, passphrase=None))]
    fn load(py: Python<'_>, path: PathBuf, passphrase: Option<&str>) -> PyResult<Self> {
        py.detach(|| SdkSigningKey::load(&path, passphrase)).map(Self::from).map_err(issuing)
    }

    /// Writes the key to a new PEM file that only its owner can read. Never overwrites.
    #[pyo3(signature = (path, passphrase=None))]
    fn save(&self, py: Python<'_>, path: PathBuf, passphrase: Option<&str>) -> PyResult<()> {
        py.detach(|| self.0.save(&path, passphrase)).map_err(issuing)
    }

    /// The public key, for services that check licences.
    #[getter]
    fn public(&self) -> Key {
        Key(self.0.public())
    }

    fn __repr__(&self) -> String {
        format!("<SigningKey kid={}>", self.0.kid())
    }
}
