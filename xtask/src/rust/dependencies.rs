//! What the crates depend on. Licences and sources are checked by a test: `tests/suites/architecture`.

use crate::{
    command::{Result, cargo, command, output, run},
    tools::cargo::DENY,
};

/// Most lines of core's dependency tree.
const CORE_TREE: usize = 20;

/// No feature weakens the signature check: `legacy_compatibility` would accept signatures that strict verification
/// refuses, and one crate anywhere in the graph can turn it on for all.
pub(crate) fn features() -> Result {
    let mut tree = cargo(&["tree", "--workspace", "--all-features", "--locked", "--target", "all"]);
    tree.args(["-e", "features", "--prefix", "none"]);
    let tree = output(tree)?;
    let lines = tree.lines().count();
    let weak: Vec<&str> = tree.lines().filter(|line| line.contains("legacy_compatibility")).collect();
    println!("{lines} lines of the feature graph were searched");
    if lines < 50 {
        return Err("the feature graph is too small to be complete".to_owned());
    }
    if weak.is_empty() { Ok(()) } else { Err(weak.join("\n")) }
}

/// Core has few dependencies.
pub(crate) fn core_tree() -> Result {
    let tree =
        output(cargo(&["tree", "-p", "licentia-core", "-e", "normal", "--no-default-features", "--locked"]))?;
    let lines = tree.lines().count();
    println!("{tree}{lines} lines, at most {CORE_TREE}");
    if lines <= CORE_TREE { Ok(()) } else { Err("core's dependency tree has grown".to_owned()) }
}

/// Looks for known vulnerabilities, and checks everything else in `deny.toml` once more. The database is a repository
/// on line, so this is a command of its own.
pub(crate) fn advisories() -> Result {
    run(command(DENY.program()?, &["--locked", "check"]))
}
