//! Sources of revocation bundles.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use licentia::Feed as SdkFeed;
use pyo3::prelude::*;

use crate::{
    background::fork::detached, error::explained, gate::gate::Gate, vendor::revocation_bundle::bundle_bytes,
};

/// A source of bundles: a file, or the argument of ``load``. A Watch loads from it again and again.
///
/// Makes a source of a file's path, or of arguments.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct Feed {
    feed: Mutex<SdkFeed>,
    given: Arc<Mutex<Option<Vec<u8>>>>,
}

#[pymethods]
impl Feed {
    #[new]
    #[pyo3(signature = (path=None))]
    fn new(path: Option<PathBuf>) -> Self {
        let given: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
        let feed = if let Some(path) = path {
            SdkFeed::file(path)
        } else {
            let given = Arc::clone(&given);
            SdkFeed::new(move || Ok(given.lock().unwrap_or_else(PoisonError::into_inner).take()))
        };
        Self { feed: Mutex::new(feed), given }
    }

    /// Loads the file or the argument into a gate. If the gate's store cannot remember the bundle, the next call tries
    /// again.
    ///
    /// Returns:
    ///     False if there is nothing new.
    ///
    /// Raises:
    ///     LicentiaError: For a bad bundle, or if it cannot be remembered. The gate then keeps its bundle.
    #[pyo3(signature = (gate, bundle=None))]
    fn load(
        &self,
        py: Python<'_>,
        gate: &Bound<'_, Gate>,
        bundle: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        let (gate, bundle) = (gate.get().gate()?, bundle.map(bundle_bytes).transpose()?);
        detached(py, || {
            let mut feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
            *self.given.lock().unwrap_or_else(PoisonError::into_inner) = bundle;
            feed.load(gate)
        })
        .map_err(|error| explained(error.code(), &error))
    }
}
