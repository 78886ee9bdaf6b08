//! The customer's private key, and its proofs of possession.

use licentia::HolderKey as SdkHolderKey;
use licentia_core::text::Base64Url;
use pyo3::{prelude::*, types::PyBytes};

use crate::{
    convert::{array, hex, moment, token},
    error::explained,
};

/// A customer's private key. A licence that is bound to it is useless without it.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct HolderKey(SdkHolderKey);

#[pymethods]
impl HolderKey {
    /// Makes the key from a seed of 32 bytes (RFC 8032, section 5.1.5). The seed is secret.
    #[staticmethod]
    fn from_seed(seed: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self(SdkHolderKey::from_seed(&array("a seed", seed)?)))
    }

    /// Reads PKCS#8 PEM, not encrypted, such as ``SigningKey.save`` writes.
    ///
    /// Raises:
    ///     InvalidArgumentError: ``invalid_key``.
    #[staticmethod]
    fn from_pem(pem: &str) -> PyResult<Self> {
        SdkHolderKey::from_pem(pem).map(Self).map_err(|error| explained(error.into(), &error))
    }

    /// The public key, 32 bytes, for ``Issuer.issue(holder=...)``.
    #[getter]
    fn public<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.public())
    }

    /// Makes a proof for one request, with a fresh nonce.
    ///
    /// Args:
    ///     token: The licence, as text (``lic1_...``) or bytes.
    ///     method: The request's method.
    ///     uri: The request's URI, in the form that the service expects: its public origin, path and query.
    ///     body_digest: SHA-256 of its body, if the service wants the body signed.
    ///     nonce: The nonce that the service has handed out in ``Licentia-Proof-Nonce``, if it has. The service then goes
    ///         by its own clock.
    ///     now: The time; by default the system's.
    ///
    /// Returns:
    ///     The proof's bytes, for Proof.
    ///
    /// Raises:
    ///     RejectedError: For text or bytes that are no licence.
    #[pyo3(signature = (token, *, method, uri, body_digest=None, nonce=None, now=None))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments")]
    fn prove<'py>(
        &self,
        py: Python<'py>,
        token: &Bound<'py, PyAny>,
        method: &str,
        uri: &str,
        body_digest: Option<&Bound<'py, PyAny>>,
        nonce: Option<&str>,
        now: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        self.proof(token, method, uri, body_digest, nonce, now).map(|proof| PyBytes::new(py, &proof))
    }

    /// As ``prove``, in unpadded base64url: the value of the header field ``Licentia-Proof``.
    #[pyo3(signature = (token, *, method, uri, body_digest=None, nonce=None, now=None))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments")]
    fn prove_text(
        &self,
        token: &Bound<'_, PyAny>,
        method: &str,
        uri: &str,
        body_digest: Option<&Bound<'_, PyAny>>,
        nonce: Option<&str>,
        now: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        self.proof(token, method, uri, body_digest, nonce, now).map(|proof| Base64Url(&proof).to_string())
    }

    fn __repr__(&self) -> String {
        format!("<HolderKey {:.8}>", hex(&self.0.public()))
    }
}

impl HolderKey {
    fn proof(
        &self,
        license: &Bound<'_, PyAny>,
        method: &str,
        uri: &str,
        body_digest: Option<&Bound<'_, PyAny>>,
        nonce: Option<&str>,
        now: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Vec<u8>> {
        let body = body_digest.map(|digest| array("a digest", digest)).transpose()?;
        let (license, now) = (token(license)?, moment(now)?.time);
        self.0
            .prove_with_nonce(&license, method, uri, body.as_ref(), nonce, now)
            .map_err(|error| explained(error.code(), &error))
    }
}
