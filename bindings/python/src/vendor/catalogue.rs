//! Catalogues of tiers.

use std::path::PathBuf;

use licentia_issuer::Catalogue as SdkCatalogue;
use pyo3::prelude::*;

use crate::error::issuing;

/// All versions of all tiers that a vendor sells.
///
/// Reads a catalogue from TOML.
///
/// Raises:
///     InvalidArgumentError: The message names the line.
#[pyclass(module = "licentia", frozen)]
pub(crate) struct Catalogue(pub(crate) SdkCatalogue);

#[pymethods]
impl Catalogue {
    #[new]
    fn new(toml: &str) -> PyResult<Self> {
        toml.parse().map(Self).map_err(issuing)
    }

    /// Reads a catalogue from a TOML file.
    #[staticmethod]
    fn load(path: PathBuf) -> PyResult<Self> {
        SdkCatalogue::load(&path).map(Self).map_err(issuing)
    }

    /// Name and version of every tier, and whether it is still sold.
    #[getter]
    fn tiers(&self) -> Vec<(String, u64, bool)> {
        self.0.tiers().iter().map(|tier| (tier.name.clone(), tier.version, !tier.retired)).collect()
    }

    fn __repr__(&self) -> String {
        format!("<Catalogue of {} tiers>", self.0.tiers().len())
    }
}
