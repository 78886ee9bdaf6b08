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
