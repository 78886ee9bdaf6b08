//! Public keys.

use std::hash::{DefaultHasher, Hash, Hasher};

use licentia::Key as SdkKey;
use pyo3::{prelude::*, types::PyBytes};

use crate::{
    convert::{array, bytes},
    error::{refused, wrong_type},
};

/// A public key that licences are signed with.
///
/// Reads a key in its text form, ``licpub1_...``.
///
/// Raises:
///     InvalidArgumentError: ``invalid_key`` or ``weak_key``.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct Key(pub(crate) SdkKey);

#[pymethods]
impl Key {
    #[new]
    fn new(text: &str) -> PyResult<Self> {
        SdkKey::from_text(text).map(Self).map_err(refused)
    }

    /// Makes a key from an Ed25519 public key of 32 bytes and its identifier of 1 to 32 bytes.
    #[staticmethod]
    fn ed25519(kid: &Bound<'_, PyAny>, public: &Bound<'_, PyAny>) -> PyResult<Self> {
        SdkKey::ed25519(&bytes(kid)?, &array("an Ed25519 public key", public)?).map(Self).map_err(refused)
    }

    /// The key's identifier.
    #[getter]
    fn kid<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.kid().as_bytes())
    }

    /// The Ed25519 public key, 32 bytes.
    #[getter]
    fn public_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.public().as_bytes())
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Key(kid={})", self.0.kid())
    }

    fn __getnewargs__(&self) -> (String,) {
        (self.0.to_string(),)
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0.to_string() == other.0.to_string()
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.public().as_bytes().hash(&mut hasher);
        hasher.finish()
    }
}

/// A key, or its text form.
pub(crate) fn key(given: &Bound<'_, PyAny>) -> PyResult<SdkKey> {
    if let Ok(key) = given.cast::<Key>() {
        return Ok(key.get().0.clone());
    }
    let text = given.extract::<String>().map_err(|_| wrong_type("a Key or its text form", given))?;
    SdkKey::from_text(&text).map_err(refused)
}

/// One key, or several.
pub(crate) fn keys(given: &Bound<'_, PyAny>) -> PyResult<Vec<SdkKey>> {
    if given.is_instance_of::<Key>() || given.is_instance_of::<pyo3::types::PyString>() {
        return Ok(vec![key(given)?]);
    }
    given.try_iter()?.map(|one| key(&one?)).collect()
}
