//! Installs the tools that suites need, at pinned versions, below `target/` where that can be.

use std::path::PathBuf;

use crate::command::{Result, cargo, command, output, root, run};

const CARGO_DENY: &str = "0.20.2";

/// Installs packages of the system where a file of theirs is missing.
pub(crate) fn apt(missing: &[&str], packages: &[&str]) -> Result {
    if missing.iter().all(|file| std::path::Path::new(file).exists()) {
        return Ok(());
    }
    let is_root = output(command("id", &["-u"]))?.trim() == "0";
    let apt = |arguments: &[&str]| {
        let mut words = if is_root { vec!["env"] } else { vec!["sudo", "-n", "env"] };
        words.extend(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]);
        words.extend(arguments);
        let (program, rest) = words.split_first().ok_or("no command")?;
        run(command(program, rest))
    };
    let install = [&["install", "--no-install-recommends"], packages].concat();
    apt(&["update"]).and_then(|()| apt(&install)).map_err(|error| {
        format!("{error}\ninstall these packages of Debian, or their like: {}", packages.join(" "))
    })
}

/// cargo-deny, built once.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    let tools = root().join("target/tools");
    let program = tools.join("bin/cargo-deny");
    let installed = program.exists()
        && output(command(&program, &["--version"])).is_ok_and(|version| version.contains(CARGO_DENY));
    if !installed {
        let (tools, wanted) = (tools.to_string_lossy(), format!("cargo-deny@{CARGO_DENY}"));
        // Without optimisation it is built in under half the time, and it runs for a second.
        let mut install = cargo(&["install", "--quiet", "--locked", "--debug", "--root", &tools, &wanted]);
        install
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TARGET_DIR", root().join("target/tools/build"));
        run(install)?;
        // Only the program is needed again.
        let _ = std::fs::remove_dir_all(root().join("target/tools/build"));
    }
    Ok(program)
}

/// A Python environment of the project's own, with these requirements; gives its interpreter.
pub(crate) fn python(requirements: &str) -> Result<PathBuf> {
    let venv = root().join("target/venv");
    let python = venv.join("bin/python");
    // Where the venv module lacks pip, it fails and leaves an interpreter behind.
    let has_pip = || python.exists() && output(command(&python, &["-m", "pip", "--version"])).is_ok();
    if !has_pip() {
        let folder = venv.to_string_lossy();
        if run(command("python3", &["-m", "venv", "--clear", &folder])).is_err() {
            apt(&[""], &["python3", "python3-venv", "python3-pip"])?;
            run(command("python3", &["-m", "venv", "--clear", &folder]))?;
        }
    }
    run(command(
        &python,
        &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements],
    ))?;
    Ok(python)
}
