//! The project's own commands.
//!
//! `cargo xtask test` installs what the tests need and runs them all, in every language. CI runs the same.

mod api;
mod bench;
mod c;
mod command;
mod cross;
mod fuzz;
mod gateway;
mod go;
mod java;
mod js;
mod languages;
mod live;
mod page;
mod programs;
mod python;
mod rust;
mod soak;
mod suites;
mod tools;
mod vectors;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask test [SUITE...]   install what the tests need, and run all suites or those named
cargo xtask test --fast       formatting, lints, Rust by cargo-nextest, vectors
cargo xtask suites            list the suites
cargo xtask soak [--minutes N] [RUN...]
                              run long tests, or those named, each for N minutes (10); `cargo xtask soaks` lists them
cargo xtask bench [NAME...]   run the benchmarks, print tables of ratios, and write docs/performance.md and its plots:
                              groups such as `cold` and `warm`, or `scaling`, `wasm`, `c`, `python`, `javascript`
cargo xtask instructions      write benches/instructions.json
cargo xtask proto             generate the gateway's code from Envoy's definitions
cargo xtask vectors           write tests/vectors/*.json
cargo xtask header            write the C headers, ffi/symbols.txt and ffi/abi.txt
cargo xtask api               write the lists of public items, docs/api/*.txt
cargo xtask live              make the pictures of the live page, docs/live-*.png
cargo xtask install [OPTION...]  install the C library: --prefix, --libdir, --destdir, --without
cargo xtask go                write the library as a file in Go, bindings/go/internal/module
cargo xtask java              build the Java package and put it into the local Maven repository
cargo xtask advisories        look for known vulnerabilities (needs the advisory database on line)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["test", words @ ..] => suites::run(words),
        ["suites"] => {
            suites::list();
            Ok(())
        }
        ["soak", words @ ..] => soak::run(words),
        ["soaks"] => soak::list(),
        ["bench", groups @ ..] => bench::run::run(groups),
        ["instructions"] => bench::instructions::write(),
        ["proto"] => gateway::write(),
        ["vectors"] => vectors::write(),
        ["header"] => c::header::write(),
        ["api"] => api::write(),
        ["live"] => live::write(),
        ["install", options @ ..] => c::package::install(options),
        ["go"] => go::write(),
        ["java"] => java::install(),
        ["advisories"] => rust::dependencies::advisories(),
        _ => Err(HELP.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
