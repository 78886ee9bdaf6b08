//! The programs in C and C++ that test the library: `ffi/tests`.

use std::{path::PathBuf, process::Command};

use super::toolchain::{STRICT, work};
use crate::{
    command::{Result, command, root, run},
    tools::redis::Redis,
};

/// The programs of the suites, and their arguments.
pub(crate) const PROGRAMS: [(&str, &[&str]); 10] = [
    ("vectors", &["tests/vectors"]),
    ("abi", &[]),
    ("misuse", &[]),
    ("vendor", &[]),
    ("revocation", &["target/c"]),
    ("meters", &["target/c", REDIS]),
    ("fork", &["target/c", REDIS]),
    ("wrapper", &[]),
    ("throws", &[]),
    ("threads", &["60"]),
];
/// Stands for the URL of a Redis server of the program's own.
const REDIS: &str = "redis";

/// Compiles a program of `ffi/tests` against a library.
pub(crate) fn compile(name: &str, flags: &[&str], library: &str) -> Result<PathBuf> {
    let program = work()?.join(name);
    let (c, cpp) = (format!("ffi/tests/{name}.c"), format!("ffi/tests/{name}.cc"));
    let (compiler, standard, source) = if name == "throws" {
        ("g++", &["-std=c++17"][..], cpp)
    } else if root().join(&cpp).exists() {
        ("g++", &["-std=c++17", "-fno-exceptions", "-fno-rtti"][..], cpp)
    } else {
        ("gcc", &["-std=c99"][..], c)
    };
    let mut arguments = standard.to_vec();
    arguments.extend(["-O1", "-g", "-Iinclude"]);
    arguments.extend(STRICT);
    arguments.extend(flags);
    let to = program.to_string_lossy();
    arguments.extend([source.as_str(), "-o", &to, library, "-ljansson", "-lpthread", "-lm", "-ldl"]);
    run(command(compiler, &arguments))?;
    Ok(program)
}

/// Runs a program of the suites. One that counts in Redis has a server of its own: the next finds nothing there.
pub(crate) fn run_program(words: &[&str], change: impl FnOnce(&mut Command)) -> Result {
    let redis = if words.contains(&REDIS) { Some(Redis::start()?) } else { None };
    let url = redis.as_ref().map(|redis| redis.url.clone()).unwrap_or_default();
    let words: Vec<&str> = words.iter().map(|word| if *word == REDIS { &*url } else { word }).collect();
    let (program, arguments) = words.split_first().ok_or("no program")?;
    let mut command = command(program, arguments);
    change(&mut command);
    run(command)
}
