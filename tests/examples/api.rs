//! Prints the public items of a crate, from what `rustdoc --output-format json` wrote about it. `cargo xtask api` runs it.
//!
//! What the compiler implements for every type is left out, and so are items that are hidden from the documentation.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: api FILE.json");
        return ExitCode::FAILURE;
    };
    let builder = public_api::Builder::from_rustdoc_json(&path);
    match builder.omit_blanket_impls(true).omit_auto_trait_impls(true).build() {
        Ok(api) => {
            print!("{api}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}
