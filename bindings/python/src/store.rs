//! Stores, opened by URL.

use std::sync::Arc;

use licentia::store;
use pyo3::{prelude::*, types::PyString};

use crate::{
    background::fork::{DropDetached, detached},
    error::{error, wrong_type},
};

/// A store of counters and marks. Several gates may share one.
///
/// Opens the store that a URL names, such as ``memory:``.
///
/// Raises:
///     InvalidArgumentError: For an unknown kind of store; the message lists the known ones.
///     StoreError: If it cannot be reached.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct Store {
    opened: DropDetached<Arc<dyn store::Store>>,
    /// Whether it may wait for a disk or another machine.
    #[pyo3(get)]
    may_block: bool,
}

#[pymethods]
impl Store {
    #[new]
    fn new(py: Python<'_>, url: &str) -> PyResult<Self> {
        let opened = open(py, url)?;
        Ok(Self { may_block: opened.may_wait(), opened: opened.into() })
    }

    fn __repr__(&self) -> &'static str {
        if self.may_block { "<Store that may block>" } else { "<Store>" }
    }
}

fn open(py: Python<'_>, url: &str) -> PyResult<Arc<dyn store::Store>> {
    detached(py, || store::open(url)).map_err(|failed| error(failed.code(), Some(&failed.to_string())))
}

/// A store, or its URL; by default a store in memory.
pub(crate) fn store(
    given: Option<&Bound<'_, PyAny>>,
    py: Python<'_>,
) -> PyResult<(Arc<dyn store::Store>, bool)> {
    let Some(given) = given else {
        return Ok((Arc::new(store::Memory::new()), false));
    };
    if let Ok(store) = given.cast::<Store>() {
        return Ok((Arc::clone(store.get().opened.get()?), store.get().may_block));
    }
    let url = given.cast::<PyString>().map_err(|_| wrong_type("a Store or its URL", given))?;
    let store = open(py, url.to_str()?)?;
    let may_block = store.may_wait();
    Ok((store, may_block))
}
