//! Receipts of instances are checked, added up, exported and acknowledged.

use std::fs;

use licentia::{
    HolderKey, Key, Window,
    receipt::{Receipts, UsageCell},
};

use crate::desk::{Desk, json, text};

const NOW: licentia::Timestamp = licentia::Timestamp::from_seconds(1_800_000_000);

/// Counts in the log of an instance, and writes a receipt after each.
fn count(desk: &Desk, name: &str, seed: u8, counts: &[u64]) -> Receipts {
    let log = Receipts::open(desk.path().join(name), HolderKey::from_seed(&[seed; 32])).unwrap();
    let window = Window {
        start: NOW - NOW.as_seconds() % 86_400,
        end: Some(NOW - NOW.as_seconds() % 86_400 + 86_400),
    };
    for (at, count) in counts.iter().enumerate() {
        let (issuer, meter) = ("acme".to_owned(), "calls".to_owned());
        log.add(&UsageCell { issuer, lineage: [1; 16].into(), meter, window }, *count);
        log.write(NOW + at as u64).unwrap();
    }
    log
}

#[test]
fn receipts_are_checked_and_added_up() {
    let desk = Desk::new();
    let ids: Vec<String> = (1..=4)
        .map(|seed| {
            let log = count(&desk, &format!("{seed}.log"), seed, &[10, u64::from(seed)]);
            log.instance().iter().map(|byte| format!("{byte:02x}")).collect()
        })
        .collect();
    let logs = ["1.log", "2.log", "3.log", "4.log", "2.log"];
    let run = |arguments: &[&str]| desk.run(&[&["--json", "receipts"], arguments].concat());
    let sum = run(&[&["sum"][..], &logs].concat());
    assert_eq!(sum.status.code(), Some(0), "{}", text(&sum.stderr));
    let sum = json(&sum);
    assert_eq!((&sum["good"], &sum["findings"]), (&true.into(), &serde_json::json!([])));
    assert_eq!(sum["usage"][0]["count"], 4 * 10 + 1 + 2 + 3 + 4);
    assert_eq!(sum["usage"][0]["by_instance"][&ids[2]], 13);
    let table = text(&desk.run(&[&["receipts", "sum"][..], &logs].concat()).stdout);
    let row = "acme    01010101010101010101010101010101  calls  2027-01-15 00:00:00 UTC  2027-01-16 00:00:00 UTC       50         0    50          4";
    assert_eq!(table.lines().nth(1), Some(row), "{table}");

    let events = text(&desk.run(&[&["receipts", "export"][..], &logs].concat()).stdout);
    let mut seen: Vec<serde_json::Value> = events
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].take())
        .collect();
    assert_eq!(seen.len(), 8);
    seen.dedup();
    assert_eq!(seen.len(), 8, "each has an id of its own");

    let foreign = run(&["verify", "1.log", "2.log", "--instance", &ids[0]]);
    assert_eq!(foreign.status.code(), Some(1));
    assert_eq!(json(&foreign)["findings"][0]["name"], "receipt_foreign");
    assert_eq!(run(&["verify", "none.log"]).status.code(), Some(2));
}

#[test]
fn what_is_wrong_is_named() {
    let desk = Desk::new();
    let name = |arguments: &[&str], code| {
        let output = desk.run(&[&["--json", "receipts", "verify"], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        json(&output)["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let log = count(&desk, "a.log", 1, &[1, 2, 3]);
    let receipts = log.unacknowledged().unwrap();
    drop(log);
    fs::copy(desk.path().join("a.log"), desk.path().join("b.log")).unwrap();
    count(&desk, "a.log", 1, &[1]);
    count(&desk, "b.log", 1, &[2]);
    assert_eq!(name(&["a.log"], 0), Vec::<String>::new());
    assert_eq!(name(&["a.log", "b.log"], 1), ["receipt_fork"]);

    fs::write(desk.path().join("third"), &receipts[2]).unwrap();
    assert_eq!(name(&["third"], 0), ["receipt_gap"]);
    let mut forged = receipts[2].clone();
    let end = forged.len() - 1;
    forged[end] ^= 1;
    fs::write(desk.path().join("forged"), &forged).unwrap();
    assert_eq!(name(&["forged"], 1), ["receipt_forged"]);
    fs::write(desk.path().join("nothing"), "nothing").unwrap();
    assert_eq!(name(&["nothing"], 1), ["receipt_malformed"]);
    let mut log = fs::read(desk.path().join("a.log")).unwrap();
    log[40] ^= 1;
    fs::write(desk.path().join("damaged.log"), &log).unwrap();
    assert_eq!(name(&["damaged.log"], 1), ["receipt_malformed"]);
    let said = text(&desk.run(&["receipts", "verify", "a.log", "b.log"]).stdout);
    assert!(said.contains("wrong receipt_fork: instance") && said.ends_with("not good\n"), "{said}");
}

#[test]
fn an_acknowledgement_goes_back_to_the_instance() {
    let desk = Desk::new();
    drop(count(&desk, "a.log", 1, &[1, 2]));
    fs::copy(desk.path().join("a.log"), desk.path().join("old.log")).unwrap();
    drop(count(&desk, "a.log", 1, &[3]));
    let acknowledge = ["receipts", "acknowledge", "a.log", "--key", "acme.pem", "--out", "a.ack"];
    let done = desk.run(&acknowledge);
    assert!(text(&done.stdout).starts_with("acknowledged receipt 3 "), "{}", text(&done.stderr));
    let given = fs::read(desk.path().join("a.ack")).unwrap();
    let vendor = [Key::from_text(fs::read_to_string(desk.path().join("acme.pub")).unwrap().trim()).unwrap()];
    let log = count(&desk, "a.log", 1, &[]);
    log.acknowledge(&given, &vendor).unwrap();
    assert_eq!(log.unacknowledged().unwrap().len(), 0);

    drop(count(&desk, "old.log", 1, &[4]));
    let arguments = ["receipts", "verify", "old.log", "--ack", "a.ack", "--vendor", "acme.pub"];
    let output = desk.run(&arguments);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("receipt_fork"), "it was set back, and went on otherwise");
    drop(count(&desk, "b.log", 2, &[1]));
    let both = ["receipts", "acknowledge", "a.log", "b.log", "--key", "acme.pem", "--out", "b.ack"];
    assert_eq!(desk.run(&both).status.code(), Some(2));
}
