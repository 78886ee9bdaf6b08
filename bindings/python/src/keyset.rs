//! Keysets that the root key signed.

use licentia::Keyset as SdkKeyset;
use pyo3::{
    prelude::*,
    types::{PyBytes, PyTuple},
};

use crate::{
    convert::{aware, bytes},
    error::refused,
    key::{Key, key},
};

/// The keys that a vendor uses, signed with the vendor's root key.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct Keyset {
    pub(crate) bytes: Vec<u8>,
    pub(crate) keys: Vec<licentia::Key>,
    /// The keyset's sequence number. A newer keyset has a greater one.
    #[pyo3(get)]
    sequence: u64,
    issued_at: u64,
    expires: u64,
}

#[pymethods]
impl Keyset {
    /// Verifies a keyset with the pinned root key and reads it wholly.
    ///
    /// Raises:
    ///     RejectedError: With a code of group 1xx or 2xx.
    ///     InvalidArgumentError: For a key in it that is weak or malformed.
    #[new]
    fn new(data: &Bound<'_, PyAny>, root: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (bytes, root) = (bytes(data)?, key(root)?);
        let keyset = SdkKeyset::read(&bytes, &root).map_err(refused)?;
        let keys = keyset.keys().collect::<Result<Vec<_>, _>>().map_err(refused)?;
        let (sequence, issued_at, expires) = (keyset.sequence(), keyset.issued_at(), keyset.expires());
        Ok(Self { bytes, keys, sequence, issued_at, expires })
    }

    /// When it was issued.
    #[getter]
    fn issued_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        aware(py, self.issued_at)
    }

    /// When it ends.
    #[getter]
    fn expires<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        aware(py, self.expires)
    }

    /// Its keys.
    #[getter]
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.keys.iter().cloned().map(Key))
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.bytes)
    }

    fn __repr__(&self) -> String {
        format!("<Keyset {}, {} keys>", self.sequence, self.keys.len())
    }
}

/// A keyset's bytes: of a [`Keyset`], or as they are.
pub(crate) fn keyset_bytes(given: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    given.cast::<Keyset>().map_or_else(|_| bytes(given), |keyset| Ok(keyset.get().bytes.clone()))
}
