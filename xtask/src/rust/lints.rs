//! Formatting, lints, documentation and the oldest compiler.

use super::oldest;
use crate::command::{Result, cargo, run};

/// The code is formatted.
pub(crate) fn fmt() -> Result {
    run(cargo(&["fmt", "--all", "--check"]))
}

/// No lint complains.
pub(crate) fn clippy() -> Result {
    let mut clippy = cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--locked"]);
    clippy.args(["--", "-D", "warnings"]);
    run(clippy)
}

/// The documentation builds and its links hold.
pub(crate) fn docs() -> Result {
    let mut doc = cargo(&["doc", "--workspace", "--all-features", "--no-deps", "--locked"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    run(doc)
}

/// The oldest supported compiler builds everything.
pub(crate) fn msrv() -> Result {
    let toolchain = oldest::toolchain()?;
    if toolchain.is_usual() {
        println!("the compiler in use is the oldest one; the suite `clippy` builds everything with it");
        // This does nothing if it was done before.
        return clippy();
    }
    let check = ["check", "--workspace", "--all-targets", "--all-features", "--locked"];
    let mut check = cargo(&[&toolchain.words(), &check[..]].concat());
    check.env("CARGO_TARGET_DIR", toolchain.target_folder());
    run(check)
}
