//! A writer of receipts that is killed loses nothing that it has reported. It is a suite of its own, since a
//! process that starts another one shares its locks with it for a moment.
#![cfg(feature = "receipts")]

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use licentia::{
    HolderKey, Window,
    receipt::{Audit, Log, Receipt, Receipts, Usage, UsageCell},
};

const NOW: licentia::Timestamp = licentia::Timestamp::from_seconds(1_800_000_000);

/// Runs in a process of its own, which [`kill_loses_nothing_that_was_reported`] starts and kills.
#[test]
fn writer() {
    let Some(path) = std::env::var_os("LICENTIA_TEST_WRITER") else { return };
    let log = Receipts::open(path, HolderKey::from_seed(&[1; 32])).unwrap();
    let cell = UsageCell {
        issuer: "acme".to_owned(),
        lineage: [1; 16].into(),
        meter: "calls".to_owned(),
        window: Window { start: 0.into(), end: None },
    };
    for at in 0.. {
        log.add(&cell, 1);
        let written = log.write(NOW + at).unwrap_or_else(|error| {
            println!("failed {}", error.code().name());
            std::process::exit(0);
        });
        for receipt in written {
            let receipt = Receipt::read(&receipt).unwrap();
            let count = receipt.entries().next().unwrap().count;
            // Past the test runner, which would keep it back.
            let mut out = std::io::stdout().lock();
            writeln!(out, "wrote {} {count}", receipt.sequence()).and_then(|()| out.flush()).unwrap();
        }
    }
}

#[test]
fn kill_loses_nothing_that_was_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut reported = (0, 0);
    for round in 0..20 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["writer", "--exact", "--nocapture"])
            .env("LICENTIA_TEST_WRITER", &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut written = 0;
        for line in lines.by_ref() {
            // The runner's own words may stand before the first one.
            let line = line.unwrap();
            let Some((_, said)) = line.split_once("wrote ") else { continue };
            let (sequence, count) = said.split_once(' ').unwrap();
            reported = (sequence.parse().unwrap(), count.parse().unwrap());
            written += 1;
            if written > round * 3 {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(written > 0);
        let receipts = Log::read(&path).unwrap().receipts;
        let mut audit = Audit::new();
        for receipt in &receipts {
            audit.add(receipt);
        }
        let report = audit.finish();
        let total: u64 = report.usage.values().map(Usage::total).sum();
        assert!(receipts.len() as u64 >= reported.0, "{reported:?}");
        assert!(total >= reported.1);
        assert_eq!(total, receipts.len() as u64, "each counts one unit");
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    }
}

/// A file that may not grow any more stands for a disk that is full.
#[cfg(unix)]
#[test]
fn a_full_disk_fails_the_write_and_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let program = std::env::current_exe().unwrap();
    // A block of `ulimit` is 512 or 1024 bytes; without the trap the signal would end the process.
    let limited = "trap '' XFSZ; ulimit -f 7; exec \"$0\" writer --exact --nocapture";
    let output = Command::new("sh")
        .args(["-c", limited])
        .arg(program)
        .env("LICENTIA_TEST_WRITER", &path)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("failed store_unreachable"), "{said}");
    let reported = said.lines().filter(|line| line.contains("wrote ")).count();
    let read = Log::read(&path).unwrap();
    assert!(reported > 3 && read.receipts.len() == reported, "{reported}");
    assert!(!read.torn, "what was written in part was cut away");
    // There is room again.
    let log = Receipts::open(&path, HolderKey::from_seed(&[1; 32])).unwrap();
    let cell = UsageCell {
        issuer: "acme".to_owned(),
        lineage: [1; 16].into(),
        meter: "calls".to_owned(),
        window: Window { start: 0.into(), end: None },
    };
    log.add(&cell, 1);
    assert_eq!(log.write(NOW).unwrap().len(), 1);
}
