//! Programs of the workspace that suites run.

use std::path::PathBuf;

use crate::command::{Result, cargo, run, target_folder};

/// Builds a program of the workspace, unoptimised, and returns its path.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    build(&["--bin", name])?;
    Ok(target_folder().join("debug").join(name))
}

/// Builds an example of the workspace, unoptimised, and returns its path.
pub(crate) fn example(name: &str) -> Result<PathBuf> {
    build(&["--example", name])?;
    Ok(target_folder().join("debug/examples").join(name))
}

/// Builds with the features that `cargo test --workspace --all-features` selects, so that nothing which the tests have
/// built is built again. An example is among what is built, because only then does cargo count the features that
/// dev-dependencies ask for, as it does for tests.
fn build(what: &[&str]) -> Result {
    let mut build = cargo(&["build", "--quiet", "--workspace", "--all-features", "--locked"]);
    build.args(["--example", "records"]).args(what);
    run(build)
}
