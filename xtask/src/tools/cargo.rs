//! Commands for cargo, built once at a pinned version and kept in `target/tools`.

use std::{fs, path::PathBuf};

use crate::command::{Result, cargo, command, output, root, run};

/// A command, its version and the features that it is built with.
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
    features: &'static [&'static str],
}

/// Checks licences, sources and advisories of dependencies.
pub(crate) const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2", features: &[] };
/// Builds fuzz targets.
pub(crate) const FUZZ: Tool = Tool { name: "cargo-fuzz", version: "0.13.2", features: &[] };
/// Runs the tests of all crates side by side.
pub(crate) const NEXTEST: Tool = Tool { name: "cargo-nextest", version: "0.9.151", features: &[] };

impl Tool {
    /// The program; it is built if it is missing or has another version.
    pub(crate) fn program(&self) -> Result<PathBuf> {
        let tools = root().join("target/tools");
        let program = tools.join("bin").join(self.name);
        // Asked by its full path, such a program prints its version and no more.
        let installed = program.exists()
            && output(command(&program, &["--version"])).is_ok_and(|version| version.contains(self.version));
        if !installed {
            println!("building {} {}, which is kept in {}", self.name, self.version, tools.display());
            let (folder, wanted) = (tools.to_string_lossy(), format!("{}@{}", self.name, self.version));
            let mut install = cargo(&["install", "--quiet", "--locked", "--debug", "--no-default-features"]);
            install.args(["--features", &self.features.join(",")]).args(["--root", &folder, &wanted]);
            // Without optimisation and debug information it takes less than half the time to build.
            let build = tools.join("build");
            install.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_TARGET_DIR", &build);
            run(install)?;
            // Only the program is needed again.
            let _ = fs::remove_dir_all(build);
        }
        Ok(program)
    }
}
