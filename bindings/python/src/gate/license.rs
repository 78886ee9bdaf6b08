//! Licences, verified and unverified.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use licentia::Unverified;
use licentia_core::{Claims, Timestamp, inner::JsonPart};
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyBytes, PyTuple},
};
use self_cell::self_cell;

use crate::{
    convert::{aware, hex, plain, token_bytes},
    error::refused,
    gate::decided::Decided,
};

/// A licence whose signature is verified, from a decision.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct License(pub(crate) Arc<Decided>);

self_cell! {
    struct Read {
        owner: Vec<u8>,
        #[covariant]
        dependent: Unverified,
    }
}

/// The claims of a token whose signature is not checked: to show them, never to decide.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct UnverifiedLicense(Read);

/// Reads the claims of a token without checking its signature.
///
/// Args:
///     token: The token, as text (``lic1_...``) or bytes.
///
/// Raises:
///     RejectedError: With a code of group 1xx, for a malformed token.
#[pyfunction]
pub(crate) fn inspect(token: &Bound<'_, PyAny>) -> PyResult<UnverifiedLicense> {
    let read = Read::try_new(token_bytes(token)?, |bytes| Unverified::read(bytes));
    read.map(UnverifiedLicense).map_err(|malformed| refused(malformed.code))
}

/// A type that has claims.
trait HasClaims {
    /// Calls `look` with the claims, if there are any.
    fn claims<T>(&self, look: impl FnOnce(&Claims<'_>) -> T) -> Option<T>;
}

impl HasClaims for License {
    fn claims<T>(&self, look: impl FnOnce(&Claims<'_>) -> T) -> Option<T> {
        self.0.borrow_dependent().license().map(|license| look(&license))
    }
}

impl HasClaims for UnverifiedLicense {
    fn claims<T>(&self, look: impl FnOnce(&Claims<'_>) -> T) -> Option<T> {
        Some(look(self.0.borrow_dependent()))
    }
}

fn time(py: Python<'_>, time: Option<Timestamp>) -> PyResult<Option<Bound<'_, PyAny>>> {
    time.map(|time| aware(py, time)).transpose()
}

fn texts(py: Python<'_>, texts: Option<Vec<String>>) -> PyResult<Bound<'_, PyTuple>> {
    PyTuple::new(py, texts.unwrap_or_default())
}

/// A part of the claims' JSON, as a dict. The other parts are not written.
fn part<'py>(py: Python<'py>, claims: &impl HasClaims, part: JsonPart) -> PyResult<Bound<'py, PyAny>> {
    plain(py, &claims.claims(|claims| claims.json_part(part).to_string()).unwrap_or_default())
}

fn json(claims: &impl HasClaims) -> String {
    claims.claims(|claims| claims.json().to_string()).unwrap_or_default()
}

/// The getters of both classes. PyO3 allows one block of methods per class.
macro_rules! getters {
    ($class:ident, $repr:literal) => {
        #[pymethods]
        impl $class {
            /// The issuer (``iss``).
            #[getter]
            fn issuer(&self) -> String {
                self.claims(|claims| claims.issuer().to_owned()).unwrap_or_default()
            }

            /// The customer (``sub``).
            #[getter]
            fn subject(&self) -> String {
                self.claims(|claims| claims.subject().to_owned()).unwrap_or_default()
            }

            /// The services that it is for (``aud``); an empty tuple means all of the issuer's.
            #[getter]
            fn audiences<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
                texts(py, self.claims(|claims| claims.audiences().map(str::to_owned).collect()))
            }

            /// When it ends, grace included (``exp``).
            #[getter]
            fn expires<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                aware(py, self.claims(|claims| claims.expires()).unwrap_or_default())
            }

            /// When it starts (``nbf``), or None.
            #[getter]
            fn not_before<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
                time(py, self.claims(|claims| claims.not_before()).flatten())
            }

            /// When it was issued (``iat``).
            #[getter]
            fn issued_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                aware(py, self.claims(|claims| claims.issued_at()).unwrap_or_default())
            }

            /// When the contract ends; from then to ``expires`` the licence is in grace. None if it has no grace.
            #[getter]
            fn term_end<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
                time(py, self.claims(|claims| claims.term_end()).flatten())
            }

            /// Releases up to this time stay licensed for ever; or None.
            #[getter]
            fn maintained_until<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
                time(py, self.claims(|claims| claims.maintained_until()).flatten())
            }

            /// The token's identifier (``cti``), 32 hexadecimal digits.
            #[getter]
            fn id(&self) -> String {
                self.claims(|claims| claims.id()).unwrap_or_default().to_string()
            }

            /// Identifier that stays the same through renewals and upgrades, 32 hexadecimal digits.
            #[getter]
            fn lineage(&self) -> String {
                self.claims(|claims| claims.lineage()).unwrap_or_default().to_string()
            }

            /// Identifier of the key that the token names.
            #[getter]
            fn kid<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
                self.claims(|claims| PyBytes::new(py, claims.kid().as_bytes()))
            }

            /// Name of the tier.
            #[getter]
            fn tier(&self) -> String {
                self.claims(|claims| claims.tier().name.to_owned()).unwrap_or_default()
            }

            /// Version of the tier.
            #[getter]
            fn tier_version(&self) -> u64 {
                self.claims(|claims| claims.tier().version).unwrap_or_default()
            }

            /// The features by name, each a dict of ``value`` and ``expires``.
            #[getter]
            fn features<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                part(py, self, JsonPart::Features)
            }

            /// The quotas by meter, each a dict of ``limit``, ``period`` and ``overage``.
            #[getter]
            fn quotas<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                part(py, self, JsonPart::Quotas)
            }

            /// The rates by name, each a dict.
            #[getter]
            fn rates<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                part(py, self, JsonPart::Rates)
            }

            /// Free metadata: a dict of texts.
            #[getter]
            fn meta<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                part(py, self, JsonPart::Meta)
            }

            /// How many may use it at once; None if there is no limit.
            #[getter]
            fn seats(&self) -> Option<u64> {
                self.claims(|claims| claims.seats()).flatten()
            }

            /// What kind of licence it is: ``paid``, ``trial``, ``developer`` or ``internal``.
            #[getter]
            fn kind(&self) -> &'static str {
                self.claims(|claims| claims.kind().name()).unwrap_or_default()
            }

            /// Fingerprints of the machines that it is bound to, in hexadecimal; empty means any machine.
            #[getter]
            fn node_locks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
                texts(py, self.claims(|claims| claims.node_locks().map(|lock| hex(lock)).collect()))
            }

            /// The token's index in its revocation stream, or None.
            #[getter]
            fn index(&self) -> Option<u64> {
                self.claims(|claims| claims.index()).flatten()
            }

            /// Which of the issuer's revocation streams it is in. The first is 0.
            #[getter]
            fn stream(&self) -> u64 {
                self.claims(|claims| claims.stream()).unwrap_or_default()
            }

            /// All claims as JSON, in the form that is the same in every language.
            fn to_json(&self) -> String {
                json(self)
            }

            /// All claims as plain dicts, lists and values.
            fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                plain(py, &json(self))
            }

            fn __copy__(slf: Py<Self>) -> Py<Self> {
                slf
            }

            fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
                slf
            }

            fn __eq__(&self, other: &Self) -> bool {
                json(self) == json(other)
            }

            fn __hash__(&self) -> u64 {
                let mut hasher = DefaultHasher::new();
                self.claims(|claims| claims.id()).hash(&mut hasher);
                hasher.finish()
            }

            #[allow(clippy::unused_self, reason = "Python calls it on an object")]
            fn __reduce__(&self) -> PyResult<()> {
                Err(PyTypeError::new_err(concat!(
                    stringify!($class),
                    " cannot be pickled: send the token, or what its to_json() or to_dict() returns"
                )))
            }

            fn __repr__(&self) -> String {
                format!(
                    concat!("<", $repr, " of {:?}, tier {}@{}>"),
                    self.subject(),
                    self.tier(),
                    self.tier_version()
                )
            }
        }
    };
}

getters!(License, "License");
getters!(UnverifiedLicense, "UnverifiedLicense");
