//! The C ABI on bare metal: vectors on a Cortex-M4, and what they take of its memory.

use std::{fs, path::Path};

use crate::{
    command::{Result, command, output, root, run},
    cross,
    programs::example,
    tools::system,
};

/// What the design grants a microcontroller, in bytes.
const FLASH: u64 = 64 * 1024;
const STACK: u64 = 8 * 1024;
/// One in so many cases of each group of vectors, so that the emulator is done within a minute.
const EVERY: &str = "1";

/// What builds the library, beside its target. `docs/c.md` says the same.
const BUILD: [&str; 11] = [
    "rustc",
    "--release",
    "-p",
    "licentia-bare",
    "--lib",
    "--crate-type",
    "staticlib",
    // Small rather than fast; unwinding needs what is not there.
    "--config",
    "profile.release.opt-level=\"z\"",
    "--config",
    "profile.release.panic=\"abort\"",
];

/// Runs vectors in QEMU, by a program in C, and holds flash, stack and heap against the limits.
pub(crate) fn check() -> Result {
    system::require(&[("qemu-system-arm", "qemu-system-arm"), ("arm-none-eabi-gcc", "gcc-arm-none-eabi")])?;
    documented()?;
    let library = cross::compile(&cross::CORTEX_M4, &BUILD)?.join("liblicentia_bare.a");
    exports(&library)?;
    let folder = root().join("target/bare");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let records = folder.join("records.bin");
    run(command(example("records")?, &[&records.to_string_lossy(), EVERY]))?;

    let (image, library) = (folder.join("firmware"), library.to_string_lossy());
    let image = image.to_string_lossy();
    let mut compile = vec!["-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Iinclude"];
    compile.extend(["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-ffreestanding"]);
    // Without a C library: all that is needed beside the compiler is in ours.
    compile.extend(["-nostdlib", "-Wl,--gc-sections", "-Wl,-z,noexecstack", "-T", "ffi/bare/tests/link.x"]);
    compile.extend(["ffi/bare/tests/firmware.c", &library, "-lgcc", "-o", &image]);
    run(command("arm-none-eabi-gcc", &compile))?;

    let machine = [
        "-machine",
        "mps2-an386",
        "-cpu",
        "cortex-m4",
        "-display",
        "none",
        "-monitor",
        "none",
        "-serial",
        "none",
    ];
    let host = [
        "-semihosting-config",
        "enable=on,target=native,chardev=out",
        "-chardev",
        "stdio,id=out",
        "-kernel",
        &image,
    ];
    let mut qemu = command("timeout", &[&["600", "qemu-system-arm"], &machine[..], &host].concat());
    qemu.current_dir(&folder);
    let shown = output(qemu)?;
    print!("{shown}");
    let value = |name: &str| {
        let line = shown.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
        line.ok_or_else(|| format!("the firmware did not print `{name}`"))
    };
    let (cases, failed) = (value("cases ")?, value("failed ")?);
    let (stack, decode) = (value("stack ")?, value("decode ")?);

    let (mut flash, mut ram) = (0, 0);
    for line in output(command("readelf", &["-S", "-W", &image]))?.lines() {
        let words: Vec<&str> = line.split(']').next_back().unwrap_or_default().split_whitespace().collect();
        if let [name, kind, _, _, size, ..] = words.as_slice() {
            let size = u64::from_str_radix(size, 16).unwrap_or(0);
            match (*name, *kind) {
                (".vectors" | ".text" | ".rodata" | ".data", _) => flash += size,
                (".bss", _) => ram += size,
                _ => {}
            }
        }
    }
    let symbols = output(command("readelf", &["-s", "-W", &image]))?;
    let heap = symbols.lines().any(|line| line.contains("__rust_alloc") || line.contains("malloc"));
    println!("bare metal, {cases} cases on a Cortex-M4:");
    println!("  flash {flash:>6} bytes, at most {FLASH}: the library and its test");
    println!("  stack {stack:>6} bytes to verify, {decode} to decode, at most {STACK}");
    println!("  heap  {:>6}", if heap { "some" } else { "none" });
    println!("  the test's own buffers: {ram} bytes");
    let fits = (1..=FLASH).contains(&flash) && [stack, decode].iter().all(|used| (1..=STACK).contains(used));
    if cases == 0 || failed > 0 || heap || !fits {
        return Err("the bare build is wrong, or too large".to_owned());
    }
    Ok(())
}

/// The page for users has the command that is tried here.
fn documented() -> Result {
    let page = fs::read_to_string(root().join("docs/c.md")).map_err(|error| error.to_string())?;
    let block = page.split("```sh").find(|block| block.contains("licentia-bare")).unwrap_or_default();
    let block = block.split("```").next().unwrap_or_default().replace(['\\', '\''], "");
    let target = ["--target", cross::CORTEX_M4.name];
    let (mut found, mut tried): (Vec<&str>, Vec<&str>) =
        (block.split_whitespace().skip(1).collect(), BUILD.into_iter().chain(target).collect());
    found.sort_unstable();
    tried.sort_unstable();
    if found == tried {
        Ok(())
    } else {
        Err(format!("docs/c.md has {found:?}, and {tried:?} was to be tried"))
    }
}

/// The library has the functions of its header, and no others of its own.
fn exports(library: &Path) -> Result {
    let header =
        fs::read_to_string(root().join("include/licentia_bare.h")).map_err(|error| error.to_string())?;
    let mut declared: Vec<&str> = header
        .lines()
        .filter_map(|line| line.strip_prefix("uint32_t ")?.split_once('(').map(|(name, _)| name))
        .collect();
    declared.sort_unstable();
    let shown = output(command("nm", &["--quiet", "-g", "--defined-only", &library.to_string_lossy()]))?;
    let names = shown.lines().filter_map(|line| line.split(' ').nth(2));
    let mut found: Vec<&str> = names.filter(|name| name.starts_with("licentia")).collect();
    found.sort_unstable();
    println!("liblicentia_bare.a: {found:?}");
    if found == declared && !found.is_empty() { Ok(()) } else { Err(format!("the header has {declared:?}")) }
}
