//! Runs the benchmarks, prints medians and ratios, and writes them into `docs/performance.md`.

use std::{fs, path::Path};

use serde_json::Value;

use super::{
    figures::{Member, markdown, text},
    page, peers, plot,
};
use crate::{
    c,
    command::{self, Result, cargo, command, output, root, target_folder},
    cross, js,
    programs::program,
    python,
    tools::system,
};

/// What is measured besides criterion's groups: its name, and what runs it and gives its tables.
const OTHERS: [(&str, Measure); 7] = [
    ("scaling", scaling),
    ("load", load),
    ("gateway", peers::compared),
    ("wasm", wasm),
    ("c", c::overhead::compared),
    ("python", python::bench::compared),
    ("javascript", js::bench::compared),
];
/// Measures something, and gives its tables.
type Measure = fn() -> Result<String>;

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
        command::run(cargo(&bench))?;
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

fn scaling() -> Result<String> {
    output(cargo(&["bench", "--quiet", "-p", "licentia-benches", "--locked", "--bench", "scaling"]))
}

/// Many threads, processes and customers on a store of a millisecond.
fn load() -> Result<String> {
    system::require(&[("redis-server", "redis-server")])?;
    output(cargo(&["run", "--quiet", "--release", "-p", "licentia-benches", "--locked", "--bin", "load"]))
}

/// Prepared keys in WebAssembly.
fn wasm() -> Result<String> {
    let level = "profile.release.package.licentia-core.opt-level=3";
    let arguments = ["-p", "licentia-benches-wasm", "--release", "--quiet", "--config", level];
    let module = cross::build(&cross::WASM, &arguments)?.join("licentia_benches_wasm.wasm");
    let folder = target_folder().join("wasm-bench");
    let [module, folder] = [module, folder].map(|path| path.to_string_lossy().into_owned());
    command::run(command(program("licentia-js-bindgen")?, &[&module, &folder, "prepared"]))?;
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
