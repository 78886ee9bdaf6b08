//! The npm package: builds its WebAssembly modules, packs it, and tests the packed file on every host.

use std::{fs, path::Path};

use crate::{
    bench::{self, COLD, WARM},
    command::{self, Result, cargo, command, output, root, target_folder},
    targets, tools,
};

/// The modules of the package, and the feature that each is built with.
const MODULES: [(&str, &str); 3] = [("licentia", "gate"), ("verify", "verify"), ("issuer", "issuer")];

/// Builds the package and tests it.
pub(crate) fn test() -> Result {
    build()?;
    tools::apt(&["/usr/bin/chromium", "/usr/bin/redis-server"], &["chromium", "redis-server"])?;
    // It counts in Redis beside JavaScript.
    command::run(cargo(&[
        "build",
        "--quiet",
        "--locked",
        "-p",
        "licentia",
        "--features",
        "redis",
        "--example",
        "count",
    ]))?;
    let mut test = node(&["test.mjs"]);
    test.env("VECTORS", root().join("tests/vectors"))
        .env("CHROMIUM", "/usr/bin/chromium")
        .env("REDIS", "/usr/bin/redis-server")
        .env("COUNTER", target_folder().join("debug/examples/count"));
    command::run(test)
}

/// Measures the package beside others. Every ratio that is promised must be kept.
pub(crate) fn compared() -> Result<String> {
    build()?;
    let measured = output(node(&["--expose-gc", "bench.mjs"]))?;
    let promises = [
        ("jose, EdDSA", WARM, 50.0),
        ("@noble/curves, signature alone", COLD, 2.0),
        ("biscuit-wasm", COLD, 2.0),
    ];
    bench::compared(&measured, &promises)
}

/// Makes `bindings/js/dist`.
fn build() -> Result {
    if output(command("node", &["--version"])).is_err() || output(command("npm", &["--version"])).is_err() {
        tools::apt(&[""], &["nodejs", "npm"])?;
    }
    // Not `ci`: it refuses a lock file that lacks the programs of other systems, which npm itself leaves out.
    let mut install =
        command("npm", &["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]);
    install.current_dir(folder());
    command::run(install)?;
    command::run(cargo(&["build", "--quiet", "--locked", "-p", "licentia-js-bindgen"]))?;
    let modules = root().join("target/js");
    fs::create_dir_all(&modules).map_err(|error| error.to_string())?;
    for (name, feature) in MODULES {
        let built = module(feature)?;
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
fn module(feature: &str) -> Result<std::path::PathBuf> {
    let home = std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME").map(|home| home + "/.cargo"));
    let sources = Path::new(&home.unwrap_or_default()).join("registry/src");
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let mut flags: Vec<String> = [r#"sha2_backend="soft""#, r#"sha2_backend_soft="compact""#]
        .iter()
        .flat_map(|cfg| ["--cfg".to_owned(), (*cfg).to_owned()])
        .collect();
    flags.extend([remap(&root(), "licentia"), remap(&sources, "crates")]);
    flags.extend(targets::standard_library()?.iter().map(|folder| remap(folder, "rust")));
    let flags = format!("target.{}.rustflags={flags:?}", targets::WASM.name);
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
    Ok(targets::build_small(&targets::WASM, &arguments)?.join("licentia_js.wasm"))
}
