//! Measures the Python package beside others.

use super::package::{FOLDER, install};
use crate::{
    bench::figures::{self, COLD, WARM},
    command::{Result, command, output, root},
    tools::python,
};

/// Measures the package beside others, on an optimised build. Every ratio that is promised must be kept.
pub(crate) fn compared() -> Result<String> {
    let python = python::environment(&format!("{FOLDER}/tests/requirements.txt"))?;
    install(&python, "release", &[&root().join(FOLDER).to_string_lossy()])?;
    let measured = output(command(&python, &[&format!("{FOLDER}/benches/compare.py")]))?;
    figures::compared(&measured, &[("PyJWT", COLD, 1.5), ("PyJWT", WARM, 50.0)])
}
