//! The C ABI on bare metal: vectors on a Cortex-M4, and what they take of its memory.

use std::fs;

use crate::{
    command::{Result, cargo, command, output, root, run},
    targets, tools,
};

/// What the design grants a microcontroller, in bytes.
const FLASH: u64 = 64 * 1024;
const STACK: u64 = 8 * 1024;
/// One in so many cases of each group of vectors, so that the emulator is done within a minute.
const EVERY: &str = "1";

/// Runs vectors in QEMU and holds flash, stack and heap against the limits.
pub(crate) fn suite() -> Result {
    tools::apt(&["/usr/bin/qemu-system-arm", "/usr/bin/readelf"], &["qemu-system-arm", "binutils"])?;
    // Small rather than fast; unwinding needs what is not there.
    let small = ["--config", "profile.release.opt-level='z'", "--config", "profile.release.panic='abort'"];
    let arguments = [&["-p", "licentia-bare", "--bin", "firmware", "--release"][..], &small].concat();
    let firmware = targets::build(&targets::CORTEX_M4, &arguments)?.join("firmware");
    let image = firmware.to_string_lossy();

    let folder = root().join("target/bare");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let records = folder.join("records.bin");
    let make = ["run", "--quiet", "--locked", "-p", "licentia-bare", "--example", "records", "--"];
    run(cargo(&[&make[..], &[&records.to_string_lossy(), EVERY]].concat()))?;

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
    let mut qemu = command("qemu-system-arm", &[&machine[..], &host].concat());
    qemu.current_dir(&folder);
    let shown = output(qemu)?;
    print!("{shown}");
    let value = |name: &str| {
        let line = shown.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
        line.ok_or_else(|| format!("the firmware did not print `{name}`"))
    };
    let (cases, failed, stack) = (value("cases ")?, value("failed ")?, value("stack ")?);

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
    println!("  stack {stack:>6} bytes, at most {STACK}");
    println!("  heap  {:>6}", if heap { "some" } else { "none" });
    println!("  the test's own buffers: {ram} bytes");
    if cases == 0 || failed > 0 || heap || !(1..=FLASH).contains(&flash) || !(1..=STACK).contains(&stack) {
        return Err("the bare build is wrong, or too large".to_owned());
    }
    Ok(())
}
