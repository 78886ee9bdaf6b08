//! The suites of the test command.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    bare, c,
    command::{self, Result, cargo, command, output, root, target_folder},
    instructions, js, package, python, targets, tools,
};

/// Most lines of core's dependency tree.
const CORE_TREE: usize = 20;

struct Suite {
    name: &'static str,
    proves: &'static str,
    run: fn() -> Result,
}

const SUITES: &[Suite] = &[
    Suite { name: "fmt", proves: "the code is formatted", run: fmt },
    Suite { name: "clippy", proves: "no lint complains", run: clippy },
    Suite { name: "rust", proves: "all Rust tests pass, in every crate", run: rust },
    Suite { name: "docs", proves: "the documentation builds and its links hold", run: docs },
    Suite { name: "msrv", proves: "the oldest supported compiler builds everything", run: msrv },
    Suite {
        name: "deny",
        proves: "licences, sources and versions of dependencies (advisories: `cargo xtask advisories`)",
        run: deny,
    },
    Suite { name: "features", proves: "no feature weakens the signature check", run: features },
    Suite { name: "core-tree", proves: "core has few dependencies", run: core_tree },
    Suite { name: "bare-metal", proves: "core builds for a Cortex-M4 without an allocator", run: bare_metal },
    Suite { name: "wasm", proves: "core builds for wasm32", run: wasm },
    Suite { name: "js", proves: "the npm package works packed, on every host", run: js::test },
    Suite { name: "vectors", proves: "the shared vectors are what their generator makes", run: vectors },
    Suite { name: "oracle", proves: "Python's CWT and CBOR libraries read what we issue", run: oracle },
    Suite {
        name: "c-header",
        proves: "the C header is what its generator makes, and compiles",
        run: c::header,
    },
    Suite {
        name: "c-abi",
        proves: "C runs the vectors and the whole ABI, and nothing else is exported",
        run: c::abi,
    },
    Suite { name: "c-sanitizers", proves: "ASan, UBSan and Valgrind find nothing", run: c::sanitizers },
    Suite {
        name: "c-races",
        proves: "ThreadSanitizer finds nothing while bundles are loaded",
        run: c::races,
    },
    Suite {
        name: "c-foreign",
        proves: "Python, Lua and Ruby call the library without a binding",
        run: c::foreign,
    },
    Suite {
        name: "c-overhead",
        proves: "a call from C costs little more than one from Rust",
        run: c::overhead,
    },
    Suite {
        name: "c-package",
        proves: "examples in C and C++ build against the installed package",
        run: package::suite,
    },
    Suite { name: "c-bare", proves: "vectors run on a Cortex-M4, within flash and stack", run: bare::suite },
    Suite {
        name: "python",
        proves: "the Python package does what the vectors and its tests say",
        run: python::tests,
    },
    Suite {
        name: "instructions",
        proves: "no main path takes more instructions than before",
        run: instructions::check,
    },
    Suite { name: "demo", proves: "the walk through the main job ends well", run: demo },
];

/// Lists the suites.
pub(crate) fn list() {
    for suite in SUITES {
        println!("{:<12} {}", suite.name, suite.proves);
    }
}

/// Runs the suites that are named, or all, and goes on after one that fails.
pub(crate) fn run(named: &[&str]) -> Result {
    if let Some(unknown) = named.iter().find(|name| SUITES.iter().all(|suite| suite.name != **name)) {
        return Err(format!("no suite `{unknown}`; see `cargo xtask suites`"));
    }
    let mut results: Vec<(&str, Result, Duration)> = Vec::new();
    for suite in SUITES.iter().filter(|suite| named.is_empty() || named.contains(&suite.name)) {
        println!("\n=== {}: {}", suite.name, suite.proves);
        let started = Instant::now();
        let result = (suite.run)();
        if let Err(message) = &result {
            println!("FAILED: {message}");
        }
        results.push((suite.name, result, started.elapsed()));
    }
    println!();
    for (name, result, took) in &results {
        let word = if result.is_ok() { "passed" } else { "FAILED" };
        println!("{name:<12} {word}  {:>6.1} s", took.as_secs_f64());
    }
    let failed = results.iter().filter(|(_, result, _)| result.is_err()).count();
    let summary = format!("suites: {} passed, {failed} failed", results.len() - failed);
    println!("{summary}");
    if failed == 0 { Ok(()) } else { Err(summary) }
}

fn fmt() -> Result {
    run_cargo(&["fmt", "--all", "--check"])
}

fn clippy() -> Result {
    run_cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--locked",
        "--",
        "-D",
        "warnings",
    ])
}

fn rust() -> Result {
    tools::apt(&["/usr/bin/redis-server", "/usr/sbin/ip"], &["redis-server", "iproute2"])?;
    let mut test = cargo(&["test", "--workspace", "--all-features", "--locked"]);
    // Tests that need a server start one of their own, and must not pass without it.
    test.env("LICENTIA_REQUIRE_REDIS", "1");
    if cfg!(target_os = "linux") {
        // As much for networks and disks of a test's own, for which it must be root or may use `sudo`.
        test.env("LICENTIA_REQUIRE_NETNS", "1");
    }
    command::run(test)
}

fn run_cargo(arguments: &[&str]) -> Result {
    command::run(cargo(arguments))
}

fn docs() -> Result {
    let mut doc = cargo(&["doc", "--workspace", "--all-features", "--no-deps", "--locked"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    command::run(doc)
}

/// The value of `rust-version` in the workspace.
fn rust_version() -> Result<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).map_err(|error| error.to_string())?;
    let line = manifest.lines().find_map(|line| line.strip_prefix("rust-version = "));
    Ok(line.ok_or("Cargo.toml names no rust-version")?.trim_matches('"').to_owned())
}

fn msrv() -> Result {
    let toolchain = format!("{}.0", rust_version()?);
    let installed = output(command("rustup", &["toolchain", "list"]))?;
    if !installed.lines().any(|line| line.starts_with(&toolchain)) {
        command::run(command("rustup", &["toolchain", "install", &toolchain, "--profile", "minimal"]))?;
    }
    let toolchain = format!("+{toolchain}");
    let mut check =
        cargo(&[&toolchain, "check", "--workspace", "--all-targets", "--all-features", "--locked"]);
    check.env("CARGO_TARGET_DIR", root().join("target/msrv"));
    command::run(check)
}

fn deny() -> Result {
    let program = tools::cargo_deny()?;
    command::run(command(&program, &["--locked", "check", "bans", "licenses", "sources"]))
}

/// Looks for known vulnerabilities. The database is a repository on line, so this is a command of its own.
pub(crate) fn advisories() -> Result {
    let program = tools::cargo_deny()?;
    command::run(command(&program, &["check", "advisories"]))
}

/// `legacy_compatibility` would let signatures pass that strict verification refuses, and
/// one crate anywhere in the graph can turn it on for all.
fn features() -> Result {
    let tree = output(cargo(&[
        "tree",
        "--workspace",
        "--all-features",
        "--locked",
        "--target",
        "all",
        "-e",
        "features",
        "--prefix",
        "none",
    ]))?;
    let lines = tree.lines().count();
    let weak: Vec<&str> = tree.lines().filter(|line| line.contains("legacy_compatibility")).collect();
    println!("{lines} lines of the feature graph looked through");
    if lines < 50 {
        return Err("the feature graph is too small to be the whole one".to_owned());
    }
    if weak.is_empty() { Ok(()) } else { Err(weak.join("\n")) }
}

fn core_tree() -> Result {
    let tree =
        output(cargo(&["tree", "-p", "licentia-core", "-e", "normal", "--no-default-features", "--locked"]))?;
    let lines = tree.lines().count();
    println!("{tree}{lines} lines, at most {CORE_TREE}");
    if lines <= CORE_TREE { Ok(()) } else { Err("core's dependency tree has grown".to_owned()) }
}

fn bare_metal() -> Result {
    let arguments = ["-p", "licentia-core", "--no-default-features", "--release"];
    targets::build(&targets::CORTEX_M4, &arguments).map(|_| ())
}

fn wasm() -> Result {
    targets::build(&targets::WASM, &["-p", "licentia-core", "--release"]).map(|_| ())
}

const GENERATE: &[&str] =
    &["run", "--quiet", "--locked", "-p", "licentia-vectors", "--bin", "generate", "--"];

/// Makes the committed vectors anew.
pub(crate) fn write_vectors() -> Result {
    run_cargo(&[GENERATE, &["--out", "tests/vectors"]].concat())
}

fn vectors() -> Result {
    let (committed, fresh) = (root().join("tests/vectors"), root().join("target/vectors"));
    let _ = fs::remove_dir_all(&fresh);
    fs::create_dir_all(&fresh).map_err(|error| error.to_string())?;
    run_cargo(&[GENERATE, &["--out", &fresh.to_string_lossy()]].concat())?;
    let (expected, made) = (json_files(&committed)?, json_files(&fresh)?);
    if expected.is_empty() || expected != made {
        return Err(format!("tests/vectors has {expected:?}, the generator made {made:?}"));
    }
    let differs = |name: &&String| fs::read(committed.join(name)).ok() != fs::read(fresh.join(name)).ok();
    let changed: Vec<_> = expected.iter().filter(differs).collect();
    println!("{} files compared", expected.len());
    if changed.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "{changed:?} differ from what the generator makes; run `cargo xtask vectors` and look at the change"
        ))
    }
}

fn json_files(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let files = entries.flatten().map(|entry| entry.path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let mut names: Vec<_> =
        files.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
    names.sort();
    Ok(names)
}

fn oracle() -> Result {
    let python = tools::python("tests/oracle/requirements.txt")?;
    run_cargo(&["build", "--quiet", "--locked", "-p", "licentia-cli"])?;
    let mut tests = command(&python, &["-m", "pytest", "tests/oracle", "-q", "-p", "no:cacheprovider"]);
    tests.env("LICENTIA_BIN", target_folder().join("debug/licentia")).env("PYTHONDONTWRITEBYTECODE", "1");
    command::run(tests)
}

fn demo() -> Result {
    let shown = output(cargo(&["demo"]))?;
    print!("{shown}");
    Ok(())
}
