//! Generates `include/licentia.h` from the crate of the C ABI, `include/licentia_bare.h` from the crate for bare metal,
//! `ffi/symbols.txt`, the exported functions, and `ffi/abi.txt`, all declarations that a program is compiled against. If
//! a line of it changes or goes, raise `LICENTIA_ABI_VERSION`; a new line needs nothing.
//!
//! `licentia-header OUT` writes them below a folder: the repository to update them, another to compare.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use cbindgen::{Builder, Config, DocumentationStyle, ExportConfig, Language, Style};
use licentia_core::Code;

/// The rules that hold for every function.
const RULES: &str = include_str!("rules.txt");

/// Functions with deliberate faults, for the tests; no header has them.
const FAULTS: [&str; 2] = ["licentia_fault_panic", "licentia_fault_race"];

/// Functions of the system that the library calls.
const SYSTEM: [&str; 1] = ["pthread_atfork"];

/// Names in Rust, and in C.
const TYPES: &[(&str, &str)] = &[
    ("Status", "status"),
    ("Code", "code"),
    ("Key", "key"),
    ("Keyset", "keyset"),
    ("Store", "store"),
    ("GateBuilder", "gate_builder"),
    ("Gate", "gate"),
    ("Watch", "watch"),
    ("Refiller", "refiller"),
    ("Reservation", "reservation"),
    ("Seat", "seat"),
    ("WatchCallback", "watch_callback"),
    ("Request", "request"),
    ("Decision", "decision"),
    ("Charge", "charge"),
    ("Facts", "facts"),
    ("License", "license"),
    ("Feature", "feature"),
    ("Event", "event"),
    ("EventCallback", "event_callback"),
    ("FreeCallback", "free_callback"),
    ("HolderKey", "holder_key"),
    ("Receipts", "receipts"),
    ("ReceiptCallback", "receipt_callback"),
    ("SigningKey", "signing_key"),
    ("Catalogue", "catalogue"),
    ("Draft", "draft"),
    ("Issuer", "issuer"),
    ("Bundle", "bundle"),
];

/// The same of the crate for bare metal.
const BARE_TYPES: &[(&str, &str)] = &[
    ("BareKey", "bare_key"),
    ("BareText", "bare_text"),
    ("BareProof", "bare_proof"),
    ("BareRequest", "bare_request"),
    ("BareVerdict", "bare_verdict"),
    ("BareLicense", "bare_license"),
    ("BareFeature", "bare_feature"),
    ("BareKeyset", "bare_keyset"),
    ("BareBundle", "bare_bundle"),
    ("BareMark", "bare_mark"),
    ("BareTrust", "bare_trust"),
    ("BareCounters", "bare_counters"),
    ("BareCharge", "bare_charge"),
    ("BareCharged", "bare_charged"),
    ("BareMoment", "bare_moment"),
];

fn main() -> ExitCode {
    let Some(out) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: licentia-header OUT");
        return ExitCode::FAILURE;
    };
    match make(&out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn make(out: &Path) -> Result<(), String> {
    let ffi = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no folder above")?;
    let (header, bare) = (generate(ffi, full())?, generate(&ffi.join("bare"), bare())?);
    write(&out.join("ffi/symbols.txt"), &symbols(&header))?;
    write(&out.join("ffi/abi.txt"), &abi(&[&header, &bare]))?;
    write(&out.join("include/licentia.h"), &header)?;
    write(&out.join("include/licentia_bare.h"), &bare)
}

/// The header of a crate.
fn generate(folder: &Path, config: Config) -> Result<String, String> {
    let bindings = Builder::new().with_crate(folder).with_config(config).generate();
    let mut header = Vec::new();
    bindings.map_err(|error| error.to_string())?.write(&mut header);
    let header = String::from_utf8(header).map_err(|error| error.to_string())?;
    // A status that nobody looks at may be that of a feature that is then not needed.
    let marked = |header: String, start: &str| {
        header.replace(&format!("\n{start}"), &format!("\nLICENTIA_MUST_USE\n{start}"))
    };
    Ok(["licentia_status licentia_", "uint32_t licentia_bare_"].into_iter().fold(header, marked))
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    let show = |error: std::io::Error| format!("{}: {error}", file.display());
    file.parent().map_or(Ok(()), fs::create_dir_all).map_err(show)?;
    fs::write(file, text).map_err(show)
}

/// What both headers have in common.
fn config(guard: &str, title: &str, types: &[(&str, &str)]) -> Config {
    let rename = types.iter().map(|(rust, c)| ((*rust).to_owned(), format!("licentia_{c}"))).collect();
    let defines = [("feature = holder", "LICENTIA_HOLDER"), ("feature = issuer", "LICENTIA_ISSUER")];
    Config {
        language: Language::C,
        cpp_compat: true,
        include_guard: Some(guard.into()),
        header: Some(format!("/*\n * {title}\n *\n * Made by `cargo xtask header`; do not edit.\n */")),
        no_includes: true,
        sys_includes: vec!["stdbool.h".into(), "stddef.h".into(), "stdint.h".into()],
        style: Style::Type,
        usize_is_size_t: true,
        documentation_style: DocumentationStyle::Doxy,
        line_length: 110,
        export: ExportConfig {
            rename,
            exclude: FAULTS.into_iter().chain(SYSTEM).map(Into::into).collect(),
            ..ExportConfig::default()
        },
        defines: defines.into_iter().map(|(from, to)| (from.into(), to.into())).collect::<HashMap<_, _>>(),
        ..Config::default()
    }
}

fn full() -> Config {
    let title = "Licentia: decides offline whether a request to an API may go on.";
    Config { after_includes: Some(preamble()), ..config("LICENTIA_H", title, TYPES) }
}

fn bare() -> Config {
    let title = "Licentia for microcontrollers: no standard library, no heap. The rules of licentia.h hold here too; it\n \
                 * has the codes, states and statuses.";
    Config { includes: vec!["licentia.h".into()], ..config("LICENTIA_BARE_H", title, BARE_TYPES) }
}

/// Versions, optional parts, the table of codes, and the rules.
fn preamble() -> String {
    let (major, minor, patch) =
        (env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"), env!("CARGO_PKG_VERSION_PATCH"));
    let mut text = format!("\n{RULES}\n");
    text.push_str("/* The version that this header is of: see licentia_version. */\n");
    text.push_str(&format!(
        "#define LICENTIA_VERSION_MAJOR {major}\n#define LICENTIA_VERSION_MINOR {minor}\n"
    ));
    text.push_str(&format!("#define LICENTIA_VERSION_PATCH {patch}\n"));
    text.push_str(&format!("#define LICENTIA_VERSION \"{major}.{minor}.{patch}\"\n"));
    text.push_str(
        "#define LICENTIA_VERSION_NUMBER \\\n    (LICENTIA_VERSION_MAJOR << 16 | LICENTIA_VERSION_MINOR << 8 | LICENTIA_VERSION_PATCH)\n\n",
    );
    for (part, what) in [("HOLDER", "proofs of possession and receipts"), ("ISSUER", "what a vendor signs")] {
        text.push_str(&format!(
            "/* Define LICENTIA_NO_{part} where the library was built without {what}. */\n\
             #if !defined(LICENTIA_NO_{part})\n#define LICENTIA_{part}\n#endif\n\n"
        ));
    }
    text.push_str(
        "/* What a call answers is to be looked at. Define it as nothing where a compiler shall not say so. */\n\
         #if !defined(LICENTIA_MUST_USE)\n#if defined(__GNUC__)\n\
         #define LICENTIA_MUST_USE __attribute__((warn_unused_result))\n\
         #else\n#define LICENTIA_MUST_USE\n#endif\n#endif\n\n",
    );
    text.push_str("/* Codes, which never change their meaning: see licentia_status_message. */\n");
    for row in Code::TABLE {
        let (name, number) = (row.name.to_uppercase(), row.code.number());
        text.push_str(&format!("/* {} */\n#define LICENTIA_CODE_{name} {number}\n", row.message));
    }
    text
}

/// What headers declare, one line each, in order: functions and types whole, and constants but the version's.
fn abi(headers: &[&str]) -> String {
    let mut lines = Vec::new();
    for header in headers {
        let (mut code, mut rest) = (String::new(), *header);
        while let Some((before, comment)) = rest.split_once("/*") {
            code.push_str(before);
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        }
        code.push_str(rest);
        let mut declaration = String::new();
        for line in code.lines().map(|line| line.split("//").next().unwrap_or_default()) {
            let words = line.split_whitespace().collect::<Vec<_>>().join(" ");
            if let Some(constant) = words.strip_prefix("#define LICENTIA_") {
                if constant.contains(' ')
                    && !constant.starts_with("VERSION")
                    && !constant.starts_with("MUST_USE")
                {
                    lines.push(format!("LICENTIA_{constant}"));
                }
            } else if !words.starts_with('#')
                && !["", "LICENTIA_MUST_USE", "extern \"C\" {", "}"].contains(&words.as_str())
                && !words.starts_with("(LICENTIA_VERSION")
            {
                if !declaration.is_empty() {
                    declaration.push(' ');
                }
                declaration.push_str(&words);
                // The members of a struct end in a semicolon too.
                if declaration.ends_with(';')
                    && declaration.matches('{').count() == declaration.matches('}').count()
                {
                    lines.push(std::mem::take(&mut declaration));
                }
            }
        }
    }
    lines.sort_unstable();
    lines.into_iter().map(|line| line + "\n").collect()
}

/// The functions that a header declares, in order of their names, each with the part that it is in, if any.
fn symbols(header: &str) -> String {
    let (mut symbols, mut part) = (Vec::new(), "");
    for line in header.lines().filter(|line| !line.trim_start().starts_with('*')) {
        if let Some(condition) = line.strip_prefix("#if defined(LICENTIA_") {
            part = condition.trim_end_matches(')');
        } else if line.starts_with("#endif") {
            part = "";
        } else if let Some((before, _)) = line.split_once('(').filter(|_| !line.starts_with("typedef")) {
            let name = before.rsplit([' ', '*']).next().unwrap_or_default();
            if name.starts_with("licentia_") {
                symbols.push(format!("{name} {}", part.to_lowercase()).trim_end().to_owned());
            }
        }
    }
    symbols.sort_unstable();
    symbols.into_iter().map(|symbol| symbol + "\n").collect()
}
