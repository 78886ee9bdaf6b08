//! Revocation bundles.

use std::hash::{DefaultHasher, Hash, Hasher};

use licentia_core::{
    Code, Keyring, Timestamp,
    revocation::{Bundle, RevocationTerms},
};
use licentia_issuer::{BundleDraft, sign_delta};
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyBytes};

use crate::{
    convert::{Whole, array, aware, bytes, moment, time, whole},
    error::{issuing, refused},
    key::keyset::Keyset,
    vendor::signing_key::SigningKey,
};

/// The licences that an issuer has revoked, or a change of that set, signed with a revocation key.
///
/// Verifies a bundle or delta with a revocation key of a keyset, and reads it.
///
/// Raises:
///     RejectedError: With a code from 520 to 526, or with 203 or 204 for a key that is out of use.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct RevocationBundle {
    bytes: Vec<u8>,
    /// The issuer of the licences.
    #[pyo3(get)]
    issuer: String,
    /// The issuer's stream of indices.
    #[pyo3(get)]
    stream: u64,
    /// Its sequence number. A newer bundle has a greater one.
    #[pyo3(get)]
    sequence: u64,
    /// Sequence number of the bundle that it changes; None for a whole bundle.
    #[pyo3(get)]
    base: Option<u64>,
    issued_at: Timestamp,
    next_update: Timestamp,
    expires: Timestamp,
}

#[pymethods]
impl RevocationBundle {
    #[new]
    fn new(py: Python<'_>, data: &Bound<'_, PyAny>, keyset: &Bound<'_, Keyset>) -> PyResult<Self> {
        let (bytes, keyset) = (bytes(data)?, keyset.get());
        py.detach(|| Self::read(bytes, Keyring::of_keyset(&keyset.keys, &keyset.bytes))).map_err(refused)
    }

    /// Signs a whole bundle without checking it against a ledger. The `licentia` program builds bundles from a ledger,
    /// and shows that they revoke no other licence.
    ///
    /// Args:
    ///     key: The revocation key.
    ///     issuer: The issuer of the licences.
    ///     sequence: Its number; greater than that of the previous bundle.
    ///     next_update: When the next one comes at the latest.
    ///     expires: When it becomes void.
    ///     salt: 16 bytes that were drawn at random after the licences were issued.
    ///     indices: The revoked indices.
    ///     ids: The revoked identifiers of licences without an index: 16 bytes each.
    ///     stream: The issuer's stream of indices.
    ///     issued_at: When it is issued; by default now.
    ///
    /// Raises:
    ///     InvalidArgumentError: For a bundle that every gate would refuse; the message says why.
    #[staticmethod]
    #[pyo3(signature = (
        key, *, issuer, sequence, next_update, expires, salt, indices=None, ids=None, stream=0, issued_at=None
    ))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments")]
    fn sign(
        py: Python<'_>,
        key: &Bound<'_, SigningKey>,
        issuer: String,
        sequence: Whole,
        next_update: &Bound<'_, PyAny>,
        expires: &Bound<'_, PyAny>,
        salt: &Bound<'_, PyAny>,
        indices: Option<&Bound<'_, PyAny>>,
        ids: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = whole)] stream: u64,
        issued_at: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let mut draft = BundleDraft {
            issuer,
            stream,
            sequence: sequence.0,
            issued_at: moment(issued_at)?.time,
            next_update: time(next_update)?,
            expires: time(expires)?,
            salt: array::<16>("a salt", salt)?.into(),
            ..BundleDraft::default()
        };
        for index in indices.map(PyAnyMethods::try_iter).transpose()?.into_iter().flatten() {
            draft.indices.insert(index?.extract::<Whole>()?.0, RevocationTerms::default());
        }
        for id in ids.map(PyAnyMethods::try_iter).transpose()?.into_iter().flatten() {
            draft.ids.insert(array::<16>("an identifier", &id?)?.into(), RevocationTerms::default());
        }
        let key = &key.get().0;
        let bytes = py.detach(|| draft.sign(key)).map_err(issuing)?;
        Self::read(bytes, Keyring::new(&[key.public().for_revocation()])).map_err(refused)
    }

    /// Signs the difference between a whole bundle and a later one of the same issuer and salt.
    #[staticmethod]
    fn sign_delta(
        py: Python<'_>,
        key: &Bound<'_, SigningKey>,
        base: &Bound<'_, Self>,
        next: &Bound<'_, Self>,
    ) -> PyResult<Self> {
        let (key, base, next) = (&key.get().0, &base.get().bytes, &next.get().bytes);
        let keys = [key.public().for_revocation()];
        let read =
            |bytes| Bundle::read(bytes, Keyring::new(&keys)).map(|(bundle, _kid)| bundle).map_err(refused);
        let bytes = {
            let (base, next) = (read(base)?, read(next)?);
            py.detach(|| sign_delta(&base, &next, key)).map_err(issuing)?
        };
        Self::read(bytes, Keyring::new(&keys)).map_err(refused)
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

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.bytes.hash(&mut hasher);
        hasher.finish()
    }

    #[allow(clippy::unused_self, reason = "Python calls it on an object")]
    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a RevocationBundle cannot be pickled; send bytes() of it, and verify them where they arrive",
        ))
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.bytes)
    }

    fn __repr__(&self) -> String {
        format!("<RevocationBundle of {:?}, {}>", self.issuer, self.sequence)
    }
}

impl RevocationBundle {
    fn read(bytes: Vec<u8>, keyring: Keyring<'_>) -> Result<Self, Code> {
        let (bundle, _kid) = Bundle::read(&bytes, keyring)?;
        let (issuer, stream, sequence, base) =
            (bundle.issuer().to_owned(), bundle.stream(), bundle.sequence(), bundle.base());
        let (issued_at, next_update, expires) = (bundle.issued_at(), bundle.next_update(), bundle.expires());
        Ok(Self { bytes, issuer, stream, sequence, base, issued_at, next_update, expires })
    }
}

/// A bundle's bytes: of a [`RevocationBundle`], or as they are.
pub(crate) fn bundle_bytes(given: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    given.cast::<RevocationBundle>().map_or_else(|_| bytes(given), |bundle| Ok(bundle.get().bytes.clone()))
}
