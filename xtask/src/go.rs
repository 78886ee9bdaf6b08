//! The Go packages: writes the module that they run, and runs their tests.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    command::{Result, command, output, root, run, target_folder},
    cross,
    tools::system,
};

const FOLDER: &str = "bindings/go";
/// The library, translated to Go.
const MODULE: &str = "bindings/go/internal/module/module.go";
/// What translates it.
const TRANSLATOR: &str = "github.com/ncruces/wasm2go@v0.4.21";
/// What the module is made of.
const SOURCES: [&str; 6] =
    ["core/src", "core/Cargo.toml", "sdk/src", "sdk/Cargo.toml", "ffi/host/src", "ffi/host/Cargo.toml"];
/// Scripts of the store in Redis, which a Go module can embed only from its own folder.
const SCRIPTS: [&str; 8] =
    ["take", "give_back", "resolve", "job", "charge_job", "finish_job", "take_rate", "take_seat"];
/// Go modules in the folder, each with its own dependencies.
const MODULES: [&str; 4] = [".", "redis", "grpc", "bench"];

/// Runs the tests of all Go modules.
pub(crate) fn check() -> Result {
    system::require(&[("go", "golang-go"), ("redis-server", "redis-server")])?;
    let made_of = fs::read_to_string(root().join(MODULE)).map_err(|error| format!("{MODULE}: {error}"))?;
    if !made_of.contains(&sources()?) {
        return Err(format!("{MODULE} is older than the sources that it is made of: run `cargo xtask go`"));
    }
    for module in MODULES {
        // What is translated has code that nothing reaches.
        run(go(module, &["vet", "-unreachable=false", "./..."]))?;
        run(go(module, &["test", "./..."]))?;
    }
    Ok(())
}

/// Writes the library as a file in Go, and copies the scripts of its store.
pub(crate) fn write() -> Result {
    system::require(&[("go", "golang-go")])?;
    for script in SCRIPTS {
        let from = root().join("sdk/src/store").join(script).with_extension("lua");
        let to = root().join(FOLDER).join("redis").join(script).with_extension("lua");
        fs::copy(&from, &to).map_err(|error| format!("{}: {error}", from.display()))?;
    }
    let tools = target_folder().join("go");
    let mut install = command("go", &["install", TRANSLATOR]);
    install.env("GOBIN", &tools);
    run(install)?;
    let built = build()?;
    let made = target_folder().join("go/module.go");
    let arguments = ["-pkg", "module", "-unsafe", "-o", &made.to_string_lossy(), &built.to_string_lossy()];
    run(command(tools.join("wasm2go"), &arguments))?;
    let code = fs::read_to_string(&made).map_err(|error| format!("{}: {error}", made.display()))?;
    for place in ["/root/", "/home/", "/usr/local/", "/rustc/"] {
        if code.contains(place) {
            return Err(format!("the module holds {place}, a path of this machine"));
        }
    }
    let (first, rest) = code.split_once('\n').ok_or("wasm2go wrote nothing")?;
    let text = format!("{first}\n// Made of {}.\n{rest}", sources()?);
    fs::write(root().join(MODULE), text).map_err(|error| format!("{MODULE}: {error}"))
}

/// Builds the library as WebAssembly without imports.
fn build() -> Result<PathBuf> {
    let home = std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME").map(|home| home + "/.cargo"));
    let crates = Path::new(&home.unwrap_or_default()).join("registry/src");
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let mut flags = vec!["--cfg".to_owned(), r#"getrandom_backend="custom""#.to_owned()];
    flags.extend([remap(&root(), "licentia"), remap(&crates, "crates")]);
    flags.extend(cross::standard_library()?.iter().map(|folder| remap(folder, "rust")));
    let flags = format!("target.{}.rustflags={flags:?}", cross::WASM.name);
    let arguments = [
        "-p",
        "licentia-host",
        "--release",
        "--quiet",
        "--config",
        "profile.release.strip=true",
        "--config",
        &flags,
    ];
    Ok(cross::build_small(&cross::WASM, &arguments)?.join("licentia_host.wasm"))
}

/// A command of Go in a module of the folder.
fn go(module: &str, arguments: &[&str]) -> std::process::Command {
    let mut go = command("go", arguments);
    go.current_dir(root().join(FOLDER).join(module));
    go
}

/// The digest of the sources.
fn sources() -> Result<String> {
    let files = output(command("git", &[&["ls-files", "--"], &SOURCES[..]].concat()))?;
    let files: Vec<&str> = files.lines().filter(|file| root().join(file).exists()).collect();
    // As they are now, committed or not.
    let digests = output(command("git", &[&["hash-object", "--"], &files[..]].concat()))?;
    let listed = format!("{}\n{digests}", files.join("\n"));
    let digest = target_folder().join("go/sources");
    fs::create_dir_all(target_folder().join("go"))
        .and_then(|()| fs::write(&digest, listed))
        .map_err(|error| format!("{}: {error}", digest.display()))?;
    Ok(output(command("git", &["hash-object", &digest.to_string_lossy()]))?.trim().to_owned())
}
