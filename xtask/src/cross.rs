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
    tools::system::{self, rustup},
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
    if rustup(command("rustup", &["target", "add", target.name])).is_err() {
        return with_debian(target, words);
    }
    let mut build = cargo(&[words, &["--target", target.name]].concat());
    if target.build_std == "core" {
        build.env("CARGO_ENCODED_RUSTFLAGS", format!("--sysroot\x1f{}", core_alone(target)?.display()));
    }
    run(build)?;
    Ok(built(&target_folder(), target, words))
}

/// As [`build`], with a standard library that is built along: for its size, and without what it says when it panics.
pub(crate) fn build_small(target: &Target, arguments: &[&str]) -> Result<PathBuf> {
    let small = [
        "--config",
        "profile.release.panic='immediate-abort'",
        "-Zpanic-immediate-abort",
        "-Zbuild-std-features=optimize_for_size",
    ];
    let words = [&["build", "--locked"], arguments, &small].concat();
    if rustup(command("rustup", &["component", "add", "rust-src"])).is_err() {
        return with_debian(target, &words);
    }
    // Not where the other builds are: each would throw away what the other has built.
    let folder = root().join("target/small");
    let build_std = format!("-Zbuild-std={}", target.build_std);
    let mut build = cargo(&[&words[..], &["--target", target.name, &build_std]].concat());
    build.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", &folder);
    run(build)?;
    Ok(built(&folder, target, &words))
}

fn built(folder: &Path, target: &Target, words: &[&str]) -> PathBuf {
    let profile = if words.contains(&"--release") { "release" } else { "debug" };
    folder.join(target.name).join(profile)
}

fn with_debian(target: &Target, words: &[&str]) -> Result<PathBuf> {
    println!("rustup cannot fetch what {} needs; building it with Debian's compiler", target.name);
    // Debian's plain rustc has the same programs, without the source.
    let library = library_source().unwrap_or_default();
    system::require(&[
        ("/usr/bin/rustc", "rustc-web"),
        ("/usr/bin/cargo", "cargo-web"),
        (&library.to_string_lossy(), "rust-web-src"),
    ])?;
    let folder = root().join("target/web");
    let build_std = format!("-Zbuild-std={}", target.build_std);
    let common = [words, &["--target", target.name, &build_std]].concat();
    let mut build = command("/usr/bin/cargo", &common);
    build
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("__CARGO_TESTS_ONLY_SRC_ROOT", library_source()?)
        .env("CARGO_TARGET_DIR", &folder);
    if let Some(variable) = target.linker_variable {
        build.env(variable, rust_lld()?);
    }
    run(build)?;
    Ok(built(&folder, target, words))
}

/// Where the source of the standard library may be, whose paths a build with it holds.
pub(crate) fn standard_library() -> Result<Vec<PathBuf>> {
    let debian = library_source().ok().and_then(|library| Some(library.parent()?.to_owned()));
    Ok([Some(sysroot()?), debian].into_iter().flatten().collect())
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
