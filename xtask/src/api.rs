//! Lists of the public items, `docs/api/*.txt`, so that a change of the API is seen.

use std::{fs, path::Path};

use crate::{
    command::{Result, cargo, command, output, root, run},
    programs::{example, program},
    rust::oldest,
};

/// Crates with a public API, and the names of their libraries.
const CRATES: [(&str, &str); 3] =
    [("licentia", "licentia"), ("licentia-core", "licentia_core"), ("licentia-issuer", "licentia_issuer")];
/// The document of the server's routes.
const OPENAPI: &str = "server/openapi.json";
/// rustdoc's JSON is an option for nightly. With this in the environment any rustdoc takes it; if cargo had it there,
/// build scripts would run again and much would be built twice.
const RUSTDOC: &str = "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n";

/// Writes the lists.
pub(crate) fn write() -> Result {
    let folder = root().join("docs/api");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for (name, text) in lists()? {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let path = root().join(OPENAPI);
    fs::write(&path, openapi()?).map_err(|error| format!("{}: {error}", path.display()))
}

/// The OpenAPI document of the server; a test of the server compares it.
fn openapi() -> Result<String> {
    output(command(program("licentia")?, &["server", "openapi"]))
}

/// The lists are up to date.
pub(crate) fn check() -> Result {
    let mut outdated = Vec::new();
    for (name, text) in lists()? {
        let path = root().join("docs/api").join(&name);
        let committed = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("{name}: {} lines", text.lines().count());
        if committed != text {
            outdated.push(format!("docs/api/{name}:\n{}", difference(&committed, &text)));
        }
    }
    if outdated.is_empty() {
        return Ok(());
    }
    Err(format!("{}run `cargo xtask api` and review the change", outdated.concat()))
}

/// Lines that one text has and the other lacks.
fn difference(committed: &str, found: &str) -> String {
    let lacks = |text: &str, line: &str| text.lines().all(|other| other != line);
    let gone = committed.lines().filter(|line| lacks(found, line)).map(|line| format!("- {line}\n"));
    let new = found.lines().filter(|line| lacks(committed, line)).map(|line| format!("+ {line}\n"));
    gone.chain(new).collect()
}

/// The name and the text of each list.
fn lists() -> Result<Vec<(String, String)>> {
    let tools = root().join("target/tools");
    let rustdoc = tools.join("rustdoc-json");
    fs::create_dir_all(&tools).map_err(|error| format!("{}: {error}", tools.display()))?;
    script(&rustdoc).map_err(|error| format!("{}: {error}", rustdoc.display()))?;
    // The JSON changes with the compiler, so that it is always the oldest one which writes it.
    let toolchain = oldest::toolchain()?;
    let program = example("api")?;
    let mut doc =
        cargo(&[&toolchain.words(), &["doc", "--quiet", "--locked", "--all-features"][..]].concat());
    doc.args(["--no-deps", "--lib"]).args(CRATES.iter().flat_map(|(package, _)| ["-p", package]));
    doc.env("RUSTDOCFLAGS", "-Z unstable-options --output-format json --cap-lints allow");
    doc.env("RUSTDOC", &rustdoc).env("CARGO_TARGET_DIR", toolchain.target_folder());
    run(doc)?;
    let list = |(package, library): (&str, &str)| {
        let json = toolchain.target_folder().join("doc").join(library).with_extension("json");
        let text = output(command(&program, &[&json.to_string_lossy()]))?;
        Ok((format!("{package}.txt"), text))
    };
    CRATES.into_iter().map(list).collect()
}

#[cfg(unix)]
fn script(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, RUSTDOC)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn script(_: &Path) -> std::io::Result<()> {
    Err(std::io::Error::other("the lists are made on Linux and its like"))
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn a_difference_shows_what_is_gone_and_what_is_new() {
        assert_eq!(difference("a\nb\n", "b\nc\n"), "- a\n+ c\n");
        assert_eq!(difference("a\n", "a\n"), "");
    }
}
