//! The suites of the test command.

use std::{
    env, fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{
    api,
    bench::instructions,
    c,
    command::{Result, command, output, target_folder},
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
    when: When,
}

/// When a suite runs, if all do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// One after another.
    InTurn,
    /// Beside those, with a lower priority: it builds in a folder of its own, and no clock decides whether it passes.
    Beside,
    /// When no other suite runs, because it compares times.
    Alone,
}

/// A suite that `--fast` leaves out.
const fn suite(name: &'static str, proves: &'static str, run: fn() -> Result) -> Suite {
    Suite { name, proves, run, fast: None, when: When::InTurn }
}

/// As [`suite`], beside others.
const fn beside(name: &'static str, proves: &'static str, run: fn() -> Result) -> Suite {
    Suite { name, proves, run, fast: None, when: When::Beside }
}

/// As [`suite`], while no other one runs.
const fn alone(name: &'static str, proves: &'static str, run: fn() -> Result) -> Suite {
    Suite { name, proves, run, fast: None, when: When::Alone }
}

/// A suite that `--fast` runs too, perhaps in another way.
const fn fast(name: &'static str, proves: &'static str, run: fn() -> Result, fast: fn() -> Result) -> Suite {
    Suite { name, proves, run, fast: Some(fast), when: When::InTurn }
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
    beside("bare-metal", "core builds for a Cortex-M4 without an allocator", targets::bare_metal),
    beside("wasm", "core builds for wasm32", targets::wasm),
    suite("js", "the npm package works packed, on every host", js::suite::check),
    suite("page", "the server's page works in Chromium, and Stripe's mock takes what is sent", page::check),
    suite("live", "licentia dev and its live page do what they say, in Chromium", live::check),
    fast("vectors", "the shared vectors are what their generator makes", vectors::check, vectors::check),
    beside("fuzz", "no fuzz target finds a fault within some seconds", fuzz::check),
    suite(
        "oracle",
        "an independent reader gives our verdicts; CWT and COSE libraries read what we issue",
        python::oracle::check,
    ),
    suite("c-header", "the C header is what its generator makes, and compiles", c::header::check),
    beside("c-abi", "C runs the vectors and the whole ABI, and nothing else is exported", c::abi::check),
    beside("c-sanitizers", "ASan, UBSan and Valgrind find nothing", c::sanitizers::check),
    beside("c-races", "ThreadSanitizer finds nothing while bundles are loaded", c::races::check),
    beside("c-foreign", "Python, Lua and Ruby call the library without a binding", c::foreign::check),
    alone("c-overhead", "a call from C costs little more than one from Rust", c::overhead::check),
    beside("c-package", "examples in C and C++ build against the installed package", c::examples::check),
    beside("c-bare", "vectors run on a Cortex-M4, within flash and stack", c::bare::check),
    suite("python", "the Python package does what the vectors and its tests say", python::suite::check),
    suite("gateway", "nginx, HAProxy, Caddy and Envoy protect a service as shipped", gateway::check),
    suite("go", "the Go packages run the vectors and their tests", go::check),
    suite("java", "the Java package runs the vectors and its tests, on old and new Javas", java::check),
    suite("languages", "five languages on one Redis use a quota exactly", languages::check),
    beside("instructions", "no main path takes more instructions than before", instructions::check),
    suite("demo", "the walk through the main job ends well", demo),
];

/// Lists the suites; a star marks those of `--fast`.
pub(crate) fn list() {
    for Suite { name, proves, fast, .. } in SUITES {
        println!("{} {name:<12} {proves}", if fast.is_some() { "*" } else { " " });
    }
}

/// What came of a suite.
struct Outcome {
    name: &'static str,
    result: Result,
    took: Duration,
}

/// Runs suites and goes on after one that fails. The words are names of suites and `--fast`; without a name, all suites
/// run, or all that `--fast` has. Suites that are named run in their order, one after another.
pub(crate) fn run(words: &[&str]) -> Result {
    let is_fast = words.contains(&"--fast");
    let named: Vec<&str> = words.iter().copied().filter(|word| *word != "--fast").collect();
    if let Some(unknown) = named.iter().find(|name| SUITES.iter().all(|suite| suite.name != **name)) {
        return Err(format!("no suite `{unknown}`; see `cargo xtask suites`"));
    }
    let started = Instant::now();
    let outcomes = if named.is_empty() && !is_fast {
        run_all()?
    } else {
        let is_wanted = |suite: &&Suite| match suite.fast {
            // A suite that is named runs.
            None if is_fast && named.is_empty() => false,
            _ => named.is_empty() || named.contains(&suite.name),
        };
        let run = |suite: &Suite| run_here(suite, suite.fast.filter(|_| is_fast).unwrap_or(suite.run));
        SUITES.iter().filter(is_wanted).map(run).collect()
    };
    println!();
    for Outcome { name, result, took } in &outcomes {
        let word = if result.is_ok() { "passed" } else { "FAILED" };
        println!("{name:<12} {word}  {:>6.1} s", took.as_secs_f64());
    }
    println!("{:<12}         {:>6.1} s", "", started.elapsed().as_secs_f64());
    let failed = outcomes.iter().filter(|outcome| outcome.result.is_err()).count();
    let summary = format!("suites: {} passed, {failed} failed", outcomes.len() - failed);
    println!("{summary}");
    if failed == 0 { Ok(()) } else { Err(summary) }
}

/// Runs all suites, and returns what came of them in the order of the list.
fn run_all() -> Result<Vec<Outcome>> {
    let of = |when| SUITES.iter().filter(move |suite| suite.when == when);
    let here = |suite: &Suite| run_here(suite, suite.run);
    let lane = Lane::new()?;
    let mut outcomes: Vec<Outcome> = thread::scope(|scope| {
        let beside = scope.spawn(|| of(When::Beside).map(|suite| lane.run(suite)).collect::<Vec<_>>());
        let in_turn: Vec<_> = of(When::InTurn).map(here).collect();
        let beside =
            beside.join().map_err(|_| "the suites that run beside others were not run".to_owned())?;
        Ok::<_, String>(in_turn.into_iter().chain(beside).collect())
    })?;
    outcomes.extend(of(When::Alone).map(here));
    outcomes.sort_by_key(|outcome| SUITES.iter().position(|suite| suite.name == outcome.name));
    Ok(outcomes)
}

fn run_here(suite: &Suite, run: fn() -> Result) -> Outcome {
    println!("\n=== {}: {}", suite.name, suite.proves);
    let started = Instant::now();
    let result = run();
    if let Err(message) = &result {
        println!("FAILED: {message}");
    }
    Outcome { name: suite.name, result, took: started.elapsed() }
}

/// Runs suites in processes of their own.
struct Lane {
    /// Where what they print is kept until they end.
    folder: PathBuf,
    /// A copy of this program: the original may be built anew meanwhile.
    program: PathBuf,
}

impl Lane {
    fn new() -> Result<Self> {
        let folder = target_folder().join("suites");
        let program = folder.join("xtask");
        let failed = |error| format!("{}: {error}", program.display());
        fs::create_dir_all(&folder).map_err(failed)?;
        // Not over one that may still run.
        let _ = fs::remove_file(&program);
        env::current_exe().and_then(|original| fs::copy(original, &program)).map_err(failed)?;
        Ok(Self { folder, program })
    }

    /// Runs a suite, and prints at its end what it printed.
    fn run(&self, suite: &Suite) -> Outcome {
        let started = Instant::now();
        let log = self.folder.join(suite.name).with_extension("txt");
        let result = self.run_into(&log, suite.name);
        println!("\n{}", fs::read_to_string(&log).unwrap_or_default().trim());
        if let Err(message) = &result {
            println!("FAILED: {message}");
        }
        Outcome { name: suite.name, result, took: started.elapsed() }
    }

    fn run_into(&self, log: &Path, name: &str) -> Result {
        let failed = |error| format!("{}: {error}", log.display());
        let printed = fs::File::create(log).map_err(failed)?;
        let errors = printed.try_clone().map_err(failed)?;
        let mut suite = command("nice", &["-n", "5", &self.program.to_string_lossy(), "test", name]);
        match suite.stdout(printed).stderr(errors).status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("suite {name}: {status}")),
            Err(error) => Err(format!("`nice` could not be started: {error}")),
        }
    }
}

fn demo() -> Result {
    let shown = output(command(program("licentia")?, &["demo"]))?;
    print!("{shown}");
    Ok(())
}
