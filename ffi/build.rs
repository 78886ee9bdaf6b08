//! Gives the shared library its name for the dynamic linker.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/status.rs");
    let version = abi_version().expect("src/status.rs has LICENTIA_ABI_VERSION, a number");
    let system = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    match system.as_str() {
        "linux" | "android" | "freebsd" | "netbsd" | "openbsd" => {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,liblicentia.so.{version}");
        }
        "macos" | "ios" => {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/liblicentia.{version}.dylib");
        }
        _ => {}
    }
}

/// The number of the ABI, which stands in one place.
fn abi_version() -> Option<u32> {
    let source = std::fs::read_to_string("src/status.rs").ok()?;
    let (_, rest) = source.split_once("pub const LICENTIA_ABI_VERSION: u32 = ")?;
    rest.split_once(';')?.0.parse().ok()
}
