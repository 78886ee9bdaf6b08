//! Decisions and their charges.

use std::sync::Arc;

use licentia::{Charge as SdkCharge, Code, Decision as SdkDecision};
use pyo3::{exceptions::PyTypeError, prelude::*, sync::PyOnceLock, types::PyTuple};

use crate::{
    convert::{from_millis, plain},
    gate::decided::Decided,
    gate::license::License,
};

/// The answer of a gate to a request: whether it may proceed, and why. It is true if it may.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct Decision(pub(crate) Arc<Decided>);

impl Decision {
    /// The decision, as Rust has it.
    pub(crate) fn get(&self) -> &SdkDecision<'_> {
        self.0.borrow_dependent()
    }
}

#[pymethods]
impl Decision {
    /// Whether the request may proceed.
    #[getter]
    fn allowed(&self) -> bool {
        self.get().is_allowed()
    }

    fn __bool__(&self) -> bool {
        self.get().is_allowed()
    }

    /// The code's number; 0 if all is granted. In advisory mode it is what an enforcing gate would have answered.
    #[getter]
    fn code(&self) -> u16 {
        self.get().code().number()
    }

    /// The code's stable name, such as ``quota_exceeded``.
    #[getter]
    fn name(&self) -> &'static str {
        self.get().code().name()
    }

    /// The code's meaning, as a sentence.
    #[getter]
    fn message(&self) -> &'static str {
        self.get().code().message()
    }

    /// What to do about it.
    #[getter]
    fn advice(&self) -> &'static str {
        self.get().code().advice()
    }

    /// The state in which the licence grants it: ``active``, ``grace``, ``overage`` or ``advisory``; None if it is
    /// refused.
    #[getter]
    fn state(&self) -> Option<&'static str> {
        self.get().is_allowed().then(|| self.get().state().name())
    }

    /// Name of the code of a doubt that the licence's policy passed over, or None.
    #[getter]
    fn warning(&self) -> Option<&'static str> {
        self.get().warning().map(Code::name)
    }

    /// The licence, if its signature is good, whether or not the request is allowed; else None.
    #[getter]
    fn license(&self) -> Option<License> {
        self.get().license().is_some().then(|| License(Arc::clone(&self.0)))
    }

    /// The rates and meters of the request, with what is left of each.
    #[getter]
    fn charges<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.get().charges().map(Charge::from).collect::<Vec<_>>())
    }

    /// The charge of a name, or None if there is none.
    fn charge(&self, name: &str) -> Option<Charge> {
        self.get().charges().find(|charge| charge.name == name).map(Charge::from)
    }

    /// Seconds until the same request may succeed, if waiting helps; else None.
    #[getter]
    fn retry_after(&self) -> Option<f64> {
        self.get().retry_after_ms().map(from_millis)
    }

    /// Every check that ran, a line each, for people. It contains no token and no key.
    #[getter]
    fn explanation(&self) -> String {
        self.get().explanation().to_string()
    }

    /// Every check that ran, as dicts of its name, code, result and inputs.
    #[getter]
    fn checks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain(py, &self.get().explanation().json().to_string())
    }

    /// The decision as JSON, for a log. It contains no token and no key.
    fn to_json(&self) -> String {
        self.get().json().to_string()
    }

    /// The decision as plain dicts, lists and values.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain(py, &self.to_json())
    }

    /// Status code of the HTTP response; 200 if the request may proceed.
    #[getter]
    fn http_status(&self) -> u16 {
        self.get().http_status()
    }

    /// Header fields of the HTTP response, as pairs of a lower-case name and a value: ``www-authenticate``,
    /// ``retry-after``, ``ratelimit-policy``, ``ratelimit``.
    #[getter]
    fn http_headers(&self) -> Vec<(&'static str, String)> {
        self.get().http_headers()
    }

    /// The body of a refusal: problem details (RFC 9457), of the type ``application/problem+json``.
    #[getter]
    fn problem<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain(py, &self.get().problem())
    }

    /// Returns the decision if the request is allowed.
    ///
    /// Raises:
    ///     DeniedError: If the request is denied. It has the decision.
    fn raise_for_denied(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        static DENIED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        if slf.get().get().is_allowed() {
            return Ok(slf);
        }
        let denied = DENIED.import(slf.py(), "licentia.errors", "DeniedError")?;
        Err(PyErr::from_value(denied.call1((slf,))?))
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    #[allow(clippy::unused_self, reason = "Python calls it on an object")]
    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a Decision belongs to its gate and cannot be pickled; send what its to_json() or to_dict() returns",
        ))
    }

    fn __repr__(&self) -> String {
        let decision = self.get();
        let word = if decision.is_allowed() { "allowed" } else { "denied" };
        format!("<Decision {word}: {} {}>", decision.code().number(), decision.code().name())
    }
}

/// The charge of a rate or meter, and what is left of it.
#[pyclass(module = "licentia", frozen, eq)]
#[derive(PartialEq)]
pub(crate) struct Charge {
    /// Name of the rate or meter.
    #[pyo3(get)]
    name: String,
    /// What it counts: ``rate``, ``quota`` or ``seat``.
    #[pyo3(get)]
    unit: &'static str,
    /// Cost of the request.
    #[pyo3(get)]
    cost: u64,
    /// Requests of a full burst, units of a period, or seats.
    #[pyo3(get)]
    limit: u64,
    /// Length of the window in seconds; None if the length of the period varies.
    #[pyo3(get)]
    window: Option<u64>,
    /// What is left after this request.
    #[pyo3(get)]
    remaining: u64,
    /// Seconds until all of the limit is available again; None for a quota for life.
    #[pyo3(get)]
    reset_after: Option<f64>,
    /// Seconds until the same request may succeed, if it was refused and waiting helps; else None.
    #[pyo3(get)]
    retry_after: Option<f64>,
}

impl From<&SdkCharge<'_>> for Charge {
    fn from(charge: &SdkCharge<'_>) -> Self {
        Self {
            name: charge.name.to_owned(),
            unit: charge.unit.name(),
            cost: charge.cost,
            limit: charge.limit,
            window: charge.window,
            remaining: charge.remaining,
            reset_after: charge.reset_ms.map(from_millis),
            retry_after: charge.retry_after_ms.map(from_millis),
        }
    }
}

#[pymethods]
impl Charge {
    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    #[allow(clippy::unused_self, reason = "Python calls it on an object")]
    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a Charge cannot be pickled; send what its Decision's to_json() or to_dict() returns",
        ))
    }

    fn __repr__(&self) -> String {
        format!(
            "<Charge {} {}: cost {}, {} of {} left>",
            self.unit, self.name, self.cost, self.remaining, self.limit
        )
    }
}
