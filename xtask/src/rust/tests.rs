//! The tests in Rust.

use std::process::Command;

use crate::{
    command::{Result, cargo, command, output, run},
    tools::{cargo::NEXTEST, system, valkey},
};

/// What all crates are tested with.
const ALL: [&str; 3] = ["--workspace", "--all-features", "--locked"];
/// Makes a user root in namespaces of its own, in which networks and file systems can be made. It begins without a
/// network, and without the folder in which `ip` keeps its own.
const AS_ROOT: [&str; 7] = [
    "--map-root-user",
    "--mount",
    "--net",
    "--",
    "sh",
    "-c",
    "mount -t tmpfs licentia-test /run && ip link set lo up && exec \"$0\" \"$@\"",
];

/// Names the server that tests of Redis start.
pub(crate) const SERVER: &str = "LICENTIA_SERVER";
/// Where Debian puts a program of PostgreSQL, which is not in `PATH`.
const INITDB: &str = "/usr/lib/postgresql/15/bin/initdb";

/// All tests pass, in every crate.
pub(crate) fn check() -> Result {
    run_equipped(cargo(&["test"]), &ALL)
}

/// The same tests side by side, without the examples in the documentation.
pub(crate) fn check_quickly() -> Result {
    let nextest =
        command(NEXTEST.program()?, &["nextest", "run", "--no-fail-fast", "--status-level", "slow"]);
    run_equipped(nextest, &ALL)
}

/// Tests of stores, on a server of Valkey.
pub(crate) fn on_valkey() -> Result {
    let mut test = cargo(&["test"]);
    test.env(SERVER, valkey::program()?);
    let tests =
        ["accounts", "clock", "cluster", "crash", "model", "outage", "outages", "shared_rates", "stores"];
    let words = tests.iter().flat_map(|test| ["--test", *test]);
    let words: Vec<&str> =
        ["-p", "licentia", "--all-features", "--locked"].into_iter().chain(words).collect();
    run_equipped(test, &words)
}

/// Runs a test command that finds everything that tests start. No test passes without it.
pub(crate) fn run_equipped(mut test: Command, arguments: &[&str]) -> Result {
    system::require(&[("redis-server", "redis-server"), (INITDB, "postgresql-15"), ("openssl", "openssl")])?;
    test.args(arguments);
    if cfg!(target_os = "linux") {
        system::require(&[
            ("ip", "iproute2"),
            ("mount", "mount"),
            ("strace", "strace"),
            ("unshare", "util-linux"),
        ])?;
        if output(command("id", &["-u"]))?.trim() != "0" {
            run(cargo(&[&["test", "--no-run"], arguments].concat()))?;
            let mut as_root = command("unshare", &AS_ROOT);
            as_root.arg(test.get_program()).args(test.get_args()).env("CARGO_NET_OFFLINE", "true");
            as_root.envs(test.get_envs().filter_map(|(name, value)| Some((name, value?))));
            test = as_root;
        }
        test.env("LICENTIA_REQUIRE_NETNS", "1");
    }
    test.env("LICENTIA_REQUIRE_REDIS", "1").env("LICENTIA_REQUIRE_POSTGRES", "1");
    run(test)
}
