//! A writer of receipts that is killed loses nothing that it has reported. It is a suite of its own, since a
//! process that starts another one shares its locks with it for a moment.
#![cfg(feature = "receipts")]

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use licentia::{
    Holder,
    period::Window,
    receipt::{Audit, Cell, Log, Receipt, Receipts, Usage},
};

const NOW: u64 = 1_800_000_000;

/// Runs in a process of its own, which [`kill_loses_nothing_that_was_reported`] starts and kills.
#[test]
fn writer() {
    let Some(path) = std::env::var_os("LICENTIA_TEST_WRITER") else { return };
    let log = Receipts::open(path, Holder::from_seed(&[1; 32])).unwrap();
    let cell = Cell { lineage: [1; 16], meter: "calls".to_owned(), window: Window { start: 0, end: None } };
    for at in 0.. {
        log.add(&cell, 1);
        for receipt in log.write(NOW + at).unwrap() {
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
