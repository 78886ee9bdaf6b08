//! Receipts: what is written is kept, what is lost is told, and nobody can lie about it.
#![cfg(feature = "receipts")]

mod common;

use std::{fs, path::Path, sync::Arc};

use common::{DAY, NOW, key, licence};
use licentia::{
    Code, Holder, Request,
    period::Window,
    receipt::{Audit, Cell, Link, Log, LogError, Receipt, Receipts, Report, cloud_events},
};
use licentia_issuer::acknowledge;
use proptest::prelude::*;

fn instance(seed: u8) -> Holder {
    Holder::from_seed(&[seed; 32])
}

fn cell(lineage: u8, meter: &str) -> Cell {
    let window = Window { start: NOW - NOW % DAY, end: Some(NOW - NOW % DAY + DAY) };
    Cell { lineage: [lineage; 16], meter: meter.to_owned(), window }
}

/// The receipts of an instance that counts one unit for each number, and writes after each.
fn history(folder: &Path, seed: u8, counts: &[u64]) -> Vec<Vec<u8>> {
    let log = Receipts::open(folder.join(format!("{seed}")), instance(seed)).unwrap();
    let mut all = Vec::new();
    for (at, count) in counts.iter().enumerate() {
        log.add(&cell(1, "calls"), *count);
        all.extend(log.write(NOW + at as u64).unwrap());
    }
    all
}

fn audit<'a>(receipts: impl IntoIterator<Item = &'a Vec<u8>>) -> Report {
    let mut audit = Audit::new();
    receipts.into_iter().for_each(|receipt| audit.add(receipt));
    audit.finish()
}

fn codes(report: &Report) -> Vec<(Code, Option<(u64, u64)>)> {
    report.findings.iter().map(|finding| (finding.code, finding.sequences)).collect()
}

fn total(report: &Report) -> u64 {
    report.usage.values().map(licentia::receipt::Usage::total).sum()
}

fn refused<T>(result: Result<T, LogError>) -> Code {
    result.err().expect("it must be refused").code()
}

#[test]
fn what_a_gate_allows_is_what_receipts_say() {
    let folder = tempfile::tempdir().unwrap();
    let receipts = Arc::new(Receipts::open(folder.path().join("log"), instance(1)).unwrap());
    let gate = common::builder().sink(receipts.clone()).build().unwrap();
    let token = licence(|draft| draft.lineage = Some([9; 16]));
    let ask = |meters: &[(&'static str, u64)]| {
        let meters: &'static [_] = Box::leak(meters.into());
        gate.check(&token, &Request::new().meters(meters).rates(&[("api", 1)]), NOW).code()
    };
    assert_eq!(ask(&[("calls", 3), ("mails", 1)]), Code::Allowed);
    assert_eq!(ask(&[("calls", 4)]), Code::Allowed);
    assert_eq!(ask(&[("calls", 0)]), Code::Allowed);
    assert_eq!(ask(&[("calls", 5), ("mails", 6)]), Code::QuotaExceeded, "and so it is not counted");
    let written = receipts.write(NOW + 1).unwrap();
    let receipt = Receipt::read(&written[0]).unwrap();
    let entries: Vec<_> = receipt.entries().map(|e| (*e.lineage, e.meter, e.window, e.count)).collect();
    let today = cell(9, "").window;
    assert_eq!(entries, [([9; 16], "calls", today, 7), ([9; 16], "mails", today, 1)]);
    assert_eq!(receipts.write(NOW + 2).unwrap().len(), 0, "nothing new, so nothing is written");
    assert_eq!(receipts.unacknowledged().unwrap(), written);
}

#[test]
fn counts_go_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = history(folder.path(), 1, &[1, 2]);
    let second = history(folder.path(), 1, &[4]);
    assert_eq!(total(&audit(&second)), 7, "cumulative, so the last one says it all");
    let report = audit(first.iter().chain(&second));
    assert_eq!((total(&report), codes(&report)), (7, vec![]));
}

#[test]
fn a_log_belongs_to_one_instance_and_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let open = Receipts::open(&path, instance(1)).unwrap();
    open.add(&cell(1, "calls"), 1);
    open.write(NOW).unwrap();
    assert!(matches!(Receipts::open(&path, instance(1)), Err(LogError::InUse)));
    drop(open);
    assert_eq!(refused(Receipts::open(&path, instance(2))), Code::ReceiptForeign);
}

#[test]
fn a_torn_tail_is_cut_away_and_damage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let written = history(folder.path(), 1, &[1, 2, 3]);
    let path = folder.path().join("1");
    let whole = fs::read(&path).unwrap();
    let last = whole.len() - written[2].len() - 16;
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let read = Log::parse(&whole[..length]);
        let log = Receipts::open(&path, instance(1));
        if length < 8 {
            assert_eq!(read.err().map(|error| error.code()), Some(Code::ReceiptMalformed));
            assert!(log.is_ok(), "a log that was just begun is begun anew");
        } else {
            let kept = log.unwrap().unacknowledged().unwrap();
            assert!(written.starts_with(&kept));
            assert_eq!(kept.len(), read.unwrap().receipts.len());
            assert!(length < last || kept.len() >= 2);
        }
    }
    // The file grew, and its content did not come, or not all of it.
    for tail in [vec![0; 5], vec![0; 4096], {
        let mut tail = whole[last..].to_vec();
        let end = tail.len() - 1;
        tail[end] ^= 1;
        tail
    }] {
        fs::write(&path, [&whole[..last], &tail].concat()).unwrap();
        let log = Receipts::open(&path, instance(1)).unwrap();
        assert_eq!(log.unacknowledged().unwrap(), written[..2]);
        drop(log);
        assert_eq!(fs::metadata(&path).unwrap().len(), last as u64);
    }
    // In the middle nothing is ever cut away.
    for at in 8..last {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(&path, &damaged).unwrap();
        let code = refused(Receipts::open(&path, instance(1)));
        assert!((640..650).contains(&code.number()), "byte {at}: {code}");
        assert_eq!(fs::metadata(&path).unwrap().len(), whole.len() as u64);
    }
}

#[test]
fn a_log_that_was_set_back_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1");
    let vendor = [key(1).public()];
    history(folder.path(), 1, &[1, 2]);
    let snapshot = fs::read(&path).unwrap();
    let third = history(folder.path(), 1, &[3]);
    let third = Receipt::read(&third[0]).unwrap();
    let ack = acknowledge(&key(1), &third.instance(), third.link(), NOW + 9);

    let log = Receipts::open(&path, instance(1)).unwrap();
    assert_eq!(refused(log.acknowledge(&acknowledge(&key(2), &third.instance(), third.link(), NOW), &vendor)), Code::UnknownKey);
    let foreign = acknowledge(&key(1), &[0; 32], third.link(), NOW);
    assert_eq!(refused(log.acknowledge(&foreign, &vendor)), Code::ReceiptForeign);
    log.acknowledge(&ack, &vendor).unwrap();
    assert_eq!(log.unacknowledged().unwrap().len(), 0);
    log.add(&cell(2, "calls"), 1);
    let fourth = log.write(NOW).unwrap();
    let fourth = Receipt::read(&fourth[0]).unwrap();
    assert_eq!(fourth.acknowledged(), Some(third.link()));
    assert_eq!(fourth.entries().count(), 1, "what the vendor has is not said again");
    drop(log);
    Receipts::open(&path, instance(1)).unwrap();

    // The log alone is set back: what is kept beside it shows.
    fs::write(&path, &snapshot).unwrap();
    assert_eq!(refused(Receipts::open(&path, instance(1))), Code::ReceiptRollback);
    fs::write(&path, b"").unwrap();
    assert_eq!(refused(Receipts::open(&path, instance(1))), Code::ReceiptRollback);

    // All of the machine is set back: the vendor's next acknowledgement shows, now and after a restart.
    for (more, code) in [(0, Code::ReceiptRollback), (1, Code::ReceiptFork)] {
        fs::remove_file(folder.path().join("1.ack")).unwrap();
        fs::write(&path, &snapshot).unwrap();
        let log = Receipts::open(&path, instance(1)).unwrap();
        log.add(&cell(1, "calls"), more); // with 0 there is no third receipt
        log.write(NOW).unwrap();
        log.add(&cell(1, "calls"), 1);
        assert_eq!(refused(log.acknowledge(&ack, &vendor)), code);
        assert_eq!(refused(log.write(NOW)), code);
        drop(log);
        assert_eq!(refused(Receipts::open(&path, instance(1))), code);
    }
}
