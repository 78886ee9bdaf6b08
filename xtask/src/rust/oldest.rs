//! The oldest supported compiler.

use std::{fs, path::PathBuf};

use crate::{
    command::{Result, command, output, root, target_folder},
    tools::system::rustup,
};

/// The toolchain with the oldest supported compiler.
pub(crate) struct Toolchain {
    /// What cargo is told to use it; none if it is in use anyway.
    selector: Option<String>,
}

impl Toolchain {
    /// The first arguments of cargo.
    pub(crate) fn words(&self) -> Vec<&str> {
        self.selector.as_deref().into_iter().collect()
    }

    /// Where it builds. Another compiler does not build where the usual one does: each would discard the other's work.
    pub(crate) fn target_folder(&self) -> PathBuf {
        if self.selector.is_some() { root().join("target/msrv") } else { target_folder() }
    }

    /// Whether it is the toolchain that all suites use.
    pub(crate) fn is_usual(&self) -> bool {
        self.selector.is_none()
    }
}

/// Finds the toolchain, and installs it if it is missing.
pub(crate) fn toolchain() -> Result<Toolchain> {
    let oldest = version()?;
    let used = output(command("rustc", &["--version"]))?;
    if is_version(&used, &oldest) {
        return Ok(Toolchain { selector: None });
    }
    let name = format!("{oldest}.0");
    let installed = output(command("rustup", &["toolchain", "list"]))?;
    if !installed.lines().any(|line| line.starts_with(&name)) {
        rustup(command("rustup", &["toolchain", "install", &name, "--profile", "minimal"]))?;
    }
    Ok(Toolchain { selector: Some(format!("+{name}")) })
}

/// The value of `rust-version` in the workspace.
fn version() -> Result<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).map_err(|error| error.to_string())?;
    let line = manifest.lines().find_map(|line| line.strip_prefix("rust-version = "));
    Ok(line.ok_or("Cargo.toml has no rust-version")?.trim_matches('"').to_owned())
}

/// Whether `rustc --version` printed this version of the language, whatever its patch level.
fn is_version(printed: &str, version: &str) -> bool {
    let found = printed.split_whitespace().nth(1).unwrap_or_default();
    found.strip_prefix(version).is_some_and(|rest| rest.starts_with('.') && !rest.contains('-'))
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
