//! Measures the npm package beside others.

use super::package::{build, node};
use crate::{
    bench::figures::{self, COLD, WARM},
    command::{Result, output},
};

/// Measures the package beside others. Every ratio that is promised must be kept.
pub(crate) fn compared() -> Result<String> {
    build()?;
    let measured = output(node(&["--expose-gc", "bench.mjs"]))?;
    let promises = [
        ("jose, EdDSA", WARM, 50.0),
        ("@noble/curves, signature alone", COLD, 2.0),
        ("biscuit-wasm", COLD, 2.0),
    ];
    figures::compared(&measured, &promises)
}
