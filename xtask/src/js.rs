//! The npm package: builds its WebAssembly modules, packs it, and tests the packed file on every host.

use std::{fs, path::Path};

use crate::{
    command::{self, Result, cargo, command, output, root, target_folder},
    targets, tools,
};

/// The modules of the package, and the feature and level of optimisation that each is built with: `z` makes
/// the gate's a twentieth smaller and its checks half as fast.
const MODULES: [(&str, &str, &str); 3] =
    [("licentia", "gate", "s"), ("verify", "verify", "z"), ("issuer", "issuer", "z")];

/// Builds the package and tests it.
pub(crate) fn test() -> Result {
    build()?;
    tools::apt(&["/usr/bin/chromium"], &["chromium"])?;
    let mut test = node(&["test.mjs"]);
    test.env("VECTORS", root().join("tests/vectors")).env("CHROMIUM", "/usr/bin/chromium");
    command::run(test)
}

/// Measures the package beside others.
pub(crate) fn bench() -> Result {
    build()?;
    command::run(node(&["--expose-gc", "bench.mjs"]))
}

/// Makes `bindings/js/dist`.
fn build() -> Result {
    if output(command("node", &["--version"])).is_err() || output(command("npm", &["--version"])).is_err() {
        tools::apt(&[""], &["nodejs", "npm"])?;
    }
    // Not `ci`: it refuses a lock file that lacks the programs of other systems, which npm itself leaves out.
    let mut install = command("npm", &["install", "--no-audit", "--no-fund", "--loglevel=error"]);
    install.current_dir(folder());
    command::run(install)?;
    command::run(cargo(&["build", "--quiet", "--locked", "-p", "licentia-js-bindgen"]))?;
    let modules = root().join("target/js");
    fs::create_dir_all(&modules).map_err(|error| error.to_string())?;
    for (name, feature, level) in MODULES {
        let built = module(feature, level)?;
        fs::copy(&built, modules.join(name).with_extension("wasm"))
            .map_err(|error| format!("{}: {error}", built.display()))?;
    }
    let bindgen = target_folder().join("debug/licentia-js-bindgen");
    command::run(node(&["build.mjs", &bindgen.to_string_lossy(), &modules.to_string_lossy()]))
}

fn folder() -> std::path::PathBuf {
    root().join("bindings/js")
}

fn node(arguments: &[&str]) -> std::process::Command {
    let mut node = command("node", arguments);
    node.current_dir(folder());
    node
}

/// Builds a module: small, and without paths of this machine.
fn module(feature: &str, level: &str) -> Result<std::path::PathBuf> {
    let home = std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME").map(|home| home + "/.cargo"));
    let sources = Path::new(&home.unwrap_or_default()).join("registry/src");
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let sysroot = output(command("rustc", &["--print", "sysroot"]))?;
    let flags =
        [remap(&root(), "licentia"), remap(&sources, "crates"), remap(Path::new(sysroot.trim()), "rust")];
    let flags = format!("target.{}.rustflags={flags:?}", targets::WASM.name);
    let level = format!("profile.release.opt-level='{level}'");
    let arguments = [
        "-p",
        "licentia-js",
        "--release",
        "--quiet",
        "--no-default-features",
        "--features",
        feature,
        "--config",
        &level,
        "--config",
        "profile.release.package.curve25519-dalek.opt-level=3",
        "--config",
        "profile.release.panic='abort'",
        "--config",
        &flags,
    ];
    Ok(targets::build(&targets::WASM, &arguments)?.join("licentia_js.wasm"))
}
