//! Formatting, lints, documentation and the oldest compiler.

use std::fs;

use crate::command::{Result, cargo, command, output, root, run};

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

/// The value of `rust-version` in the workspace.
fn oldest() -> Result<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).map_err(|error| error.to_string())?;
    let line = manifest.lines().find_map(|line| line.strip_prefix("rust-version = "));
    Ok(line.ok_or("Cargo.toml has no rust-version")?.trim_matches('"').to_owned())
}

/// Whether `rustc --version` printed this version of the language, whatever its patch level.
fn is_version(printed: &str, version: &str) -> bool {
    let found = printed.split_whitespace().nth(1).unwrap_or_default();
    found.strip_prefix(version).is_some_and(|rest| rest.starts_with('.') && !rest.contains('-'))
}

/// The oldest supported compiler builds everything.
pub(crate) fn msrv() -> Result {
    let oldest = oldest()?;
    let used = output(command("rustc", &["--version"]))?;
    if is_version(&used, &oldest) {
        println!(
            "the compiler in use is the oldest one, {}: the lints build everything with it",
            used.trim()
        );
        // This does nothing if it was done before.
        return clippy();
    }
    let toolchain = format!("{oldest}.0");
    let installed = output(command("rustup", &["toolchain", "list"]))?;
    if !installed.lines().any(|line| line.starts_with(&toolchain)) {
        run(command("rustup", &["toolchain", "install", &toolchain, "--profile", "minimal"]))?;
    }
    let toolchain = format!("+{toolchain}");
    let mut check =
        cargo(&[&toolchain, "check", "--workspace", "--all-targets", "--all-features", "--locked"]);
    check.env("CARGO_TARGET_DIR", root().join("target/msrv"));
    run(check)
}

#[cfg(test)]
mod tests {
    use super::is_version;

    #[test]
    fn a_version_matches_whatever_its_patch_level() {
        assert!(is_version("rustc 1.95.0 (59807616e 2026-04-14)", "1.95"));
        assert!(is_version("rustc 1.95.2 (59807616e 2026-04-14)", "1.95"));
        for other in
            ["rustc 1.96.0 (a 2026-05-28)", "rustc 1.9.5 (a 2016-05-28)", "rustc 1.95.0-nightly (a)", ""]
        {
            assert!(!is_version(other, "1.95"), "{other}");
        }
    }
}
