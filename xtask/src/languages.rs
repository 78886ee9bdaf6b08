//! All languages at once: each counts in one Redis, and together they use a quota exactly.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdout, Command, Stdio},
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
    // On a loaded machine an answer may take longer than a second, and what an answer that was lost took is never granted.
    let patient = format!("{}?timeout_ms=20000", redis.url);
    let start = |language: &'static str, mut program: Command| {
        // The clients of these two have settings of their own, which their programs make.
        let url = if matches!(language, "Go" | "JavaScript") { &redis.url } else { &patient };
        program.args([url, &key, &token, AUDIENCE, "calls", TIMES]);
        let started = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut running = started.map_err(|error| format!("{language}: {error}"))?;
        let output = running.stdout.take().ok_or_else(|| format!("{language} has no output"))?;
        Ok::<_, String>(Counting { language, running, output: BufReader::new(output) })
    };
    let mut counting = Vec::new();
    for (language, program) in programs {
        counting.push(start(language, program)?);
    }
    // They begin together, however long each takes to start.
    for program in &mut counting {
        program.is_ready()?;
    }
    for program in &mut counting {
        program.go()?;
    }
    let mut sum = 0;
    for program in counting {
        let (language, granted) = (program.language, program.granted()?);
        if granted == 0 {
            return Err(format!("{language} was granted nothing"));
        }
        sum += granted;
    }
    // What one of them had taken ahead when its requests ended is there for another one.
    let mut last = start("what they gave back", rust()?)?;
    last.is_ready()?;
    last.go()?;
    sum += last.granted()?;
    if sum == QUOTA { Ok(()) } else { Err(format!("{sum} of {QUOTA} units were granted")) }
}

/// A program that counts.
struct Counting {
    language: &'static str,
    running: Child,
    output: BufReader<ChildStdout>,
}

impl Counting {
    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(|error| format!("{}: {error}", self.language))?;
        Ok(line.trim().to_owned())
    }

    /// Waits until it is ready.
    fn is_ready(&mut self) -> Result {
        let line = self.line()?;
        if line == "ready" { Ok(()) } else { Err(format!("{} says {line:?}", self.language)) }
    }

    /// Lets it begin.
    fn go(&mut self) -> Result {
        let input = self.running.stdin.as_mut().ok_or_else(|| format!("{} has no input", self.language))?;
        input.write_all(b"\n").map_err(|error| format!("{}: {error}", self.language))
    }

    /// Waits until it has ended, and returns what it was granted.
    fn granted(mut self) -> Result<u64> {
        let line = self.line()?;
        let status = self.running.wait().map_err(|error| format!("{}: {error}", self.language))?;
        let granted = line.parse().map_err(|_| format!("{} says {line:?} ({status})", self.language))?;
        println!("{}: {granted}", self.language);
        Ok(granted)
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        let _ = self.running.kill();
        let _ = self.running.wait();
    }
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
    let (home, jar) = java::packaged()?;
    let mut java = command(home.join("bin/java"), &["--enable-native-access=ALL-UNNAMED", "-cp"]);
    java.arg(jar).arg("tests/languages/Count.java");
    Ok(java)
}
