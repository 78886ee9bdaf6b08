//! The project's own commands.
//!
//! `cargo xtask test` installs what the tests need and runs them all, in every language. CI runs the same.

mod bare;
mod bench;
mod c;
mod command;
mod instructions;
mod js;
mod package;
mod page;
mod plot;
mod python;
mod suites;
mod targets;
mod tools;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask test [SUITE...]   install what the tests need, and run all suites or those named
cargo xtask suites            list the suites
cargo xtask bench [NAME...]   run the benchmarks, print tables of ratios, and write docs/performance.md and its plots:
                              groups such as `cold` and `warm`, or `scaling`, `wasm`, `c`, `python`, `javascript`
cargo xtask instructions      make benches/instructions.json anew
cargo xtask vectors           make tests/vectors/*.json anew
cargo xtask header            make the C headers, ffi/symbols.txt and ffi/abi.txt anew
cargo xtask install [OPTION...]  install the C library: --prefix, --libdir, --destdir, --without
cargo xtask advisories        look for known vulnerabilities (needs the advisory database on line)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["test", named @ ..] => suites::run(named),
        ["suites"] => {
            suites::list();
            Ok(())
        }
        ["bench", groups @ ..] => bench::run(groups),
        ["instructions"] => instructions::write(),
        ["vectors"] => suites::write_vectors(),
        ["header"] => c::write_header(),
        ["install", options @ ..] => package::install(options),
        ["advisories"] => suites::advisories(),
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
