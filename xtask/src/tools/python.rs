//! A Python environment of the project's own, in `target/venv`.

use std::path::PathBuf;

use super::system;
use crate::command::{Result, command, output, root, run};

/// Installs requirements into the environment and returns the path of its interpreter.
pub(crate) fn environment(requirements: &str) -> Result<PathBuf> {
    let venv = root().join("target/venv");
    let python = venv.join("bin/python");
    system::require(&[("python3", "python3")])?;
    // If the venv module lacks pip, it fails and leaves an interpreter behind.
    let has_pip = || python.exists() && output(command(&python, &["-m", "pip", "--version"])).is_ok();
    if !has_pip() {
        if output(command("python3", &["-m", "ensurepip", "--version"])).is_err() {
            system::require(&[("", "python3-venv"), ("", "python3-pip")])?;
        }
        run(command("python3", &["-m", "venv", "--clear", &venv.to_string_lossy()]))?;
    }
    run(command(
        &python,
        &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements],
    ))?;
    Ok(python)
}
