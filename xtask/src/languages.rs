//! All languages at once: each counts in one Redis, and together they use a quota exactly.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use crate::{
    command::{Result, command, root, run, target_folder},
    java, js,
    programs::example,
    python,
    tools::{redis::Redis, system},
};

/// The example licence: a quota of 100,000 calls a month.
const QUOTA: u64 = 100_000;
/// How often each language asks: together more often than the quota allows.
const TIMES: &str = "30000";
const AUDIENCE: &str = "api.acme.example";

/// Runs a program of each language at the same time, and adds up what they were granted.
pub(crate) fn check() -> Result {
    system::require(&[("go", "golang-go"), ("node", "nodejs")])?;
    let programs = [
        ("Rust", rust()?),
        ("Python", python()?),
        ("JavaScript", javascript()?),
        ("Go", go()?),
        ("Java", java()?),
    ];
    let redis = Redis::start()?;
    let read = |name: &str| {
        let text = fs::read_to_string(root().join("core/tests/data").join(name));
        text.map(|text| text.trim().to_owned()).map_err(|error| format!("{name}: {error}"))
    };
    let (key, token) = (read("example.pub")?, read("example.lic")?);
    let start = |language: &'static str, mut program: Command| {
        program.args([&redis.url, &key, &token, AUDIENCE, "calls", TIMES]);
        let started = program.stdout(Stdio::piped()).spawn();
        started.map(|running| (language, running)).map_err(|error| format!("{language}: {error}"))
    };
    let end = |(language, program): (&str, Child)| {
        let output = program.wait_with_output().map_err(|error| format!("{language}: {error}"))?;
        let shown = String::from_utf8_lossy(&output.stdout);
        let granted = shown.trim().parse::<u64>();
        let granted = granted.map_err(|_| format!("{language} says {shown:?} ({})", output.status))?;
        println!("{language}: {granted}");
        Ok::<_, String>(granted)
    };
    let mut running = Vec::new();
    for (language, program) in programs {
        running.push(start(language, program)?);
    }
    let mut sum = 0;
    for program in running {
        sum += end(program)?;
    }
    // What one of them had taken ahead when its requests ended is there for another one.
    sum += end(start("what they gave back", rust()?)?)?;
    if sum == QUOTA { Ok(()) } else { Err(format!("{sum} of {QUOTA} units were granted")) }
}

fn rust() -> Result<Command> {
    Ok(command(example("count")?, &[]))
}

fn python() -> Result<Command> {
    Ok(command(python::suite::installed()?, &["tests/languages/count.py"]))
}

fn javascript() -> Result<Command> {
    js::package::build()?;
    // Beside the packages that it imports.
    let (from, to) = (root().join("tests/languages/count.mjs"), root().join("bindings/js/build/count.mjs"));
    fs::copy(&from, &to).map_err(|error| format!("{}: {error}", to.display()))?;
    Ok(command("node", &[&to.to_string_lossy()]))
}

fn go() -> Result<Command> {
    let program = target_folder().join("go/count");
    let mut build = command("go", &["build", "-o", &program.to_string_lossy(), "./internal/count"]);
    build.current_dir(root().join("bindings/go/redis"));
    run(build)?;
    Ok(command(program, &[]))
}

fn java() -> Result<Command> {
    let home = java::compiled()?;
    let classes = root().join("bindings/java/target/classes");
    let mut java = command(home.join("bin/java"), &["--enable-native-access=ALL-UNNAMED", "-cp"]);
    java.arg(classes).arg("tests/languages/Count.java");
    Ok(java)
}
