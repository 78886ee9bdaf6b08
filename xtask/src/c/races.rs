//! Data races, looked for by `ThreadSanitizer` in C and in Rust.

use std::{path::PathBuf, process::Command};

use super::toolchain::{STRICT, needs, work};
use crate::{
    command::{Result, cargo, command, output, root, run},
    tools::system::rustup,
};

/// Threads that check while bundles are loaded, with both C and Rust watched by `ThreadSanitizer`; and a race that is
/// made on purpose is found.
///
/// The flag that the compiler needs for it is not stable. The standard library is built with it too: else a lock that
/// two threads wait for would not be seen, and what it guards be taken for a race.
pub(crate) fn check() -> Result {
    needs()?;
    let version = output(command("rustc", &["-vV"]))?;
    let host =
        version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc -vV names no host")?;
    let sysroot = PathBuf::from(output(command("rustc", &["--print", "sysroot"]))?.trim());
    let whole = sysroot.join("lib/rustlib/src/rust/library/Cargo.lock").exists()
        || rustup(command("rustup", &["component", "add", "rust-src"])).is_ok();
    let folder = root().join("target/tsan");
    let without_stores = ["--no-default-features", "--features", "holder,issuer,fault"];
    let mut words = vec!["build", "--locked", "-p", "licentia-ffi", "--target", host];
    if whole {
        words.push("-Zbuild-std=std,panic_unwind");
    } else {
        println!(
            "rust-src could not be fetched: the standard library is not watched, and its Arc is passed over"
        );
        words.push("-Zunstable-options");
    }
    let mut build = cargo(&[&words[..], &without_stores].concat());
    // Without its sources the standard library counts as another kind, which rustc must be told to take.
    let flags =
        if whole { "-Zsanitizer=thread" } else { "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" };
    build.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", flags).env("CARGO_TARGET_DIR", &folder);
    run(build)?;
    let runtime = sysroot.join("lib/rustlib").join(host).join("lib/librustc-stable_rt.tsan.a");
    let library = folder.join(host).join("debug/liblicentia_c.a");
    let watched = |name: &str, flags: &[&str]| -> Result<Command> {
        let (object, program) = (work()?.join(format!("{name}.o")), work()?.join(name));
        let (object, to) = (object.to_string_lossy(), program.to_string_lossy());
        let mut arguments = vec!["-std=c99", "-O1", "-g", "-Iinclude", "-fsanitize=thread"];
        arguments.extend(STRICT);
        arguments.extend(flags);
        arguments.extend(["-c", "ffi/tests/threads.c", "-o", &object]);
        run(command("gcc", &arguments))?;
        // gcc's runtime lacks functions that rustc calls, and rustc's has all.
        let (library, runtime) = (library.to_string_lossy(), runtime.to_string_lossy());
        let mut arguments =
            vec![&*object, &*library, "-Wl,--whole-archive", &*runtime, "-Wl,--no-whole-archive"];
        arguments.extend(["-lgcc_s", "-lm", "-ldl", "-lrt", "-lpthread", "-lresolv", "-Wl,--export-dynamic"]);
        arguments.extend(["-o", &*to]);
        run(command("gcc", &arguments))?;
        let mut program = command(&program, &["40"]);
        let passed_over = if whole { "" } else { "suppressions=ffi/tests/tsan.txt " };
        program.env("TSAN_OPTIONS", format!("{passed_over}halt_on_error=1"));
        Ok(program)
    };
    run(watched("threads-tsan", &[])?)?;
    let found = watched("race-tsan", &["-DRACE"])?.output().map_err(|error| error.to_string())?;
    let told = String::from_utf8_lossy(&found.stderr);
    if found.status.success() || !told.contains("data race") || !told.contains("licentia_fault_race") {
        return Err(format!("a race that was made on purpose was not found:\n{told}"));
    }
    println!("a race that was made on purpose was found");
    Ok(())
}
