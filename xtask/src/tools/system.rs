//! Packages of the system.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use crate::command::{Result, command, output, run, target_folder};

/// Makes sure that files are there, each of which a package of Debian brings: `(file, package)`. A file is a program
/// of `PATH`, or an absolute path.
///
/// As root, missing packages are installed. Otherwise the error lists them.
pub(crate) fn require(needed: &[(&str, &str)]) -> Result {
    let missing: Vec<&str> =
        needed.iter().filter(|(file, _)| find(file).is_none()).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if output(command("id", &["-u"]))?.trim() != "0" {
        return Err(format!(
            "these packages of Debian are missing: {list}\ninstall them, or run this command as root"
        ));
    }
    let apt = |arguments: &[&str]| {
        let mut apt = command("apt-get", &["-q", "-y"]);
        apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        run(apt)
    };
    exclusively(|| {
        apt(&["update"])?;
        apt(&[&["install", "--no-install-recommends"], &missing[..]].concat())
    })
    .map_err(|error| format!("{error}\ninstall these packages of Debian, or their equivalents: {list}"))
}

/// Runs a command of rustup's that installs something.
pub(crate) fn rustup(command: Command) -> Result {
    exclusively(|| run(command))
}

/// Installs while no other suite does: installers fail, or spoil each other's work, if two run at once.
fn exclusively(install: impl FnOnce() -> Result) -> Result {
    let path = target_folder().join("suites/installing");
    let failed = |error| format!("{}: {error}", path.display());
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
    let lock = File::create(&path).map_err(failed)?;
    lock.lock().map_err(failed)?;
    // The lock ends with the file.
    install()
}

/// Where a program or a file is, if it is there.
pub(crate) fn find(file: &str) -> Option<PathBuf> {
    if Path::new(file).is_absolute() {
        return Some(PathBuf::from(file)).filter(|path| path.exists());
    }
    // A user's PATH may lack the folder of programs for administrators.
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(file)).find(|path| path.is_file())
}
