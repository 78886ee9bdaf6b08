//! What a call from C costs, beside one from Rust.

use std::path::Path;

use super::{
    library::{installed, static_library},
    programs::compile,
};
use crate::command::{self, Result, cargo, output, run, target_folder};

/// Nanoseconds of a warm check.
struct Warm {
    in_c: f64,
    /// In Rust, with a decision of its own, and into the same one again.
    new: f64,
    again: f64,
}

/// A warm check from C, beside Rust.
fn warm() -> Result<Warm> {
    let prefix = installed()?;
    let library = static_library(&prefix);
    let c = compile("bench", &["-O2"], &library)?;
    run(cargo(&["build", "--release", "--locked", "-p", "licentia-ffi", "--example", "bench"]))?;
    let rust = target_folder().join("release/examples/bench");
    // What else the machine does only adds.
    let fastest = |values: Vec<f64>| values.into_iter().fold(f64::INFINITY, f64::min);
    let measure = |program: &Path| -> Result<Vec<f64>> {
        let shown = output(command::command(program, &[]))?;
        let numbers = shown.split_whitespace().map(str::parse).collect::<std::result::Result<Vec<f64>, _>>();
        numbers.map_err(|_| format!("{} printed {shown:?}", program.display()))
    };
    // By turns, so that what else the machine does falls on both.
    let (mut in_c, mut again, mut new) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..15 {
        in_c.extend(measure(&c)?);
        let [into, made] = *measure(&rust)? else {
            return Err("the benchmark in Rust has two figures".into());
        };
        again.push(into);
        new.push(made);
    }
    Ok(Warm { in_c: fastest(in_c), again: fastest(again), new: fastest(new) })
}

/// A call from C costs little more than one from Rust.
pub(crate) fn check() -> Result {
    let Warm { in_c, new, again } = warm()?;
    println!("warm check: {in_c:.1} ns from C");
    // What C calls gives a decision of its own, as `Gate::check` does; that it uses a freed one's space is its own merit.
    println!("  from Rust with a new decision    {new:.1} ns: {:.1} ns more from C, at most 20", in_c - new);
    println!("  from Rust into the same decision {again:.1} ns: {:.1} ns more from C", in_c - again);
    if in_c - new < 20.0 { Ok(()) } else { Err("the C ABI costs too much".to_owned()) }
}

/// The same as a table.
pub(crate) fn compared() -> Result<String> {
    let Warm { in_c, new, again } = warm()?;
    let rows = [
        ("Rust, `Gate::check_into`", again),
        ("Rust, `Gate::check`", new),
        ("C, `licentia_gate_check`", in_c),
    ];
    let row = |(name, nanos): &(&str, f64)| format!("\n| {name} | {nanos:.1} ns |");
    Ok(format!("| | a warm check |\n|---|---|{}", rows.iter().map(row).collect::<String>()))
}
