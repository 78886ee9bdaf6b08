//! The commands in the documentation are run, on a ledger in SQLite and on one in PostgreSQL.

#[path = "../../issuer/tests/common/postgres.rs"]
mod postgres;

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use licentia::{
    HolderKey, Window,
    receipt::{Receipts, UsageCell},
};

const BIN: &str = env!("CARGO_BIN_EXE_licentia");
/// What the pages name as the ledger.
const LEDGER: &str = "LICENTIA_LEDGER=ledger.db";

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)).unwrap()
}

/// The page's commands as one script. A block ```` ```sh fails ```` must fail.
fn script(page: &str, ledger: &str) -> String {
    let mut script = "set -euo pipefail\n".to_owned();
    let mut block: Option<(bool, String)> = None;
    for (line, number) in page.lines().zip(1..) {
        match (&mut block, line) {
            (None, "```sh") => block = Some((false, format!("echo '# line {number}' >&2\n"))),
            (None, "```sh fails") => block = Some((true, format!("echo '# line {number}' >&2\n"))),
            (Some((must_fail, text)), "```") => {
                script += &if *must_fail {
                    format!("if ( {text} ) ; then echo 'it must fail' >&2 ; exit 1 ; fi\n")
                } else {
                    text.clone()
                };
                block = None;
            }
            (Some((_, text)), line) => *text += &(line.to_owned() + "\n"),
            (None, _) => {}
        }
    }
    assert!(script.matches("# line").count() > 5);
    script.replace(LEDGER, &format!("LICENTIA_LEDGER='{ledger}'"))
}

/// Runs a page in a folder of its own, in which one instance has counted.
fn run(name: &str, ledger: &str) {
    let folder = tempfile::tempdir().unwrap();
    let programs = Path::new(BIN).parent().unwrap().display().to_string();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
    let log = Receipts::open(folder.path().join("host-1.log"), HolderKey::from_seed(&[1; 32])).unwrap();
    let window = Window { start: 1_798_761_600.into(), end: Some(1_801_440_000.into()) };
    log.add(
        &UsageCell { issuer: "acme".to_owned(), lineage: [1; 16].into(), meter: "calls".to_owned(), window },
        7,
    );
    log.write(1_800_000_000).unwrap();
    drop(log);
    let done = Command::new("bash")
        .arg("-c")
        .arg(script(&page(name), ledger))
        .current_dir(folder.path())
        .env("PATH", path)
        .env_remove("LICENTIA_LEDGER")
        .env_remove("LICENTIA_KEYS")
        .env_remove("LICENTIA_PASSPHRASE")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "docs/{name} on {ledger}\n{out}\n{err}");
}

#[test]
fn the_guide_runs_on_sqlite() {
    run("vendor.md", "ledger.db");
}

#[test]
fn the_commands_run_on_sqlite() {
    run("cli.md", "ledger.db");
}

#[test]
fn both_run_on_postgres() {
    let Some(server) = postgres::Postgres::start() else { return };
    run("vendor.md", &server.database());
    run("cli.md", &server.database());
}

/// The commands of a help text.
fn commands(words: &[String]) -> Vec<String> {
    let help = Command::new(BIN).args(words).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let lines =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let name = |line: &str| {
        let line = line.strip_prefix("  ").filter(|line| !line.starts_with(' '))?;
        Some(line.split_whitespace().next()?.to_owned())
    };
    lines.filter_map(name).filter(|name| name != "help").collect()
}

#[test]
fn no_command_is_missing() {
    let page = page("cli.md");
    let script = script(&page, "ledger.db");
    let mut missing = BTreeSet::new();
    let mut pending = vec![Vec::new()];
    while let Some(words) = pending.pop() {
        let inner = commands(&words);
        let name = words.join(" ");
        let last = words.last().cloned().unwrap_or_default();
        let is_there = script.contains(&format!("licentia {name}")) || page.contains(&format!("`{last}`"));
        if inner.is_empty() && !is_there {
            missing.insert(name);
        }
        pending.extend(inner.into_iter().map(|inner| [&words[..], &[inner]].concat()));
    }
    assert_eq!(missing, BTreeSet::new(), "write an example of each into docs/cli.md");
}
