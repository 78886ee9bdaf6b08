//! The suites of the test command.

use std::time::{Duration, Instant};

use crate::{
    api,
    bench::instructions,
    c,
    command::{Result, command, output},
    fuzz, gateway, go, java, js, languages, live, page,
    programs::program,
    python,
    rust::{dependencies, lints, targets, tests},
    vectors,
};

struct Suite {
    name: &'static str,
    proves: &'static str,
    run: fn() -> Result,
    /// What `--fast` runs, if it runs this suite.
    fast: Option<fn() -> Result>,
}

/// A suite that `--fast` leaves out.
const fn suite(name: &'static str, proves: &'static str, run: fn() -> Result) -> Suite {
    Suite { name, proves, run, fast: None }
}

/// A suite that `--fast` runs too, perhaps in another way.
const fn fast(name: &'static str, proves: &'static str, run: fn() -> Result, fast: fn() -> Result) -> Suite {
    Suite { name, proves, run, fast: Some(fast) }
}

const SUITES: &[Suite] = &[
    fast("fmt", "the code is formatted", lints::fmt, lints::fmt),
    fast("clippy", "no lint complains", lints::clippy, lints::clippy),
    fast("rust", "all Rust tests pass, in every crate", tests::check, tests::check_quickly),
    suite("valkey", "stores, outages, kills and clusters on Valkey are as on Redis", tests::on_valkey),
    suite("docs", "the documentation builds and its links hold", lints::docs),
    suite("api", "the public items are the committed ones", api::check),
    suite("msrv", "the oldest supported compiler builds everything", lints::msrv),
    suite("features", "no feature weakens the signature check", dependencies::features),
    suite("core-tree", "core has few dependencies", dependencies::core_tree),
    suite("bare-metal", "core builds for a Cortex-M4 without an allocator", targets::bare_metal),
    suite("wasm", "core builds for wasm32", targets::wasm),
    suite("js", "the npm package works packed, on every host", js::suite::check),
    suite("page", "the server's page works in Chromium, and Stripe's mock takes what is sent", page::check),
    suite("live", "licentia dev and its live page do what they say, in Chromium", live::check),
    fast("vectors", "the shared vectors are what their generator makes", vectors::check, vectors::check),
    suite("fuzz", "no fuzz target finds a fault within some seconds", fuzz::check),
    suite(
        "oracle",
        "an independent reader gives our verdicts; CWT and COSE libraries read what we issue",
        python::oracle::check,
    ),
    suite("c-header", "the C header is what its generator makes, and compiles", c::header::check),
    suite("c-abi", "C runs the vectors and the whole ABI, and nothing else is exported", c::abi::check),
    suite("c-sanitizers", "ASan, UBSan and Valgrind find nothing", c::sanitizers::check),
    suite("c-races", "ThreadSanitizer finds nothing while bundles are loaded", c::races::check),
    suite("c-foreign", "Python, Lua and Ruby call the library without a binding", c::foreign::check),
    suite("c-overhead", "a call from C costs little more than one from Rust", c::overhead::check),
    suite("c-package", "examples in C and C++ build against the installed package", c::examples::check),
    suite("c-bare", "vectors run on a Cortex-M4, within flash and stack", c::bare::check),
    suite("python", "the Python package does what the vectors and its tests say", python::suite::check),
    suite("gateway", "nginx, HAProxy, Caddy and Envoy protect a service as shipped", gateway::check),
    suite("go", "the Go packages run the vectors and their tests", go::check),
    suite("java", "the Java package runs the vectors and its tests, on old and new Javas", java::check),
    suite("languages", "five languages on one Redis use a quota exactly", languages::check),
    suite("instructions", "no main path takes more instructions than before", instructions::check),
    suite("demo", "the walk through the main job ends well", demo),
];

/// Lists the suites; a star marks those of `--fast`.
pub(crate) fn list() {
    for Suite { name, proves, fast, .. } in SUITES {
        println!("{} {name:<12} {proves}", if fast.is_some() { "*" } else { " " });
    }
}

/// Runs suites and goes on after one that fails. The words are names of suites and `--fast`; without a name, all suites
/// run, or all that `--fast` has.
pub(crate) fn run(words: &[&str]) -> Result {
    let is_fast = words.contains(&"--fast");
    let named: Vec<&str> = words.iter().copied().filter(|word| *word != "--fast").collect();
    if let Some(unknown) = named.iter().find(|name| SUITES.iter().all(|suite| suite.name != **name)) {
        return Err(format!("no suite `{unknown}`; see `cargo xtask suites`"));
    }
    let mut results: Vec<(&str, Result, Duration)> = Vec::new();
    for suite in SUITES.iter().filter(|suite| named.is_empty() || named.contains(&suite.name)) {
        let run = match suite.fast {
            Some(fast) if is_fast => fast,
            // A suite that is named runs.
            None if is_fast && named.is_empty() => continue,
            _ => suite.run,
        };
        println!("\n=== {}: {}", suite.name, suite.proves);
        let started = Instant::now();
        let result = run();
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
    let total: Duration = results.iter().map(|(_, _, took)| *took).sum();
    println!("{:<12}         {:>6.1} s", "", total.as_secs_f64());
    let failed = results.iter().filter(|(_, result, _)| result.is_err()).count();
    let summary = format!("suites: {} passed, {failed} failed", results.len() - failed);
    println!("{summary}");
    if failed == 0 { Ok(()) } else { Err(summary) }
}

fn demo() -> Result {
    let shown = output(command(program("licentia")?, &["demo"]))?;
    print!("{shown}");
    Ok(())
}
