//! Runs the benchmarks and prints, for each group, medians and ratios.

use std::{fs, path::Path};

use serde_json::Value;

use crate::command::{Result, cargo, run as run_command, target_folder};

/// The members that a group's others are held against, where the group has them.
const BASELINES: [&str; 2] = ["licentia", "verify_strict"];

/// Runs the groups that are named, or all.
pub(crate) fn run(groups: &[&str]) -> Result {
    let mut bench = vec!["bench", "-p", "licentia-benches", "--locked"];
    if !groups.is_empty() {
        bench.push("--");
        bench.extend(groups);
    }
    run_command(cargo(&bench))?;
    let folder = target_folder().join("criterion");
    for group in folders(&folder)? {
        if !groups.is_empty() && !groups.contains(&group.as_str()) {
            continue;
        }
        let mut medians = Vec::new();
        for member in folders(&folder.join(&group))? {
            if let Some(median) = median(&folder.join(&group).join(&member)) {
                medians.push((member, median));
            }
        }
        print_table(&group, medians);
    }
    Ok(())
}

fn print_table(group: &str, mut medians: Vec<(String, f64)>) {
    medians.sort_by(|a, b| a.1.total_cmp(&b.1));
    let find = |name| medians.iter().find(|(member, _)| member == name);
    let baselines: Vec<_> = BASELINES.into_iter().filter_map(find).collect();
    print!("\n{group:<24} {:>12}", "median");
    for (name, _) in &baselines {
        print!(" {:>16}", format!("/ {name}"));
    }
    println!();
    for (member, median) in &medians {
        print!("  {member:<22} {:>12}", show(*median));
        for (_, baseline) in &baselines {
            print!(" {:>16}", format!("{:.2} x", median / baseline));
        }
        println!();
    }
}

fn show(nanoseconds: f64) -> String {
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

/// Median of a member's last run, in nanoseconds, where it has one.
fn median(member: &Path) -> Option<f64> {
    let text = fs::read_to_string(member.join("new/estimates.json")).ok()?;
    serde_json::from_str::<Value>(&text).ok()?.get("median")?.get("point_estimate")?.as_f64()
}
