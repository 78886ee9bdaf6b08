//! Programs in Go.

use std::path::PathBuf;

use super::system;
use crate::command::{Result, command, root, run, target_folder};

/// Builds the module in a folder of the repository and returns the path of its program.
pub(crate) fn program(folder: &str, name: &str) -> Result<PathBuf> {
    system::require(&[("go", "golang-go")])?;
    let program = target_folder().join("go").join(name);
    let mut build = command("go", &["build", "-o", &program.to_string_lossy(), "."]);
    build.current_dir(root().join(folder));
    run(build)?;
    Ok(program)
}

/// Installs a program of a module at a version, such as `github.com/stripe/stripe-mock@v0.203.0`, and returns its path.
pub(crate) fn install(module: &str, name: &str) -> Result<PathBuf> {
    system::require(&[("go", "golang-go")])?;
    let folder = target_folder().join("go");
    let mut install = command("go", &["install", module]);
    install.env("GOBIN", &folder);
    run(install)?;
    Ok(folder.join(name))
}
