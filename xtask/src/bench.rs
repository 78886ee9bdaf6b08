//! Runs the benchmarks, prints medians and ratios, and writes them into `docs/performance.md`.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{
    c,
    command::{Result, cargo, command, output, root, run as run_command, target_folder},
    js, page, plot, python, targets,
};

/// The members that a group's others are held against, where the group has them.
const BASELINES: [&str; 4] = ["licentia", "verify_strict", WARM, COLD];
/// In other languages: a token that was seen before, and one that was not.
pub(crate) const WARM: &str = "licentia, warm";
pub(crate) const COLD: &str = "licentia, cold";
/// What is measured besides criterion's groups: its name, and what runs it and gives its tables.
const OTHERS: [(&str, Measure); 5] = [
    ("scaling", scaling),
    ("wasm", wasm),
    ("c", c::compared),
    ("python", python::compared),
    ("javascript", js::compared),
];
/// Measures something, and gives its tables.
type Measure = fn() -> Result<String>;

/// A member of a group, in nanoseconds.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) median: f64,
    /// Half of the width of the median's 95 % confidence interval.
    pub(crate) spread: f64,
}

/// Runs what is named, or all: groups of criterion, and what is measured besides.
pub(crate) fn run(named: &[&str]) -> Result {
    let asked = |name: &str| named.is_empty() || named.contains(&name);
    let groups: Vec<&str> =
        named.iter().copied().filter(|name| OTHERS.iter().all(|(other, _)| other != name)).collect();
    let filters: Vec<Option<&str>> =
        if named.is_empty() { vec![None] } else { groups.iter().copied().map(Some).collect() };
    // Criterion takes one filter at a time.
    for filter in filters {
        let mut bench = vec!["bench", "-p", "licentia-benches", "--locked"];
        for name in ["cold", "gate", "metering", "revocation"] {
            bench.extend(["--bench", name]);
        }
        bench.push("--");
        bench.extend(filter);
        run_command(cargo(&bench))?;
    }
    let folder = target_folder().join("criterion");
    for group in folders(&folder)?.into_iter().filter(|group| asked(group)) {
        let members = members(&folder.join(&group))?;
        print!("{}", text(&group, &members));
        page::write(&group, &markdown(&members))?;
        if plot::GROUPS.contains(&&*group) {
            plot::write(&group, &members)?;
        }
    }
    for (name, measure) in OTHERS.into_iter().filter(|(name, _)| asked(name)) {
        let table = measure()?;
        println!("\n{table}");
        page::write(name, &table)?;
    }
    page::write("machine", &machine()?)
}

/// The table of what a program of another language measured: it prints a line for each member, with its median and half
/// of the spread of its rounds, in nanoseconds, and its name. What is promised is `(slower, faster, least ratio)`.
pub(crate) fn compared(printed: &str, promises: &[(&str, &str, f64)]) -> Result<String> {
    let member = |line: &str| {
        let mut parts = line.splitn(3, ' ');
        let (median, spread) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Member { name: parts.next()?.to_owned(), median, spread })
    };
    let members: Option<Vec<_>> = printed.lines().map(member).collect();
    let mut members = members.ok_or_else(|| format!("a benchmark printed {printed:?}"))?;
    members.sort_by(|a, b| a.median.total_cmp(&b.median));
    let median = |name: &str| {
        let found = members.iter().find(|member| member.name == name);
        found.map(|member| member.median).ok_or_else(|| format!("`{name}` was not measured"))
    };
    let table = markdown(&members);
    for (slower, faster, least) in promises {
        let ratio = median(slower)? / median(faster)?;
        println!("{faster} is {ratio:.2} x as fast as {slower}; at least {least}");
        if ratio < *least {
            return Err(format!("{table}\n{faster} is only {ratio:.2} x as fast as {slower}"));
        }
    }
    Ok(table)
}

fn scaling() -> Result<String> {
    output(cargo(&["bench", "--quiet", "-p", "licentia-benches", "--locked", "--bench", "scaling"]))
}

/// Prepared keys in WebAssembly.
fn wasm() -> Result<String> {
    run_command(cargo(&["build", "--quiet", "--locked", "-p", "licentia-js-bindgen"]))?;
    let level = "profile.release.package.licentia-core.opt-level=3";
    let arguments = ["-p", "licentia-benches-wasm", "--release", "--quiet", "--config", level];
    let module = targets::build(&targets::WASM, &arguments)?.join("licentia_benches_wasm.wasm");
    let folder = target_folder().join("wasm-bench");
    let [module, folder] = [module, folder].map(|path| path.to_string_lossy().into_owned());
    run_command(command(target_folder().join("debug/licentia-js-bindgen"), &[&module, &folder, "prepared"]))?;
    let data = ["example.pub", "example.lic"].map(|name| format!("core/tests/data/{name}"));
    let [key, token] = &data;
    let script = root().join("benches/wasm/run.mjs");
    // The glue is a module of its own folder, which says so.
    fs::write(format!("{folder}/package.json"), r#"{"type":"module"}"#).map_err(|error| error.to_string())?;
    output(command("node", &[&script.to_string_lossy(), &folder, key, token]))
}

/// A sentence about this machine.
fn machine() -> Result<String> {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value =
        |key: &str| text.lines().find(|line| line.starts_with(key)).and_then(|line| line.split(": ").nth(1));
    let (model, cache) = (value("model name").unwrap_or("unknown processor"), value("cache size"));
    let cores = text.lines().filter(|line| line.starts_with("processor")).count();
    let rustc = output(command("rustc", &["--version"]))?;
    let rustc = rustc.split(' ').nth(1).unwrap_or("of some version");
    let cache = cache.map(|cache| format!(" with {cache} of cache each")).unwrap_or_default();
    Ok(format!(
        "Measured on {cores} cores of an {model}{cache}, on {}, with rustc {rustc}.",
        std::env::consts::OS
    ))
}

fn members(group: &Path) -> Result<Vec<Member>> {
    let named = folders(group)?.into_iter();
    let mut members: Vec<_> = named.filter_map(|name| member(&group.join(&name), name)).collect();
    members.sort_by(|a, b| a.median.total_cmp(&b.median));
    Ok(members)
}

fn baselines(members: &[Member]) -> Vec<&Member> {
    BASELINES.iter().filter_map(|name| members.iter().find(|member| member.name == **name)).collect()
}

/// A group's table for a terminal.
fn text(group: &str, members: &[Member]) -> String {
    let baselines = baselines(members);
    let mut text = format!("\n{group:<34} {:>12}", "median");
    for baseline in &baselines {
        text += &format!(" {:>16}", format!("/ {}", baseline.name));
    }
    for Member { name, median, .. } in members {
        text += &format!("\n  {name:<32} {:>12}", show(*median));
        for baseline in &baselines {
            text += &format!(" {:>16}", format!("{:.2} x", median / baseline.median));
        }
    }
    text + "\n"
}

/// The same for a page.
fn markdown(members: &[Member]) -> String {
    let baselines = baselines(members);
    let mut text = "| | median |".to_owned();
    for baseline in &baselines {
        text += &format!(" against {} |", baseline.name);
    }
    text += &format!("\n|---|---|{}", "---|".repeat(baselines.len()));
    for Member { name, median, spread } in members {
        let ours = [BASELINES[0], WARM, COLD].contains(&&**name);
        let name = if ours { format!("**{name}**") } else { name.clone() };
        text += &format!("\n| {name} | {} ± {:.1} % |", show(*median), spread / median * 100.0);
        for baseline in &baselines {
            text += &format!(" {:.2} |", median / baseline.median);
        }
    }
    text
}

/// Nanoseconds, for people.
pub(crate) fn show(nanoseconds: f64) -> String {
    if nanoseconds < 1_000.0 {
        format!("{nanoseconds:.1} ns")
    } else if nanoseconds < 1_000_000.0 {
        format!("{:.2} us", nanoseconds / 1_000.0)
    } else {
        format!("{:.2} ms", nanoseconds / 1_000_000.0)
    }
}

fn folders(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let folders = entries.flatten().filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name != "report");
    names.sort();
    Ok(names)
}

/// A member's last run, where it has one.
fn member(folder: &Path, name: String) -> Option<Member> {
    let text = fs::read_to_string(folder.join("new/estimates.json")).ok()?;
    let estimates: Value = serde_json::from_str(&text).ok()?;
    let estimate = estimates.get("median")?;
    let interval = estimate.get("confidence_interval")?;
    let bound = |name| interval.get(name).and_then(Value::as_f64);
    let spread = (bound("upper_bound")? - bound("lower_bound")?) / 2.0;
    // Criterion names a folder after its member, without what a file's name cannot have.
    let text = fs::read_to_string(folder.join("new/benchmark.json")).ok()?;
    let benchmark: Value = serde_json::from_str(&text).ok()?;
    let id = ["value_str", "function_id"].iter().find_map(|key| benchmark.get(*key).and_then(Value::as_str));
    let name = id.map_or(name, ToOwned::to_owned);
    Some(Member { name, median: estimate.get("point_estimate")?.as_f64()?, spread })
}

/// Where the repository's page of figures is.
pub(crate) fn figures() -> std::path::PathBuf {
    root().join("docs/performance.md")
}

#[cfg(test)]
mod tests {
    use super::compared;

    #[test]
    fn what_a_program_printed_becomes_a_table_and_promises_are_kept() {
        let printed = "900.0 9.0 jose, EdDSA\n100.0 1.0 licentia, warm\n";
        let table = compared(printed, &[("jose, EdDSA", "licentia, warm", 9.0)]).unwrap();
        assert!(table.ends_with("| jose, EdDSA | 900.0 ns ± 1.0 % | 9.00 |"), "{table}");
        assert!(compared(printed, &[("jose, EdDSA", "licentia, warm", 9.1)]).is_err());
        assert!(compared(printed, &[("jose", "licentia, warm", 1.0)]).is_err());
        assert!(compared("warming up\n", &[]).is_err());
    }
}
