//! Revocation bundles.

use licentia_core::{Keyring, revocation::Bundle};
use pyo3::{prelude::*, types::PyBytes};

use crate::{
    convert::{aware, bytes},
    error::refused,
    keyset::Keyset,
};

/// Which licences an issuer has revoked, or how that has changed, signed with a revocation key.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct RevocationBundle {
    bytes: Vec<u8>,
    /// Whose licences it is about.
    #[pyo3(get)]
    issuer: String,
    /// Which of the issuer's streams.
    #[pyo3(get)]
    stream: u64,
    /// Its sequence number. A newer bundle has a greater one.
    #[pyo3(get)]
    sequence: u64,
    /// Sequence number of the bundle that it changes; None for a whole bundle.
    #[pyo3(get)]
    base: Option<u64>,
    issued_at: u64,
    next_update: u64,
    expires: u64,
}

#[pymethods]
impl RevocationBundle {
    /// Verifies a bundle or delta with a revocation key of a keyset, and reads it wholly.
    ///
    /// Raises:
    ///     RejectedError: With a code from 520 to 522, or 526 for a whole bundle that is not what its root says.
    #[new]
    fn new(py: Python<'_>, data: &Bound<'_, PyAny>, keyset: &Bound<'_, Keyset>) -> PyResult<Self> {
        let (bytes, keyset) = (bytes(data)?, keyset.get());
        py.detach(|| {
            let (bundle, _kid) = Bundle::read(&bytes, Keyring::of_keyset(&keyset.keys, &keyset.bytes))?;
            if bundle.base().is_none() {
                bundle.check_root()?;
            }
            let (issuer, stream, sequence, base) =
                (bundle.issuer().to_owned(), bundle.stream(), bundle.sequence(), bundle.base());
            let (issued_at, next_update, expires) =
                (bundle.issued_at(), bundle.next_update(), bundle.expires());
            Ok(Self { issuer, stream, sequence, base, issued_at, next_update, expires, bytes: Vec::new() })
        })
        .map(|bundle| Self { bytes, ..bundle })
        .map_err(refused)
    }

    /// When it was issued.
    #[getter]
    fn issued_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        aware(py, self.issued_at)
    }

    /// When the next one is due.
    #[getter]
    fn next_update<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        aware(py, self.next_update)
    }

    /// When it ends.
    #[getter]
    fn expires<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        aware(py, self.expires)
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.bytes)
    }

    fn __repr__(&self) -> String {
        format!("<RevocationBundle of {:?}, {}>", self.issuer, self.sequence)
    }
}

/// A bundle's bytes: of a [`RevocationBundle`], or as they are.
pub(crate) fn bundle_bytes(given: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    given.cast::<RevocationBundle>().map_or_else(|_| bytes(given), |bundle| Ok(bundle.get().bytes.clone()))
}
