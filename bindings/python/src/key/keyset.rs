//! Keysets that the root key signed.

use std::hash::{DefaultHasher, Hash, Hasher};

use licentia::{Keyset as SdkKeyset, Timestamp};
use licentia_issuer::{KeysetDraft, KeysetEntry};
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyBytes, PyTuple},
};

use crate::{
    convert::{Whole, aware, bytes, moment, time},
    error::{invalid, issuing, refused},
    key::public_key::{Key, key},
    vendor::{signing_key::SigningKey, table::read},
};

/// The keys that a vendor uses, signed with the vendor's root key.
///
/// Verifies a keyset with the pinned root key, and reads it.
///
/// Raises:
///     RejectedError: With a code of group 1xx or 2xx.
///     InvalidArgumentError: If it contains a weak or malformed key.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct Keyset {
    pub(crate) bytes: Vec<u8>,
    pub(crate) keys: Vec<licentia::Key>,
    /// The keyset's sequence number. A newer keyset has a greater one.
    #[pyo3(get)]
    sequence: u64,
    issued_at: Timestamp,
    expires: Timestamp,
}

#[pymethods]
impl Keyset {
    #[new]
    fn new(data: &Bound<'_, PyAny>, root: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::read(bytes(data)?, &key(root)?)
    }

    /// Signs a keyset with the root key, which stays offline and signs nothing else.
    ///
    /// Args:
    ///     root: The root key.
    ///     keys: The keys, each as Key or text, or as a mapping of ``key``, ``state`` (``active``, ``retired`` or
    ///         ``revoked``), ``purpose`` (``license`` or ``revocation``), ``not_before``, ``not_after`` and ``scope``
    ///         (``issuers``, ``audiences``, ``tiers``, ``longest_term``).
    ///     sequence: Its number, from 1; greater than that of the previous keyset.
    ///     expires: When it ends.
    ///     issued_at: When it is issued; by default now.
    ///
    /// Raises:
    ///     InvalidArgumentError: For a keyset that every gate would refuse; the message says why.
    #[staticmethod]
    #[pyo3(signature = (root, keys, *, sequence, expires, issued_at=None))]
    fn sign(
        root: &Bound<'_, SigningKey>,
        keys: &Bound<'_, PyAny>,
        sequence: Whole,
        expires: &Bound<'_, PyAny>,
        issued_at: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let before = sequence.0.checked_sub(1).ok_or_else(|| invalid("sequence numbers begin at 1"))?;
        let mut draft = KeysetDraft { sequence: before, ..KeysetDraft::default() };
        for one in keys.try_iter()? {
            let one = one?;
            let entry = match one.call_method0("items") {
                Ok(_) => read(&one)?,
                Err(_) => KeysetEntry::new(&key(&one)?),
            };
            draft.add(entry).map_err(issuing)?;
        }
        let root = &root.get().0;
        let bytes = draft.sign(root, moment(issued_at)?.time, time(expires)?).map_err(issuing)?;
        Self::read(bytes, &root.public())
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
            "a Keyset cannot be pickled; send bytes() of it, and verify them where they arrive",
        ))
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.bytes)
    }

    fn __repr__(&self) -> String {
        format!("<Keyset {}, {} keys>", self.sequence, self.keys.len())
    }
}

impl Keyset {
    fn read(bytes: Vec<u8>, root: &licentia::Key) -> PyResult<Self> {
        let keyset = SdkKeyset::read(&bytes, root).map_err(refused)?;
        let keys = keyset.keys().collect::<Result<Vec<_>, _>>().map_err(refused)?;
        let (sequence, issued_at, expires) = (keyset.sequence(), keyset.issued_at(), keyset.expires());
        Ok(Self { bytes, keys, sequence, issued_at, expires })
    }
}

/// A keyset's bytes: of a [`Keyset`], or as they are.
pub(crate) fn keyset_bytes(given: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    given.cast::<Keyset>().map_or_else(|_| bytes(given), |keyset| Ok(keyset.get().bytes.clone()))
}
