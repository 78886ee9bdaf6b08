//! Core on other targets.

use crate::{command::Result, cross};

/// Core builds for a Cortex-M4 without an allocator.
pub(crate) fn bare_metal() -> Result {
    let arguments = ["-p", "licentia-core", "--no-default-features", "--release"];
    cross::build(&cross::CORTEX_M4, &arguments).map(|_| ())
}

/// Core builds for wasm32.
pub(crate) fn wasm() -> Result {
    cross::build(&cross::WASM, &["-p", "licentia-core", "--release"]).map(|_| ())
}
