//! The table of codes.

use licentia_core::CodeEntry;
use pyo3::{prelude::*, types::PyTuple};

use crate::error::invalid;

/// A row of the table of codes, which is the same in every language.
///
/// Args:
///     number: The number, such as 610.
///
/// Raises:
///     InvalidArgumentError: If there is no such code.
#[pyclass(module = "licentia", frozen, eq, hash)]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Code {
    /// The number, such as 610.
    #[pyo3(get)]
    number: u16,
    /// The stable name, such as ``quota_exceeded``.
    #[pyo3(get)]
    name: &'static str,
    /// Its meaning, as a sentence.
    #[pyo3(get)]
    message: &'static str,
    /// What to do about it.
    #[pyo3(get)]
    advice: &'static str,
}

impl From<&CodeEntry> for Code {
    fn from(entry: &CodeEntry) -> Self {
        let CodeEntry { code, name, message, advice, .. } = *entry;
        Self { number: code.number(), name, message, advice }
    }
}

#[pymethods]
impl Code {
    #[new]
    fn new(number: u16) -> PyResult<Self> {
        let entry = licentia_core::Code::TABLE.iter().find(|entry| entry.code.number() == number);
        entry
            .map(Self::from)
            .ok_or_else(|| invalid(&format!("there is no code {number}; see licentia.codes()")))
    }

    fn __getnewargs__(&self) -> (u16,) {
        (self.number,)
    }

    fn __repr__(&self) -> String {
        format!("Code({}, {:?})", self.number, self.name)
    }
}

/// All codes, in ascending order.
#[pyfunction]
pub(crate) fn codes(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
    PyTuple::new(py, licentia_core::Code::TABLE.iter().map(Code::from).collect::<Vec<_>>())
}
