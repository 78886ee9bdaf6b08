//! Errors, for misuse and a broken environment. The classes are in `licentia/errors.py`.

use licentia_core::Code;
use pyo3::{exceptions::PyTypeError, prelude::*, sync::PyOnceLock};

/// The error of a code, with a detail if there is one.
pub(crate) fn error(code: Code, detail: Option<&str>) -> PyErr {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    Python::attach(|py| {
        let make = MAKE.import(py, "licentia.errors", "make");
        let row = (code.number(), code.name(), code.message(), code.advice(), detail);
        match make.and_then(|make| make.call1(row)) {
            Ok(error) => PyErr::from_value(error),
            Err(error) => error,
        }
    })
}

/// The error of a code, without a detail.
pub(crate) fn refused(code: Code) -> PyErr {
    error(code, None)
}

/// The error of a code, with what the library says.
pub(crate) fn explained(code: Code, said: &dyn std::fmt::Display) -> PyErr {
    error(code, Some(&said.to_string()))
}

/// The error for a value that is outside its documented range.
pub(crate) fn invalid(detail: &str) -> PyErr {
    error(Code::InvalidArgument, Some(detail))
}

/// The error for a value of a wrong type.
pub(crate) fn wrong_type(expected: &str, given: &Bound<'_, PyAny>) -> PyErr {
    match given.get_type().name() {
        Ok(name) => PyTypeError::new_err(format!("expected {expected}, not {name}")),
        Err(error) => error,
    }
}

/// The error for a failure of the issuer.
#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
pub(crate) fn issuing(failed: licentia_issuer::Error) -> PyErr {
    match &failed {
        licentia_issuer::Error::Refused(code) => refused(*code),
        _ => error(failed.code(), Some(&failed.to_string())),
    }
}
