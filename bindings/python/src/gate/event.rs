//! Events, and the Python callables that receive them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use licentia::event::{Event as SdkEvent, Record, Sink};
use pyo3::{PyTraverseError, PyVisit, exceptions::PyTypeError, prelude::*};

use crate::{
    background::fork::outside,
    convert::{aware, plain},
};

/// A decision and its circumstances. It contains no token and no key.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct Event(Record);

#[pymethods]
impl Event {
    /// The time of the decision.
    #[getter]
    fn at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        aware(py, self.0.at)
    }

    /// Whether the request was allowed.
    #[getter]
    fn allowed(&self) -> bool {
        self.0.allowed
    }

    /// The code's number.
    #[getter]
    fn code(&self) -> u16 {
        self.0.code.number()
    }

    /// The code's stable name.
    #[getter]
    fn name(&self) -> &'static str {
        self.0.code.name()
    }

    /// The state in which the licence granted it; None if it was refused.
    #[getter]
    fn state(&self) -> Option<&'static str> {
        self.0.allowed.then(|| self.0.state.name())
    }

    /// Name of the code of a doubt that the licence's policy passed over, or None.
    #[getter]
    fn warning(&self) -> Option<&'static str> {
        self.0.warning.map(licentia::Code::name)
    }

    /// The action of the request.
    #[getter]
    fn action(&self) -> &str {
        &self.0.action
    }

    /// The source of the request.
    #[getter]
    fn source(&self) -> &str {
        &self.0.source
    }

    /// The customer, if the licence's signature is good; else None.
    #[getter]
    fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// The licence's lineage, if its signature is good; else None.
    #[getter]
    fn lineage(&self) -> Option<String> {
        self.0.lineage.map(|lineage| lineage.to_string())
    }

    /// Name and version of the tier, if the licence's signature is good; else None.
    #[getter]
    fn tier(&self) -> Option<(&str, u64)> {
        self.0.tier.as_ref().map(|(name, version)| (name.as_str(), *version))
    }

    /// Sequence number of the keyset in use; 0 if there is none.
    #[getter]
    fn keyset(&self) -> u64 {
        self.0.keyset
    }

    /// Sequence number of the revocation bundle in use; None if there is none.
    #[getter]
    fn revocation(&self) -> Option<u64> {
        self.0.revocation.map(|(sequence, _)| sequence)
    }

    /// How long the decision took, in nanoseconds.
    #[getter]
    fn took_ns(&self) -> u64 {
        self.0.took_nanos.unwrap_or(0)
    }

    /// The event as one line of JSON, with the whole decision.
    fn to_json(&self) -> String {
        self.0.to_string()
    }

    /// The event as plain dicts, lists and values.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain(py, &self.to_json())
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    #[allow(clippy::unused_self, reason = "Python calls it on an object")]
    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("an Event cannot be pickled; send what its to_json() or to_dict() returns"))
    }

    fn __repr__(&self) -> String {
        format!("<Event {} {}: {:?}>", self.0.code.number(), self.0.code.name(), self.0.action)
    }
}

/// A callable that receives events.
pub(crate) struct Callback(Mutex<Option<Py<PyAny>>>);

impl From<Py<PyAny>> for Callback {
    fn from(callable: Py<PyAny>) -> Self {
        Self(Mutex::new(Some(callable)))
    }
}

impl Callback {
    fn callable(&self) -> MutexGuard<'_, Option<Py<PyAny>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows the callable to the garbage collector.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.callable().as_ref().map_or(Ok(()), |callable| visit.call(callable))
    }

    /// Drops the callable, which is part of an unreachable cycle.
    pub(crate) fn clear(&self) {
        let callable = self.callable().take();
        drop(callable);
    }
}

impl Sink for Callback {
    fn record(&self, event: &SdkEvent<'_, '_>) {
        let record = Record::from(event);
        outside(|| {
            Python::attach(|py| {
                let Some(callable) = self.callable().as_ref().map(|callable| callable.clone_ref(py)) else {
                    return;
                };
                // A failing observer must not affect the decision. Python reports it on standard error.
                if let Err(error) = callable.call1(py, (Event(record),)) {
                    error.write_unraisable(py, Some(callable.bind(py)));
                }
            });
        });
    }
}
