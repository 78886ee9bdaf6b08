//! Counts the instructions of the main paths under callgrind. A count is the same on every run, which a time is not, so
//! that a path which grows is seen.

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use crate::{
    command::{Result, cargo, command, output, root, run, target_folder},
    tools::system,
};

/// What each path took when the file was written.
const FILE: &str = "benches/instructions.json";
/// Paths, and how often they are walked more in the second of two runs, whose difference is counted.
const PATHS: [(&str, u64); 6] = [
    ("parse", 1000),
    ("verify", 100),
    ("gate, cold", 100),
    ("gate, warm", 5000),
    ("gate, warm, feature", 5000),
    ("gate, warm, metrics", 5000),
];
/// By how much a path may grow before it must be looked at.
const TOLERANCE: f64 = 0.03;

/// Counts all paths.
fn count() -> Result<BTreeMap<String, u64>> {
    system::require(&[("valgrind", "valgrind")])?;
    run(cargo(&["build", "--quiet", "--release", "--locked", "-p", "licentia-benches", "--bin", "paths"]))?;
    let mut counts = BTreeMap::new();
    for (name, steps) in PATHS {
        let all = |count: u64| executed(name, count);
        let more = all(steps * 2)?.saturating_sub(all(steps)?);
        counts.insert(name.to_owned(), more / steps);
    }
    Ok(counts)
}

/// Instructions of a run that walks a path so many times.
fn executed(name: &str, count: u64) -> Result<u64> {
    let profile = target_folder().join("callgrind.out");
    let program = target_folder().join("release/paths");
    let (out, program) =
        (format!("--callgrind-out-file={}", profile.display()), program.to_string_lossy().into_owned());
    output(command("valgrind", &["--quiet", "--tool=callgrind", &out, &program, name, &count.to_string()]))?;
    let text = fs::read_to_string(&profile).map_err(|error| format!("{}: {error}", profile.display()))?;
    let total =
        text.lines().find_map(|line| line.strip_prefix("summary: ").or(line.strip_prefix("totals: ")));
    total
        .and_then(|total| total.trim().parse().ok())
        .ok_or_else(|| format!("no count in {}", profile.display()))
}

/// Holds the counts against those of the file.
pub(crate) fn check() -> Result {
    if !cfg!(target_arch = "x86_64") {
        return Err(format!("{FILE} has counts of x86_64; run `cargo xtask test` there"));
    }
    let path = root().join(FILE);
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let expected: Value = serde_json::from_str(&text).map_err(|error| format!("{FILE}: {error}"))?;
    let mut grown = Vec::new();
    for (name, found) in count()? {
        let before =
            expected.get(&name).and_then(Value::as_u64).ok_or_else(|| format!("{FILE} lacks `{name}`"))?;
        #[allow(clippy::cast_precision_loss, reason = "a ratio for people")]
        let ratio = found as f64 / before as f64;
        println!("{name:<22} {found:>9} instructions, {ratio:.3} x");
        if ratio > 1.0 + TOLERANCE {
            grown.push(name);
        }
    }
    if grown.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{grown:?} take more instructions than before; where that is meant, run `cargo xtask instructions`"
    ))
}

/// Writes the file anew.
pub(crate) fn write() -> Result {
    let text = serde_json::to_string_pretty(&count()?).map_err(|error| error.to_string())?;
    println!("{text}");
    fs::write(root().join(FILE), text + "\n").map_err(|error| format!("{FILE}: {error}"))
}
