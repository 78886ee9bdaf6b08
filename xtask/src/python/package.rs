//! Builds the Python package with the pinned maturin, and installs it.

use std::{env, path::Path, process::Command};

use crate::command::{Result, command, run, target_folder};

/// The folder of the package.
pub(crate) const FOLDER: &str = "bindings/python";

/// A command of pip's, which builds with a profile and the pinned maturin.
pub(crate) fn pip(python: &Path, profile: &str, arguments: &[&str]) -> Result<Command> {
    let programs = python.parent().unwrap_or(Path::new("")).to_path_buf();
    let path = env::var_os("PATH").unwrap_or_default();
    let paths = env::join_paths(std::iter::once(programs).chain(env::split_paths(&path)));
    let mut pip = command(python, &["-m", "pip", "--disable-pip-version-check"]);
    pip.args(arguments)
        .args(["--quiet", "--no-build-isolation", "--no-deps"])
        .env("PATH", paths.map_err(|error| error.to_string())?)
        .env("MATURIN_PEP517_ARGS", format!("--profile {profile}"))
        // A source distribution is built in a folder of pip's, where everything would be compiled once more.
        .env("CARGO_TARGET_DIR", target_folder());
    Ok(pip)
}

/// Installs into an environment, by its interpreter.
pub(crate) fn install(python: &Path, profile: &str, what: &[&str]) -> Result {
    run(pip(python, profile, &[&["install", "--force-reinstall"], what].concat())?)
}
