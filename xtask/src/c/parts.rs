//! What the C library consists of: its parts, its files, its functions and its name.

use std::fs;

use crate::command::{Result, root};

/// Parts of the header that can be left out.
pub(crate) const PARTS: [&str; 2] = ["holder", "issuer"];
/// Kinds of store that can be left out, which no function's name shows.
pub(crate) const STORES: [&str; 3] = ["redis", "redis-tls", "sqlite"];
/// The C++ wrapper's files.
pub(crate) const WRAPPER: [&str; 5] = [
    "licentia.hpp",
    "licentia/decision.hpp",
    "licentia/gate.hpp",
    "licentia/handle.hpp",
    "licentia/vendor.hpp",
];

/// The shared library's name for the dynamic linker, which ends in the number of the ABI.
pub(crate) fn soname() -> Result<String> {
    let header = fs::read_to_string(root().join("include/licentia.h")).map_err(|error| error.to_string())?;
    let number = header.lines().find_map(|line| line.strip_prefix("#define LICENTIA_ABI_VERSION "));
    Ok(format!("liblicentia.so.{}", number.ok_or("licentia.h has no LICENTIA_ABI_VERSION")?.trim()))
}

/// The functions of the list whose part is among the features.
pub(crate) fn symbols(features: &str) -> Result<Vec<String>> {
    let list = fs::read_to_string(root().join("ffi/symbols.txt")).map_err(|error| error.to_string())?;
    let there =
        |line: &&str| line.split_once(' ').is_none_or(|(_, part)| features.split(',').any(|one| one == part));
    let name = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    Ok(list.lines().filter(there).map(name).collect())
}
