//! Builds the npm package and its WebAssembly modules.

use std::{fs, path::Path};

use crate::{
    command::{self, Result, command, root},
    cross,
    programs::program,
    tools::system,
};

/// The modules of the package, and the feature that each is built with.
const MODULES: [(&str, &str); 3] = [("licentia", "gate"), ("verify", "verify"), ("issuer", "issuer")];

/// Makes `bindings/js/dist`.
pub(crate) fn build() -> Result {
    system::require(&[("node", "nodejs"), ("npm", "npm")])?;
    // Not `ci`: it refuses a lock file that lacks the programs of other systems, which npm itself leaves out.
    let mut install =
        command("npm", &["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]);
    install.current_dir(folder());
    command::run(install)?;
    let modules = root().join("target/js");
    fs::create_dir_all(&modules).map_err(|error| error.to_string())?;
    for (name, feature) in MODULES {
        let built = module(feature)?;
        fs::copy(&built, modules.join(name).with_extension("wasm"))
            .map_err(|error| format!("{}: {error}", built.display()))?;
    }
    let bindgen = program("licentia-js-bindgen")?;
    command::run(node(&["build.mjs", &bindgen.to_string_lossy(), &modules.to_string_lossy()]))
}

fn folder() -> std::path::PathBuf {
    root().join("bindings/js")
}

/// A command of Node in the folder of the package.
pub(crate) fn node(arguments: &[&str]) -> std::process::Command {
    let mut node = command("node", arguments);
    node.current_dir(folder());
    node
}

/// Builds a module: small, and without paths of this machine.
fn module(feature: &str) -> Result<std::path::PathBuf> {
    let home = std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME").map(|home| home + "/.cargo"));
    let sources = Path::new(&home.unwrap_or_default()).join("registry/src");
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let mut flags: Vec<String> = [r#"sha2_backend="soft""#, r#"sha2_backend_soft="compact""#]
        .iter()
        .flat_map(|cfg| ["--cfg".to_owned(), (*cfg).to_owned()])
        .collect();
    flags.extend([remap(&root(), "licentia"), remap(&sources, "crates")]);
    flags.extend(cross::standard_library()?.iter().map(|folder| remap(folder, "rust")));
    let flags = format!("target.{}.rustflags={flags:?}", cross::WASM.name);
    let features = format!("{feature},small");
    let arguments = [
        "-p",
        "licentia-js",
        "--release",
        "--quiet",
        "--no-default-features",
        "--features",
        &features,
        "--config",
        "profile.release.opt-level='z'",
        "--config",
        &flags,
    ];
    Ok(cross::build_small(&cross::WASM, &arguments)?.join("licentia_js.wasm"))
}
