//! The C headers: generates them, and checks that they are up to date and compile.

use std::{fs, path::Path};

use super::{
    parts::{PARTS, WRAPPER, symbols},
    toolchain::{STRICT, needs, work},
};
use crate::{
    command::{Result, command, root, run},
    programs::program,
};

/// Makes the header and the list of symbols anew.
pub(crate) fn write() -> Result {
    make_header(&root())
}

fn make_header(to: &Path) -> Result {
    run(command(program("licentia-header")?, &[&to.to_string_lossy()]))
}

/// The header is what its generator makes, and C and C++ take it with and without each part.
pub(crate) fn check() -> Result {
    let fresh = root().join("target/header");
    make_header(&fresh)?;
    for name in ["include/licentia.h", "include/licentia_bare.h", "ffi/symbols.txt", "ffi/abi.txt"] {
        let read = |folder: &Path| fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"));
        if read(&root())? != read(&fresh)? {
            return Err(format!("{name} is outdated; run `cargo xtask header` and look at the change"));
        }
    }
    needs()?;
    let folder = work()?;
    let without: Vec<String> =
        PARTS.iter().map(|part| format!("-DLICENTIA_NO_{}", part.to_uppercase())).collect();
    let sets: [Vec<&str>; 4] =
        [vec![], vec![&without[0]], vec![&without[1]], without.iter().map(String::as_str).collect()];
    let mut compiled = 0;
    for (compiler, header, standards) in [
        ("gcc", "licentia.h", &["c99", "c11", "c17"][..]),
        ("gcc", "licentia_bare.h", &["c99", "c11", "c17"]),
        ("g++", "licentia_bare.h", &["c++17"]),
        ("g++", "licentia.h", &["c++17", "c++20"]),
        ("g++", "licentia.hpp", &["c++17", "c++20"]),
    ] {
        let source = folder.join(if compiler == "gcc" { "header.c" } else { "header.cc" });
        let text = format!(
            "#include <{header}>\n#include <{header}>\nint main(void) {{ return LICENTIA_OK == 0; }}\n"
        );
        fs::write(&source, text).map_err(|error| error.to_string())?;
        for standard in standards {
            for set in &sets {
                let standard = format!("-std={standard}");
                let mut arguments = vec![&*standard, "-fsyntax-only", "-Iinclude"];
                arguments.extend(STRICT);
                if compiler == "g++" {
                    arguments.extend(["-fno-exceptions", "-fno-rtti"]);
                }
                arguments.extend(set);
                let source = source.to_string_lossy();
                arguments.push(&source);
                run(command(compiler, &arguments))?;
                compiled += 1;
            }
        }
    }
    println!("{compiled} ways to compile the headers");
    wrapped()?;
    documented(&folder)
}

/// The C++ wrapper has every function.
fn wrapped() -> Result {
    let mut wrapper = String::new();
    for name in WRAPPER {
        let path = root().join("include").join(name);
        wrapper.push_str(&fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?);
    }
    let words: Vec<&str> = wrapper.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let symbols = symbols(&PARTS.join(","))?;
    let missing: Vec<_> = symbols.iter().filter(|symbol| !words.contains(&symbol.as_str())).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("licentia.hpp does not wrap {missing:?}")) }
}

/// The code of `docs/c.md` compiles.
fn documented(folder: &Path) -> Result {
    let page = fs::read_to_string(root().join("docs/c.md")).map_err(|error| error.to_string())?;
    let code = page
        .split("```c\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .ok_or("docs/c.md has no code")?;
    let source = folder.join("documented.c");
    fs::write(&source, code).map_err(|error| error.to_string())?;
    let source = source.to_string_lossy();
    let flags = ["-std=c99", "-fsyntax-only", "-Iinclude", "-Wno-unused-function", &source];
    run(command("gcc", &[&STRICT[..], &flags].concat()))
}
