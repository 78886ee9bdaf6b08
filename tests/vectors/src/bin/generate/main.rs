//! Makes the vector files: always the same, from fixed seeds.
//!
//! What a test expects is written here by hand, from the specification in
//! `docs/token-format.md`. Nothing in this program asks an implementation.

#![allow(clippy::assigning_clones, reason = "a case that sets a field reads best as an assignment")]

mod bundle;
mod cbor;
mod codes;
mod encoding;
mod fields;
mod gate;
mod key;
mod licence;
mod license;
mod nonce;
mod output;
mod period;
mod proof;
mod section;
mod signer;
mod store;
mod terms;
mod text;
mod token;

use std::{env, fs, path::PathBuf, process::ExitCode};

const HELP: &str = "usage: generate [--out DIR]\n\nWrites the vector files to DIR, or to where they belong.";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let folder = match words.as_slice() {
        [] => PathBuf::from(env!("CARGO_MANIFEST_DIR")),
        ["--out", folder] => PathBuf::from(folder),
        _ => {
            eprintln!("{HELP}");
            return ExitCode::FAILURE;
        }
    };
    let (license, gate) = (license::file(), gate::file());
    let (text, key, period, codes) = (text::file(), key::file(), period::file(), codes::file());
    let (store, nonce) = (store::file(), nonce::file());
    let files = [
        ("license.json", license.number_of_tests, output::json(&license)),
        ("text.json", text.number_of_tests, output::json(&text)),
        ("key.json", key.number_of_tests, output::json(&key)),
        ("period.json", period.number_of_tests, output::json(&period)),
        ("gate.json", gate.number_of_tests, output::json(&gate)),
        ("store.json", store.number_of_tests, output::json(&store)),
        ("nonce.json", nonce.number_of_tests, output::json(&nonce)),
        ("codes.json", codes.number_of_codes, output::json(&codes)),
    ];
    for (name, count, json) in files {
        let path = folder.join(name);
        if let Err(error) = fs::write(&path, json) {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
        println!("{name:<14} {count:>5}");
    }
    ExitCode::SUCCESS
}
