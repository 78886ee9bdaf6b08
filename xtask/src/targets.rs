//! Builds for targets that are not the host's: wasm32 and bare metal.
//!
//! rustup is asked for the target first. Where it cannot fetch one, Debian's
//! compiler for the web and its copy of the standard library's source build
//! the same; that needs the nightly flags of cargo, and the linker that the
//! rustup toolchain brings along.

use std::path::PathBuf;

use crate::{
    command::{Result, cargo, command, output, root, run},
    tools,
};

/// A target, and the parts of the standard library that it is built with.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    build_std: &'static str,
    linker_variable: Option<&'static str>,
}

/// A Cortex-M4 with floating point. Building nothing but `core` for it proves that no allocator is needed.
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
    let release = arguments.contains(&"--release");
    let profile = if release { "release" } else { "debug" };
    let common = [&["build", "--locked", "--target", target.name], arguments].concat();
    if run(command("rustup", &["target", "add", target.name])).is_ok() {
        run(cargo(&common))?;
        return Ok(root().join("target").join(target.name).join(profile));
    }
    println!("rustup cannot fetch {}; building it with Debian's compiler", target.name);
    tools::apt(&["/usr/bin/cargo", "/usr/bin/rustc"], &["rustc-web", "cargo-web", "rust-web-src"])?;
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

/// Debian's copy of the standard library's source.
fn library_source() -> Result<PathBuf> {
    let folders = std::fs::read_dir("/usr/src").map_err(|error| format!("/usr/src: {error}"))?;
    let library = |folder: std::fs::DirEntry| {
        let rustc = folder.file_name().to_string_lossy().starts_with("rustc-");
        Some(folder.path().join("library")).filter(|library| rustc && library.exists())
    };
    let found = folders.flatten().filter_map(library).max();
    found.ok_or_else(|| "no /usr/src/rustc-*/library; install rust-web-src".to_owned())
}

/// The linker of the rustup toolchain.
fn rust_lld() -> Result<PathBuf> {
    let sysroot = PathBuf::from(output(command("rustc", &["--print", "sysroot"]))?.trim());
    let version = output(command("rustc", &["-vV"]))?;
    let host =
        version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc -vV names no host")?;
    let linker = sysroot.join("lib/rustlib").join(host).join("bin/rust-lld");
    if linker.exists() { Ok(linker) } else { Err(format!("no linker at {}", linker.display())) }
}
