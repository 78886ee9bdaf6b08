//! Builds for targets that are not the host's: wasm32 and bare metal.
//!
//! rustup is asked for the target first. Where it cannot fetch one, Debian's
//! compiler for the web and its copy of the standard library's source build
//! the same; that needs the nightly flags of cargo, and the linker that the
//! rustup toolchain brings along.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    command::{Result, cargo, command, output, root, run, target_folder},
    tools,
};

/// A target, and the parts of the standard library that it is built with.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    build_std: &'static str,
    linker_variable: Option<&'static str>,
}

/// A Cortex-M4 with floating point. There is nothing but `core` to build it with, so that any crate
/// that asks for `alloc` fails.
pub(crate) const CORTEX_M4: Target =
    Target { name: "thumbv7em-none-eabihf", build_std: "core", linker_variable: None };

/// Browsers and edge workers.
pub(crate) const WASM: Target = Target {
    name: "wasm32-unknown-unknown",
    build_std: "std,panic_abort",
    linker_variable: Some("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER"),
};

/// Builds with the arguments of `cargo build` and gives the folder of what was built.
pub(crate) fn build(target: &Target, arguments: &[&str]) -> Result<PathBuf> {
    compile(target, &[&["build", "--locked"], arguments].concat())
}

/// Runs a command of cargo's that builds, and gives the folder of what was built.
pub(crate) fn compile(target: &Target, words: &[&str]) -> Result<PathBuf> {
    let release = words.contains(&"--release");
    let profile = if release { "release" } else { "debug" };
    let common = [words, &["--target", target.name]].concat();
    if run(command("rustup", &["target", "add", target.name])).is_ok() {
        let mut build = cargo(&common);
        if target.build_std == "core" {
            build.env("CARGO_ENCODED_RUSTFLAGS", format!("--sysroot\x1f{}", core_alone(target)?.display()));
        }
        run(build)?;
        return Ok(target_folder().join(target.name).join(profile));
    }
    println!("rustup cannot fetch {}; building it with Debian's compiler", target.name);
    // Debian's plain rustc has the same programs, without the source.
    let library = library_source().unwrap_or_default();
    let needed = ["/usr/bin/cargo", "/usr/bin/rustc", &library.to_string_lossy()];
    tools::apt(&needed, &["rustc-web", "cargo-web", "rust-web-src"])?;
    let folder = root().join("target/web");
    let build_std = format!("-Zbuild-std={}", target.build_std);
    let mut build = command("/usr/bin/cargo", &[&common[..], &[&build_std]].concat());
    build
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("__CARGO_TESTS_ONLY_SRC_ROOT", library_source()?)
        .env("CARGO_TARGET_DIR", &folder);
    if let Some(variable) = target.linker_variable {
        build.env(variable, rust_lld()?);
    }
    run(build)?;
    Ok(folder.join(target.name).join(profile))
}

/// A sysroot with `core` and without `alloc`: what rustup brings has both, so that a build with it
/// would say nothing about a heap.
fn core_alone(target: &Target) -> Result<PathBuf> {
    let from = sysroot()?.join("lib/rustlib").join(target.name).join("lib");
    let alone = root().join("target/core-alone");
    let to = alone.join("lib/rustlib").join(target.name).join("lib");
    copy_core(&from, &to).map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))?;
    Ok(alone)
}

fn copy_core(from: &Path, to: &Path) -> std::io::Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let name = file?.file_name();
        let shown = name.to_string_lossy();
        if shown.starts_with("libcore-") || shown.starts_with("libcompiler_builtins-") {
            fs::copy(from.join(&name), to.join(&name))?;
        }
    }
    Ok(())
}

/// The folder of the rustup toolchain.
fn sysroot() -> Result<PathBuf> {
    Ok(PathBuf::from(output(command("rustc", &["--print", "sysroot"]))?.trim()))
}

/// Debian's copy of the standard library's source.
fn library_source() -> Result<PathBuf> {
    let folders = fs::read_dir("/usr/src").map_err(|error| format!("/usr/src: {error}"))?;
    let library = |folder: fs::DirEntry| {
        let rustc = folder.file_name().to_string_lossy().starts_with("rustc-");
        Some(folder.path().join("library")).filter(|library| rustc && library.exists())
    };
    let found = folders.flatten().filter_map(library).max();
    found.ok_or_else(|| "no /usr/src/rustc-*/library; install rust-web-src".to_owned())
}

/// The linker of the rustup toolchain.
fn rust_lld() -> Result<PathBuf> {
    let version = output(command("rustc", &["-vV"]))?;
    let host =
        version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc -vV names no host")?;
    let linker = sysroot()?.join("lib/rustlib").join(host).join("bin/rust-lld");
    if linker.exists() { Ok(linker) } else { Err(format!("no linker at {}", linker.display())) }
}
