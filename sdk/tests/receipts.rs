//! Receipts: what is written is kept, what is lost is told, and nobody can lie about it.
#![cfg(feature = "receipts")]

mod common;

use std::{fs, path::Path, sync::Arc};

use common::{DAY, NOW, key, licence};
use licentia::{
    Code, HolderKey, Now, Period, Request, Window,
    receipt::{Audit, Log, LogError, Receipt, Receipts, Report, UsageCell, cloud_events},
};
use licentia_issuer::acknowledge;
use proptest::prelude::*;

fn instance(seed: u8) -> HolderKey {
    HolderKey::from_seed(&[seed; 32])
}

fn cell(lineage: u8, meter: &str) -> UsageCell {
    let start = NOW - NOW.as_seconds() % DAY;
    let window = Window { start, end: Some(start + DAY) };
    UsageCell { issuer: "acme".to_owned(), lineage: [lineage; 16].into(), meter: meter.to_owned(), window }
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
    let token = licence(|draft| draft.lineage = Some([9; 16].into()));
    let ask = |meters: &[(&'static str, u64)]| {
        let meters: &'static [_] = Box::leak(meters.into());
        gate.check(&token, &Request::new().meters(meters).rates(&[("api", 1)]), NOW).code()
    };
    assert_eq!(ask(&[("calls", 3), ("mails", 1)]), Code::Allowed);
    assert_eq!(ask(&[("calls", 4)]), Code::Allowed);
    assert_eq!(ask(&[("calls", 0)]), Code::Allowed);
    assert_eq!(ask(&[("calls", 5), ("mails", 6)]), Code::QuotaExceeded, "and so it is not counted");
    // A clock that was set back a little does not open yesterday's window again.
    let yesterday =
        Now { time: NOW - NOW.as_seconds() % DAY - 1, monotonic_nanos: NOW.as_seconds() * 1_000_000_000 };
    assert!(gate.check(&token, &Request::new().meters(&[("calls", 1)]), yesterday).is_allowed());
    let written = receipts.write(NOW + 1).unwrap();
    let receipt = Receipt::read(&written[0]).unwrap();
    let entries: Vec<_> =
        receipt.entries().map(|e| (<[u8; 16]>::from(e.lineage), e.meter, e.window, e.count)).collect();
    let today = cell(9, "").window;
    assert_eq!(entries, [([9; 16], "calls", today, 8), ([9; 16], "mails", today, 1)]);
    assert_eq!(receipts.write(NOW + 2).unwrap().len(), 0, "nothing new, so nothing is written");
    assert_eq!(receipts.unacknowledged().unwrap(), written);
}

#[test]
fn a_job_is_billed_once_and_a_reservation_for_what_it_cost() {
    let folder = tempfile::tempdir().unwrap();
    let receipts = Arc::new(Receipts::open(folder.path().join("log"), instance(1)).unwrap());
    let store = Arc::new(licentia::store::Memory::new());
    let gate = common::builder().store(store.clone()).sink(receipts.clone()).build().unwrap();
    let token = licence(|draft| draft.lineage = Some([9; 16].into()));
    let billed = || {
        receipts.write(NOW).unwrap();
        let report = audit(&Log::read(&folder.path().join("log")).unwrap().receipts);
        total(&report)
    };
    let meters = [("calls", 3)];
    let job = Request::new().meters(&meters).job("render-1");
    assert_eq!(gate.check(&token, &job, NOW).quota("calls").unwrap().charged, 3);
    let again = gate.check(&token, &job, NOW);
    assert_eq!((again.is_allowed(), again.quota("calls").unwrap().charged), (true, 0));
    assert_eq!(billed(), 3);
    let sixty = [("calls", 60)];
    let work = Request::new().meters(&sixty);
    let (decision, reservation) = gate.reserve(&token, &work, NOW);
    assert_eq!((decision.quota("calls").unwrap().charged, billed()), (0, 3), "not yet");
    reservation.unwrap().commit(&[("calls", 25)]).unwrap();
    assert_eq!(billed(), 28);
    gate.reserve(&token, &work, NOW).1.unwrap().cancel();
    assert_eq!(billed(), 28);
    // Two tries of one job: who finishes first is billed, and the other one is not.
    let job = Request::new().meters(&sixty).job("render-2");
    let first = gate.reserve(&token, &job, NOW).1.unwrap();
    let second = gate.reserve(&token, &job, NOW).1.unwrap();
    second.commit(&[("calls", 30)]).unwrap();
    first.commit(&[("calls", 20)]).unwrap();
    assert_eq!(billed(), 58);
    let peek = gate.check(&token, &Request::new().meters(&[("calls", 0)]), NOW);
    assert_eq!(peek.quota("calls").unwrap().remaining, 100 - 58, "what is billed is what was counted");
    let denied = gate.check(&token, &Request::new().meters(&[("calls", 1), ("mails", 6)]), NOW);
    assert!(denied.charges().all(|charge| charge.charged == 0));
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
    assert!(matches!(Receipts::open(&path, instance(1)), Err(LogError::InUse { path: of }) if of == path));
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
            assert_eq!(read.err(), Some(Code::ReceiptMalformed));
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
    let ack = acknowledge(&key(1), &third.instance(), third.link(), NOW + 9).unwrap();

    let log = Receipts::open(&path, instance(1)).unwrap();
    assert_eq!(
        refused(
            log.acknowledge(&acknowledge(&key(2), &third.instance(), third.link(), NOW).unwrap(), &vendor)
        ),
        Code::UnknownKey
    );
    let foreign = acknowledge(&key(1), &[0; 32], third.link(), NOW).unwrap();
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

#[test]
fn more_cells_than_fit_are_told_in_several_receipts() {
    let folder = tempfile::tempdir().unwrap();
    let log = Receipts::open(folder.path().join("log"), instance(1)).unwrap();
    let cells = licentia::limits::RECEIPT_ENTRIES as u64 + 3;
    for number in 0..cells {
        let lineage = (u128::from(number) << 64).to_be_bytes().into();
        let cell = UsageCell { lineage, ..cell(0, "calls") };
        log.add(&cell, 2);
    }
    let written = log.write(NOW).unwrap();
    assert_eq!(written.len(), 2);
    let report = audit(&written);
    assert_eq!((total(&report), codes(&report)), (2 * cells, vec![]));
    drop(log);
    let log = Receipts::open(folder.path().join("log"), instance(1)).unwrap();
    assert_eq!(log.write(NOW).unwrap().len(), 0);
}

#[test]
fn a_window_that_is_long_over_is_told_no_more_and_not_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let log = Receipts::open(folder.path().join("log"), instance(1)).unwrap();
    let today = cell(1, "calls");
    let end = today.window.end.unwrap();
    let later =
        UsageCell { window: Window { start: end + 7 * DAY, end: Some(end + 8 * DAY) }, ..cell(1, "calls") };
    log.add(&today, 5);
    let mut all = log.write(NOW).unwrap();
    let mut entries = |cell: &UsageCell, units, now| {
        log.add(cell, units);
        let written = log.write(now).unwrap();
        let receipt = Receipt::read(&written[0]).unwrap();
        all.extend(written.clone());
        receipt.entries().map(|entry| entry.count).collect::<Vec<_>>()
    };
    assert_eq!(entries(&later, 1, end + 7 * DAY - 1), [5, 1], "the first may have been lost");
    assert_eq!(entries(&later, 1, end + 7 * DAY), [2]);
    assert_eq!(entries(&today, 2, end + 7 * DAY + 1), [7, 2], "what comes very late adds up all the same");
    let report = audit(&all);
    assert_eq!((total(&report), codes(&report)), (9, vec![]));
}

#[test]
fn forged_and_foreign_receipts_are_named_and_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    let written = history(folder.path(), 1, &[1, 2]);
    let other = history(folder.path(), 2, &[100]);
    let mut audit = Audit::new();
    audit.expect(instance(1).thumbprint());
    for receipt in written.iter().chain(&other) {
        audit.add_from("there", receipt);
    }
    let mut forged = written[1].clone();
    let count = forged.len() - 64 - 6; // after the last entry's count are its refunds, `since`, and the signature's head
    forged[count] ^= 8;
    audit.add(&forged);
    audit.add(&written[0][1..]);
    let report = audit.finish();
    let found: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(found, [Code::ReceiptMalformed, Code::ReceiptForged, Code::ReceiptForeign]);
    assert_eq!(report.findings[2].instance, Some(instance(2).thumbprint()));
    assert!(report.findings[2].to_string().contains("there: "), "{}", report.findings[2]);
    assert_eq!((total(&report), report.is_good()), (3, false));
}

#[test]
fn a_clone_is_a_fork_whatever_of_it_arrives() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let common = history(here.path(), 1, &[1, 2]);
    fs::copy(here.path().join("1"), there.path().join("1")).unwrap();
    let here = history(here.path(), 1, &[4, 1]);
    let there = history(there.path(), 1, &[8, 1]);
    let fork = |sequence| (Code::ReceiptFork, Some((sequence, sequence)));
    assert_eq!(codes(&audit(common.iter().chain(&here).chain(&there))), [fork(3), fork(4)]);
    // The two receipts of one number do not have to be there: their successors name them.
    assert_eq!(codes(&audit(common.iter().chain(&here[..1]).chain(&there[1..]))), [fork(3)]);
    let report = audit(common.iter().chain(&here[1..]).chain(&there[1..]));
    assert_eq!(codes(&report), [(Code::ReceiptGap, Some((3, 3))), fork(3), fork(4)]);
    assert_eq!(total(&report), 12, "at least what the copy that counted most has seen");
    assert!(!report.is_good());
}

#[test]
fn what_becomes_less_is_a_rollback() {
    use licentia_core::receipt::{ReceiptEntry, ReceiptLink, UnsignedReceipt};
    use licentia_issuer::SigningKey;

    let (signer, window) = (SigningKey::from_seed(&[1; 32]).unwrap(), cell(0, "").window);
    let public = instance(1).public();
    let seal = |sequence, previous: &[u8; 32], count, issued_at, acknowledged: Option<ReceiptLink>| {
        let entry = [ReceiptEntry {
            issuer: "acme",
            lineage: [1; 16].into(),
            meter: "calls",
            window,
            count,
            refunded: 0,
        }];
        let since = acknowledged.map_or(0, |link| link.sequence);
        let (key, entries) = (&public, &entry);
        let receipt = UnsignedReceipt { key, sequence, previous, issued_at, entries, acknowledged, since };
        receipt.seal(|parts| signer.sign(&parts.concat())).unwrap()
    };
    let link = |receipt: &[u8]| Receipt::read(receipt).unwrap().link();
    let first = seal(1, &[0; 32], 5, NOW, None);
    let second = seal(2, &link(&first).digest, 9, NOW + 1, Some(link(&first)));
    let less = seal(3, &link(&second).digest, 8, NOW + 2, Some(link(&first)));
    let report = audit([&first, &second, &less]);
    assert_eq!(codes(&report), [(Code::ReceiptRollback, Some((3, 3)))]);
    assert!(report.findings[0].to_string().contains("calls fell from 9 to 8"), "{}", report.findings[0]);
    assert_eq!(total(&report), 9);
    let forgets = seal(3, &link(&second).digest, 9, NOW + 2, None);
    assert_eq!(codes(&audit([&first, &second, &forgets])), [(Code::ReceiptRollback, Some((3, 3)))]);

    // Set back to before the second receipt, which was acknowledged.
    let ack = |receipt: &[u8]| {
        let bytes = acknowledge(&key(1), &instance(1).thumbprint(), link(receipt), NOW + 5).unwrap();
        licentia::receipt::Acknowledgement::read(&bytes, &[key(1).public()]).unwrap()
    };
    let again = seal(2, &link(&first).digest, 6, NOW + 9, Some(link(&first)));
    let with = |receipts: &[&Vec<u8>], given: &[u8]| {
        let mut audit = Audit::new();
        for receipt in receipts {
            audit.add(receipt);
        }
        audit.add_acknowledgement(ack(given));
        codes(&audit.finish())
    };
    assert_eq!(with(&[&first, &again], &second), [(Code::ReceiptFork, Some((2, 2)))]);
    // The clocks of instance and vendor say nothing about each other: this one is seconds ahead, and honest.
    assert_eq!(with(&[&first, &again], &less), [(Code::ReceiptGap, Some((3, 3)))]);
    assert_eq!(with(&[&first, &second], &less), [(Code::ReceiptGap, Some((3, 3)))]);
    assert_eq!(with(&[], &less), [(Code::ReceiptGap, Some((1, 3)))]);
}

#[test]
fn what_was_acknowledged_and_is_not_there_is_an_alarm_where_nothing_later_is() {
    let folder = tempfile::tempdir().unwrap();
    let all = history(folder.path(), 1, &[1, 2, 4]);
    let ack = |receipt: &[u8]| {
        let bytes =
            acknowledge(&key(1), &instance(1).thumbprint(), Receipt::read(receipt).unwrap().link(), NOW)
                .unwrap();
        licentia::receipt::Acknowledgement::read(&bytes, &[key(1).public()]).unwrap()
    };
    let with = |receipts: &[&Vec<u8>], given: Option<&Vec<u8>>| {
        let mut audit = Audit::new();
        for receipt in receipts {
            audit.add(receipt);
        }
        if let Some(given) = given {
            audit.add_acknowledgement(ack(given));
        }
        let report = audit.finish();
        let whole = report.instances.values().next().and_then(|known| known.whole);
        (report.is_good(), whole.map(|link| link.sequence))
    };
    let [first, second, third] = &all[..] else { panic!("three") };
    assert_eq!(with(&[first, third], None), (true, Some(1)), "a later one says it too");
    assert_eq!(with(&[first, second, third], None), (true, Some(3)));
    assert_eq!(with(&[second, third], None), (true, None), "the first is not there");
    assert_eq!(with(&[third], Some(second)), (true, Some(3)), "what was acknowledged was there");
    assert!(!with(&[first, second], Some(third)).0, "its counts may be lost");
    assert_eq!(with(&[], Some(third)), (false, None));
}

#[test]
fn the_first_of_several_receipts_of_one_write_tells_its_cells_again_when_it_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let log = Receipts::open(folder.path().join("log"), instance(1)).unwrap();
    let cells = licentia::limits::RECEIPT_ENTRIES as u64 + 3;
    for number in 0..cells {
        let lineage = (u128::from(number) << 64).to_be_bytes().into();
        let cell = UsageCell { lineage, ..cell(0, "calls") };
        log.add(&cell, 2);
    }
    let written = log.write(NOW).unwrap();
    // Only the first one is acknowledged: the second one's three cells are told of again, and no others.
    let first = Receipt::read(&written[0]).unwrap().link();
    let ack = acknowledge(&key(1), &instance(1).thumbprint(), first, NOW).unwrap();
    log.acknowledge(&ack, &[key(1).public()]).unwrap();
    log.add(&cell(9, "calls"), 1);
    let again = log.write(NOW + 1).unwrap();
    assert_eq!(Receipt::read(&again[0]).unwrap().entries().count(), 4);
}

#[test]
fn events_are_cloud_events_with_an_id_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let log = Receipts::open(folder.path().join("log"), instance(1)).unwrap();
    log.add(&cell(1, "calls"), 3);
    log.add(&UsageCell { window: Window { start: 0.into(), end: None }, ..cell(1, "ever") }, 4);
    let written = log.write(NOW).unwrap();
    let receipt = Receipt::read(&written[0]).unwrap();
    let events: Vec<serde_json::Value> =
        cloud_events(&receipt).map(|line| serde_json::from_str(&line).unwrap()).collect();
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event["specversion"], "1.0");
        assert!(event["id"].as_str().unwrap().ends_with(&format!("-1-{at}")), "{event}");
        assert_eq!(event["time"], "2027-01-15T08:00:00Z");
    }
    assert_eq!(events[0]["data"]["count"], 3);
    assert_eq!(events[0]["data"]["window_end"], "2027-01-16T00:00:00Z");
    assert_eq!(events[1]["data"]["window_end"], serde_json::Value::Null);
    assert_eq!(events.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Four instances, with loss (not of the last one), repetition and reordering.
    #[test]
    fn receipts_add_up_to_the_truth(
        counts in proptest::collection::vec(proptest::collection::vec(1_u64..50, 1..6), 4),
        lost in any::<u32>(),
        repeated in any::<u32>(),
        order in any::<u64>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let truth: u64 = counts.iter().flatten().sum();
        let (mut arrived, mut missing) = (Vec::new(), 0);
        for (seed, counts) in (1..).zip(&counts) {
            let receipts = history(folder.path(), seed, counts);
            let last = receipts.len() - 1;
            for (at, receipt) in receipts.into_iter().enumerate() {
                let bit = |bits: u32| (bits >> ((usize::from(seed) * 6 + at) % 32)) & 1 == 1;
                if at != last && bit(lost) {
                    missing += 1;
                    continue;
                }
                if bit(repeated) {
                    arrived.push(receipt.clone());
                }
                arrived.push(receipt);
            }
        }
        // A shuffle by a key of each place.
        let mut keyed: Vec<_> = (0_u64..).zip(arrived).collect();
        keyed.sort_by_key(|(at, _)| (at + 1).wrapping_mul(order | 1).rotate_left(17) ^ order);
        let report = audit(keyed.iter().map(|(_, receipt)| receipt));
        prop_assert_eq!(total(&report), truth);
        let gaps: u64 = report.findings.iter().map(|f| f.sequences.unwrap().1 - f.sequences.unwrap().0 + 1).sum();
        prop_assert_eq!(gaps, missing);
        prop_assert!(report.is_good());
        prop_assert!(report.instances.len() == 4);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is changed is refused, and nothing panics: neither the reader of receipts nor that of logs.
    #[test]
    fn a_changed_receipt_is_refused(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        static WRITTEN: std::sync::OnceLock<(Vec<u8>, Vec<u8>)> = std::sync::OnceLock::new();
        let (receipt, log) = WRITTEN.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let written = history(folder.path(), 1, &[1, 2]);
            (written[1].clone(), fs::read(folder.path().join("1")).unwrap())
        });
        for (original, is_log) in [(receipt, false), (log, true)] {
            let mut bytes = original.clone();
            for (at, byte) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            if let Some(cut) = &cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            if is_log {
                let whole = Log::parse(original).unwrap().receipts;
                // What is left of a log is the beginning of it.
                prop_assert!(Log::parse(&bytes).map_or(true, |read| whole.starts_with(&read.receipts)));
            } else {
                prop_assert!(bytes == *original || Receipt::read(&bytes).is_err());
            }
        }
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Receipt::read(&bytes).is_err());
        prop_assert!(licentia::receipt::Acknowledgement::read(&bytes, &[key(1).public()]).is_err());
        let _ = Log::parse(&[b"LICRCPT1", &bytes[..]].concat());
    }
}

#[test]
fn an_acknowledgement_that_is_only_claimed_hides_nothing() {
    use licentia_core::receipt::{ReceiptEntry, ReceiptLink, UnsignedReceipt};
    use licentia_issuer::SigningKey;

    let (signer, window) = (SigningKey::from_seed(&[1; 32]).unwrap(), cell(0, "").window);
    let public = instance(1).public();
    let seal = |sequence, previous: &[u8; 32], meter: &str, acknowledged: Option<ReceiptLink>| {
        let entry =
            [ReceiptEntry { issuer: "acme", lineage: [1; 16].into(), meter, window, count: 5, refunded: 0 }];
        let receipt = UnsignedReceipt {
            key: &public,
            sequence,
            previous,
            issued_at: NOW,
            entries: &entry,
            acknowledged,
            since: acknowledged.map_or(0, |link| link.sequence),
        };
        receipt.seal(|parts| signer.sign(&parts.concat())).unwrap()
    };
    let link = |receipt: &[u8]| Receipt::read(receipt).unwrap().link();
    let first = seal(1, &[0; 32], "calls", None);
    let tenth = ReceiptLink { sequence: 10, digest: [7; 32] };
    let eleventh = |acknowledged| seal(11, &tenth.digest, "mails", acknowledged);
    let given = |receipt: ReceiptLink| {
        let bytes = acknowledge(&key(1), &instance(1).thumbprint(), receipt, NOW).unwrap();
        licentia::receipt::Acknowledgement::read(&bytes, &[key(1).public()]).unwrap()
    };
    let with = |receipts: &[&Vec<u8>], acknowledged: &[ReceiptLink]| {
        let mut audit = Audit::new();
        for receipt in receipts {
            audit.add(receipt);
        }
        for link in acknowledged {
            audit.add_acknowledgement(given(*link));
        }
        let report = audit.finish();
        let whole = report.instances.values().next().and_then(|known| known.whole);
        (report.is_good(), whole.map(|link| link.sequence))
    };
    // Receipts 2 to 10 are withheld, and the eleventh says that the vendor has them.
    let claims = eleventh(Some(tenth));
    assert_eq!(with(&[&first, &claims], &[]), (false, Some(1)));
    assert_eq!(with(&[&first, &claims], &[link(&first)]), (false, Some(1)));
    assert_eq!(with(&[&first, &claims], &[ReceiptLink { sequence: 9, digest: [6; 32] }]), (false, Some(9)));
    assert_eq!(with(&[&first, &claims], &[tenth]), (true, Some(11)), "the vendor gave it");
    // One that claims less tells the missing ones again.
    assert_eq!(with(&[&first, &eleventh(Some(link(&first)))], &[]), (true, Some(1)));
    assert_eq!(with(&[&first, &eleventh(None)], &[]), (true, Some(1)));
}

#[test]
fn a_window_that_no_receipt_can_hold_keeps_nobody_elses_from_being_written() {
    let folder = tempfile::tempdir().unwrap();
    let receipts = Arc::new(Receipts::open(folder.path().join("log"), instance(1)).unwrap());
    let gate = common::builder().sink(receipts.clone()).build().unwrap();
    let most = licentia_core::limits::INTEGER;
    for (at, (seconds, anchor)) in (1_u8..).zip([(most, 0.into()), (most, NOW - 1), (most - 5, 7.into())]) {
        let token = licence(|draft| {
            draft.lineage = Some([at; 16].into());
            let quota = draft.grant.quotas.get_mut("calls").unwrap();
            quota.period = Period::Fixed { seconds, anchor };
        });
        assert!(gate.check(&token, &Request::new().meters(&[("calls", 1)]), NOW).is_allowed());
    }
    let other = licence(|draft| draft.lineage = Some([9; 16].into()));
    assert!(gate.check(&other, &Request::new().meters(&[("calls", 3)]), NOW).is_allowed());
    receipts.add(
        &UsageCell { window: Window { start: 5.into(), end: Some(u64::MAX.into()) }, ..cell(8, "calls") },
        2,
    );
    let written = receipts.write(NOW).unwrap();
    assert_eq!(total(&audit(&written)), 8, "all of them");
    drop(receipts);
}

/// Customers whose quota is per minute, and a receipt a minute.
fn minutes(log: &Receipts, customers: u8, minutes: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for minute in minutes {
        for customer in 0..customers {
            let start = NOW + minute * 60;
            let window = Window { start, end: Some(start + 60) };
            log.add(&UsageCell { window, ..cell(customer, "calls") }, 1 + minute);
        }
        all.extend(log.write(NOW + minute * 60 + 60).unwrap());
    }
    all
}

#[test]
fn a_log_costs_what_changed_and_not_what_ever_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = Receipts::open(&path, instance(1)).unwrap();
    let all = minutes(&log, 100, 0..120);
    let (first, last) = (all[0].len(), all[119].len());
    assert!(last < 5 * first, "{first} and {last} bytes");
    let length = fs::metadata(&path).unwrap().len();
    assert!(length < 120 * 5 * first as u64, "{length}");
    // What one that is lost held is in a later one.
    let lossy = all.iter().enumerate().filter(|(at, _)| at % 4 != 1).map(|(_, receipt)| receipt);
    let report = audit(lossy);
    assert_eq!((report.is_good(), total(&report)), (true, 100 * (120 * 121 / 2)));
    // More than that is an alarm.
    assert!(!audit(all[..50].iter().chain(&all[70..])).is_good());
    drop(log);
    let log = Receipts::open(&path, instance(1)).unwrap();
    assert_eq!(minutes(&log, 100, 120..121).len(), 1);
}

#[test]
fn a_log_shrinks_when_its_receipts_were_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let vendor = [key(1).public()];
    let mut log = Receipts::open(&path, instance(1)).unwrap();
    let life = UsageCell { window: Window { start: 0.into(), end: None }, ..cell(200, "ever") };
    log.add(&life, 7);
    let (mut all, mut longest) = (Vec::new(), 0);
    for hour in 0..8 {
        all.extend(minutes(&log, 30, hour * 60..hour * 60 + 60));
        longest = longest.max(fs::metadata(&path).unwrap().len());
        let link = Receipt::read(&all[all.len() - 3]).unwrap().link();
        log.acknowledge(&acknowledge(&key(1), &log.instance(), link, NOW).unwrap(), &vendor).unwrap();
        if hour == 5 {
            drop(log);
            log = Receipts::open(&path, instance(1)).unwrap();
        }
    }
    let length = fs::metadata(&path).unwrap().len();
    let sum: usize = all.iter().map(Vec::len).sum();
    assert!(length <= longest && longest < sum as u64 / 2, "{length}, {longest} and {sum} bytes");
    // Counts go on, and so does the chain.
    log.add(&life, 1);
    all.extend(log.write(NOW + DAY).unwrap());
    drop(log);
    let log = Receipts::open(&path, instance(1)).unwrap();
    assert!(log.unacknowledged().unwrap().len() < 120);
    let report = audit(&all);
    assert_eq!((codes(&report), report.usage[&life].total()), (vec![], 8));
    assert_eq!(total(&report), 30 * (480 * 481 / 2) + 8);
    // What comes when the log no longer knows what was before is not in any receipt, and is told of.
    let late = UsageCell { window: Window { start: NOW, end: Some(NOW + 60) }, ..cell(3, "calls") };
    log.add(&late, 5);
    log.add(&life, 1);
    let written = log.write(NOW + 9 * DAY).unwrap();
    let receipt = Receipt::read(&written[0]).unwrap();
    assert!(receipt.entries().all(|entry| entry.window.end != late.window.end));
    assert_eq!(log.too_late(), 5);
    // A log whose beginning is gone is not one that was shrunk.
    drop(log);
    let whole = fs::read(&path).unwrap();
    let mut cut = whole[..8].to_vec();
    let last = whole.len() - written[0].len() - 16;
    cut.extend(&whole[last..]);
    fs::write(&path, cut).unwrap();
    assert_eq!(refused(Receipts::open(&path, instance(1))), Code::ReceiptRollback);
}

#[test]
fn a_clean_shutdown_writes_what_was_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let receipts = Arc::new(Receipts::open(&path, instance(1)).unwrap());
    let gate = common::builder().sink(receipts.clone()).build().unwrap();
    drop(receipts);
    let token = licence(|draft| draft.lineage = Some([9; 16].into()));
    let (_, reservation) = gate.reserve(&token, &Request::new().meters(&[("calls", 9)]), NOW);
    assert!(gate.check(&token, &Request::new().meters(&[("calls", 3)]), NOW + 5).is_allowed());
    drop(gate);
    reservation.unwrap().commit(&[("calls", 2)]).unwrap();
    let written = Log::read(&path).unwrap().receipts;
    assert_eq!((written.len(), total(&audit(&written))), (1, 5));
    assert_eq!(Receipt::read(&written[0]).unwrap().issued_at(), NOW + 5);
    // A receipt that cannot be written keeps nobody from ending.
    let receipts = Receipts::open(&path, instance(1)).unwrap();
    receipts.add(&cell(1, "calls"), u64::MAX);
    drop(receipts);
    assert_eq!(Log::read(&path).unwrap().receipts.len(), 2);
}

#[test]
fn receipts_name_the_window_of_the_units_that_were_charged() {
    let folder = tempfile::tempdir().unwrap();
    let receipts = Arc::new(Receipts::open(folder.path().join("log"), instance(1)).unwrap());
    let gate = common::builder().sink(receipts.clone()).build().unwrap();
    let token = licence(|draft| {
        draft.grant.quotas.insert("calls".into(), "100/month".parse().unwrap());
    });
    let march = licentia::Timestamp::from_seconds(1_803_859_200); // 2027-03-01
    let before = march - 20 * 3600;
    let check = |time| {
        let now = Now { time, monotonic_nanos: before.as_seconds() * 1_000_000_000 };
        gate.check(&token, &Request::new().meters(&[("calls", 1)]), now).is_allowed()
    };
    // One check by a clock that is eight days ahead begins March; then it is right again, and March's units are used.
    assert!(check(before) && check(before + 8 * DAY) && check(before + 1));
    let written = receipts.write(before).unwrap();
    let receipt = Receipt::read(&written[0]).unwrap();
    let counts: Vec<_> = receipt.entries().map(|entry| (entry.window.start == march, entry.count)).collect();
    assert_eq!(counts, [(false, 1), (true, 2)]);
}

#[test]
fn two_issuers_of_one_lineage_are_billed_apart_and_refunds_are_a_second_count() {
    let folder = tempfile::tempdir().unwrap();
    let receipts = Arc::new(Receipts::open(folder.path().join("log"), instance(1)).unwrap());
    let gate = common::builder().key(key(2).public()).sink(receipts.clone()).build().unwrap();
    let token = |issuer: &str, seed| {
        let mut draft = common::draft();
        draft.lineage = Some([9; 16].into());
        licentia_issuer::Issuer::new(issuer, key(seed)).issue(&draft).unwrap().text()
    };
    for (token, cost) in [(token("acme", 1), 3), (token("reseller", 2), 40)] {
        let meters = [("calls", cost)];
        assert!(gate.check(&token, &Request::new().meters(&meters), NOW).is_allowed());
    }
    let acme = cell(9, "calls");
    receipts.refund(&acme, 2);
    let written = receipts.write(NOW).unwrap();
    let report = audit(&written);
    let reseller = UsageCell { issuer: "reseller".to_owned(), ..acme.clone() };
    assert_eq!((report.usage[&acme].total(), report.usage[&reseller].total()), (1, 40));
    assert_eq!(report.usage[&acme].sum(), licentia::receipt::Units { counted: 3, refunded: 2 });
    // Another instance may refund what this one has counted.
    let other = Receipts::open(folder.path().join("other"), instance(2)).unwrap();
    other.refund(&acme, 1);
    let report = audit(written.iter().chain(&other.write(NOW).unwrap()));
    assert_eq!((report.is_good(), report.usage[&acme].total()), (true, 0));
}

#[test]
fn a_log_of_the_first_schema_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    fs::write(&path, include_bytes!("data/receipts-v1.log")).unwrap();
    let before = Log::read(&path).unwrap().receipts;
    let log = Receipts::open(&path, instance(1)).unwrap();
    let today = cell(1, "calls");
    log.add(&today, 4);
    let written = log.write(NOW + 9).unwrap();
    let report = audit(before.iter().chain(&written));
    assert_eq!((codes(&report), total(&report)), (vec![], 3 + 4));
    let old = UsageCell { issuer: String::new(), ..today.clone() };
    assert_eq!((report.usage[&old].total(), report.usage[&today].total()), (3, 4));
    // The last one says it all.
    assert_eq!(total(&audit(&written)), 7);
}
