//! A request that holds units makes no system call: counted by `strace` in a process of its own.
#![cfg(target_os = "linux")]

mod common;

use std::process::Command;

use common::{NOW, builder, licence};
use licentia::{Now, Request, store};

const CHECKS: u64 = 20_000;

/// What the traced process does; it does nothing when it is run as a test.
#[test]
fn worker() {
    let Ok(url) = std::env::var("LICENTIA_TEST_URL") else { return };
    // What is held is not given back meanwhile.
    let gate = builder().store(store::open(&url).unwrap()).prefetch(false).build().unwrap();
    let token = licence(|draft| {
        draft.grant.quotas.insert("calls".into(), "1000000/day".parse().unwrap());
        draft.grant.rates.insert("api".into(), "1000000/1s".parse().unwrap());
    });
    let now = || Now { time: NOW, ..Now::system() };
    // They come back and are held.
    gate.reserve(&token, &Request::new().meters(&[("calls", CHECKS)]), now()).1.unwrap().cancel();
    let request = Request::new().meters(&[("calls", 1)]).rates(&[("api", 1)]);
    mark("begin");
    let allowed = (0..CHECKS / 2).filter(|_| gate.check(&token, &request, now()).is_allowed()).count();
    mark("end");
    assert_eq!(allowed as u64, CHECKS / 2);
}

/// A system call that nothing else makes.
fn mark(name: &str) {
    let _ = std::fs::metadata(format!("/licentia-{name}"));
}

#[test]
fn a_check_of_held_units_makes_no_system_call() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("usage.db").display());
    let log = folder.path().join("strace");
    let traced = Command::new("strace")
        .arg("-f")
        .arg("-o")
        .arg(&log)
        .arg(std::env::current_exe().unwrap())
        .args(["worker", "--exact"])
        .env("LICENTIA_TEST_URL", url)
        .output();
    let traced = match traced {
        Ok(traced) => traced,
        Err(error) => {
            assert!(std::env::var_os("LICENTIA_REQUIRE_NETNS").is_none(), "strace: {error}");
            eprintln!("not run: strace: {error}; `cargo xtask test rust` installs it");
            return;
        }
    };
    assert!(traced.status.success(), "{}", String::from_utf8_lossy(&traced.stderr));
    let log = std::fs::read_to_string(&log).unwrap();
    let begin = log.lines().position(|line| line.contains("/licentia-begin")).expect("it begins");
    let thread = log.lines().nth(begin).unwrap().split(' ').next().unwrap();
    let calls: Vec<_> = log
        .lines()
        .skip(begin + 1)
        .filter(|line| line.split(' ').next() == Some(thread))
        .take_while(|line| !line.contains("/licentia-end"))
        .collect();
    assert!(calls.is_empty(), "{} system calls in {} checks: {calls:#?}", calls.len(), CHECKS / 2);
}
