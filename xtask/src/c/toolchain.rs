//! The compilers of C and C++, and the folder that they work in.

use std::{fs, path::PathBuf};

use crate::{
    command::{Result, root},
    tools::system,
};

/// Flags of every compilation: no warning is allowed, and no extension of one compiler.
pub(crate) const STRICT: [&str; 5] =
    ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-D_POSIX_C_SOURCE=200809L"];

/// The folder for what the suites make, `target/c`.
pub(crate) fn work() -> Result<PathBuf> {
    let folder = root().join("target/c");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// Installs what the suites are compiled and run with.
pub(crate) fn needs() -> Result {
    system::require(&[
        ("gcc", "gcc"),
        ("g++", "g++"),
        ("make", "make"),
        ("pkg-config", "pkg-config"),
        ("/usr/include/jansson.h", "libjansson-dev"),
    ])
}
