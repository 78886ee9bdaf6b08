//! Fuzzing: the targets of `fuzz/`, built with libFuzzer, on inputs that are made from the vectors.

use std::{fs, path::PathBuf, process::Stdio, sync::Mutex, thread, time::Duration};

use crate::{
    command::{Result, cargo, command, output, root, run, target_folder},
    programs::program,
    tools::{cargo::FUZZ, system},
};

/// The targets, by name, and what each asserts of every input: how the comment of its file begins.
pub(crate) fn targets() -> Result<Vec<(String, String)>> {
    let folder = root().join("fuzz/targets");
    let failed = |error| format!("{}: {error}", folder.display());
    let mut targets = Vec::new();
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        let text = fs::read_to_string(&path).map_err(failed)?;
        let comment: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//! ")).collect();
        targets.push((name.to_owned(), comment.join(" ")));
    }
    targets.sort();
    Ok(targets)
}

/// How long the suite runs each target.
const SHORT: Duration = Duration::from_secs(3);

/// No target finds an input that breaks what it asserts, within some seconds.
pub(crate) fn check() -> Result {
    build()?;
    let (pending, failed) = (Mutex::new(targets()?.into_iter()), Mutex::new(Vec::new()));
    let next = || pending.lock().ok().and_then(|mut targets| targets.next());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((target, _)) = next() {
                    if let (Err(message), Ok(mut failed)) = (run_built(&target, SHORT), failed.lock()) {
                        failed.push(message);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_default();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

/// Builds all targets, and writes the inputs that they begin with.
pub(crate) fn build() -> Result {
    system::require(&[("c++", "g++")])?;
    run(cargo(&["fmt", "--check", "--manifest-path", "fuzz/Cargo.toml"]))?;
    let folder = folder();
    let seeds = program("seeds")?;
    run(command(seeds, &[&folder.join("seeds").to_string_lossy()]))?;
    // No sanitizer: the code under test is safe, and sanitizers need a nightly compiler.
    let mut build = command(FUZZ.program()?, &["build", "--sanitizer", "none", "--target-dir"]);
    build.arg(&folder);
    run(build)
}

/// Runs a target that was built, and prints what it says at the end.
pub(crate) fn run_built(target: &str, time: Duration) -> Result {
    let folder = folder();
    let (found, seeds) = (folder.join("found").join(target), folder.join("seeds").join(target));
    let failures = folder.join("failures");
    for folder in [&found, &failures] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut fuzz = command(built(target)?, &[]);
    fuzz.arg(format!("-max_total_time={}", time.as_secs()))
        .arg(format!("-artifact_prefix={}/{target}-", failures.display()));
    fuzz.args(["-timeout=20", "-rss_limit_mb=1024", "-max_len=8192", "-print_final_stats=1"])
        .args([&found, &seeds]);
    let told = fuzz.stdout(Stdio::null()).stderr(Stdio::piped()).output();
    let told = told.map_err(|error| format!("{target}: {error}"))?;
    let text = String::from_utf8_lossy(&told.stderr).into_owned();
    println!("{target}: {}", summary(&text));
    if told.status.success() {
        return Ok(());
    }
    let last: Vec<&str> = text.lines().rev().take(40).collect();
    let last = last.into_iter().rev().collect::<Vec<_>>().join("\n");
    let program = fuzz.get_program().to_string_lossy();
    Err(format!(
        "{last}\nfuzz target {target} failed; to repeat it: {program} {}/{target}-…",
        failures.display()
    ))
}

/// What libFuzzer and the target said last: executions, coverage, and the costliest input.
fn summary(text: &str) -> String {
    let last = |start: &str| text.lines().rev().find(|line| line.contains(start)).unwrap_or_default().trim();
    let word = |line: &str, name: &str| {
        let mut words = line.split_whitespace().skip_while(|word| *word != name);
        words.nth(1).unwrap_or("?").to_owned()
    };
    let runs = last("stat::number_of_executed_units");
    let runs = runs.rsplit(':').next().map(str::trim).filter(|runs| !runs.is_empty()).unwrap_or("?");
    let covered = last(" cov: ");
    let costliest = last("costliest:");
    format!("{runs} runs, {} edges, {} features. {costliest}", word(covered, "cov:"), word(covered, "ft:"))
}

/// Where everything of fuzzing is kept.
fn folder() -> PathBuf {
    target_folder().join("fuzz")
}

fn built(target: &str) -> Result<PathBuf> {
    let version = output(command("rustc", &["-vV"]))?;
    let host =
        version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc does not say its host")?;
    Ok(folder().join(host).join("release").join(target))
}

#[cfg(test)]
mod tests {
    use super::{summary, targets};

    #[test]
    fn what_was_said_last_is_summed_up() {
        let said = "#2\tINITED cov: 10 ft: 11 corp: 1/1b\n\
            costliest: 1 bytes take 0 heap bytes (0 % of the bound) and 5 ns (0 %)\n\
            costliest: 9 bytes take 0 heap bytes (0 % of the bound) and 70 ns (1 %)\n\
            #105212\tDONE   cov: 305 ft: 817 corp: 160/9598b lim: 1434 exec/s: 26303 rss: 28Mb\n\
            stat::number_of_executed_units: 105212\n\
            stat::peak_rss_mb:              28\n";
        let expected = "105212 runs, 305 edges, 817 features. costliest: 9 bytes take 0 heap bytes (0 % of the bound) and 70 ns (1 %)";
        assert_eq!(summary(said), expected);
        assert_eq!(summary(""), "? runs, ? edges, ? features. ");
    }

    #[test]
    fn every_target_says_what_it_asserts() {
        let targets = targets().unwrap();
        assert!(targets.len() > 10 && targets.iter().all(|(_, proves)| proves.ends_with('.')), "{targets:?}");
    }
}
