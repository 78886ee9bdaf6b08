//! The live page, in Chromium.

use std::process::Command;

use crate::{
    command::{Result, command, root, run, target_folder},
    programs::program,
    tools::system,
};

/// Drives `licentia dev` and its page, and checks that the pictures in the README are of this page.
pub(crate) fn check() -> Result {
    run(node("live.mjs")?)?;
    run(node("upstream.mjs")?)?;
    run(node("pictures.mjs")?)
}

/// Makes the pictures in the README.
pub(crate) fn write() -> Result {
    let mut pictures = node("pictures.mjs")?;
    pictures.arg("write");
    run(pictures)
}

/// A script of `tests/live`, with what it drives.
fn node(script: &str) -> Result<Command> {
    let mut node = bare(script)?;
    node.env("LICENTIA", program("licentia")?);
    Ok(node)
}

/// A script of `tests/live`, with a browser.
pub(crate) fn bare(script: &str) -> Result<Command> {
    system::require(&[("node", "nodejs"), ("npm", "npm"), ("/usr/bin/chromium", "chromium")])?;
    let folder = root().join("tests/live");
    let mut install = command("npm", &["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    install.current_dir(&folder);
    run(install)?;
    let mut node = command("node", &[script]);
    node.current_dir(&folder);
    node.env("CHROMIUM", "/usr/bin/chromium").env("SHOTS", target_folder()).env("ROOT", root());
    Ok(node)
}
