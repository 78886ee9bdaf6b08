//! Receipts of instances are checked, added up, exported and acknowledged.

use std::fs;

use licentia::{
    HolderKey, Key, Window,
    receipt::{Receipts, UsageCell},
};

use crate::desk::{Desk, ids, json, text};

pub(crate) const NOW: licentia::Timestamp = licentia::Timestamp::from_seconds(1_800_000_000);

/// One day's calls.
pub(crate) fn calls() -> UsageCell {
    let start = NOW - NOW.as_seconds() % 86_400;
    let window = Window { start, end: Some(start + 86_400) };
    UsageCell { issuer: "acme".to_owned(), lineage: [1; 16].into(), meter: "calls".to_owned(), window }
}

/// Counts in the log of an instance, and writes a receipt after each.
pub(crate) fn count(desk: &Desk, name: &str, seed: u8, counts: &[u64]) -> Receipts {
    let log = Receipts::open(desk.path().join(name), HolderKey::from_seed(&[seed; 32])).unwrap();
    for (at, count) in counts.iter().enumerate() {
        log.add(&calls(), *count);
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
    let row = "01010101010101010101010101010101  calls  2027-01-15  2027-01-16    50";
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

/// The first seconds of some months of 2027, in UTC.
const JANUARY: u64 = 1_798_761_600;
const FEBRUARY: u64 = 1_801_440_000;
const MARCH: u64 = 1_803_859_200;

/// An instance, and what it counts and refunds.
struct Counter(Receipts);

impl Counter {
    fn new(desk: &Desk, name: &str, seed: u8) -> Self {
        Self(Receipts::open(desk.path().join(name), HolderKey::from_seed(&[seed; 32])).unwrap())
    }

    fn cell(issuer: &str, lineage: &str, meter: &str, window: (u64, u64)) -> UsageCell {
        let (start, end) = window;
        UsageCell {
            issuer: issuer.to_owned(),
            lineage: u128::from_str_radix(lineage, 16).unwrap().to_be_bytes().into(),
            meter: meter.to_owned(),
            window: Window { start: start.into(), end: (end > 0).then(|| end.into()) },
        }
    }

    fn count(&self, issuer: &str, lineage: &str, meter: &str, window: (u64, u64), units: u64) -> &Self {
        self.0.add(&Self::cell(issuer, lineage, meter, window), units);
        self
    }

    fn refund(&self, issuer: &str, lineage: &str, meter: &str, window: (u64, u64), units: u64) -> &Self {
        self.0.refund(&Self::cell(issuer, lineage, meter, window), units);
        self
    }

    fn write(&self) {
        self.0.write(NOW).unwrap();
    }
}

/// The lines of an invoice.
fn invoice(desk: &Desk, arguments: &[&str], exit: i32) -> Vec<String> {
    let output = desk.run(&[&["receipts", "sum"], arguments, &["--csv"]].concat());
    assert_eq!(output.status.code(), Some(exit), "{}", text(&output.stderr));
    text(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn an_invoice_has_what_all_instances_counted_of_each_customer() {
    let desk = Desk::new();
    let (january, february) = ((JANUARY, FEBRUARY), (FEBRUARY, MARCH));
    let at = ["--ledger", "ledger.db", "--now", "2027-01-02"];
    let lineage = |subject: &str| {
        let licence = desk.issue(&[&at[..], &["--subject", subject]].concat());
        ids(&desk, &licence).1
    };
    // A customer's name can look like a formula, and can need quotes.
    let (ann, bob) = (lineage("ann"), lineage("=2+5,\"x\""));
    let upgrade = ["upgrade", &ann, "--tier", "pro@2", "--catalogue", "tiers.toml", "--key", "acme.pem"];
    let done = desk.run(&[&upgrade[..], &["--ledger", "ledger.db", "--now", "2027-02-10"]].concat());
    assert!(done.status.success(), "{}", text(&done.stderr));

    let (first, second) = (Counter::new(&desk, "1.log", 1), Counter::new(&desk, "2.log", 2));
    first.count("acme", &ann, "calls", january, 10).count("acme", &ann, "calls", february, 3).write();
    first.count("acme", &ann, "calls", january, 5).write();
    second.count("acme", &ann, "calls", january, 100).refund("acme", &ann, "calls", january, 40);
    second
        .count("acme", &bob, "mails", january, 7)
        .count("acme", &"9".repeat(32), "calls", january, 2)
        .write();
    // What one instance counted, another may refund.
    first.refund("acme", &ann, "calls", february, 1).write();

    let logs = ["1.log", "2.log", "--ledger", "ledger.db", "--by", "customer,tier,meter"];
    let all = invoice(&desk, &logs, 0);
    let expected = [
        "customer,tier,meter,used",
        "\"'=2+5,\"\"x\"\"\",pro@3,mails,7",
        "ann,pro@2,calls,2",
        "ann,pro@3,calls,75",
        "unknown,unknown,calls,2",
    ];
    assert_eq!(all, expected);
    assert_eq!(invoice(&desk, &[&logs[..], &["1.log"]].concat(), 0), expected, "the same log twice");

    // Each period is in one month's invoice: the one that it begins in.
    let month =
        |from: &str, to: &str| invoice(&desk, &[&logs[..], &["--from", from, "--to", to]].concat(), 0);
    assert_eq!(month("2027-01-01", "2027-01-31").len(), 4);
    assert_eq!(month("2027-02-01", "2027-02-28")[1..], ["ann,pro@2,calls,2"]);
    assert_eq!(month("2027-01-02", "2027-01-31").len(), 1, "none begins then");
    assert_eq!(month("2026-12-01", "2026-12-31").len(), 1);
    let by = |by: &str| invoice(&desk, &["1.log", "2.log", "--ledger", "ledger.db", "--by", by], 0);
    assert_eq!(by("meter"), ["meter,used", "calls,79", "mails,7"]);
    assert_eq!(
        by("period,meter")[1..],
        ["2027-01-01T00:00:00Z,calls,77", "2027-01-01T00:00:00Z,mails,7", "2027-02-01T00:00:00Z,calls,2"]
    );
    assert_eq!(
        invoice(&desk, &["1.log", "2.log"], 0).len(),
        5,
        "by lineage, meter and period, without a ledger"
    );
}

#[test]
fn an_invoice_of_several_issuers_keeps_them_apart() {
    let desk = Desk::new();
    let mut lineages = Vec::new();
    for issuer in ["acme", "reseller"] {
        let base =
            ["issue", "--key", "acme.pem", "--issuer", issuer, "--tier", "pro", "--catalogue", "tiers.toml"];
        let more = ["--subject", "ann", "--ledger", "ledger.db", "--now", "2027-01-02"];
        let done = desk.run(&[&base[..], &more].concat());
        lineages.push(ids(&desk, text(&done.stdout).trim()).1);
    }
    let log = Counter::new(&desk, "1.log", 1);
    let january = (JANUARY, FEBRUARY);
    log.count("acme", &lineages[0], "calls", january, 3).count(
        "reseller",
        &lineages[1],
        "calls",
        january,
        40,
    );
    // Nobody may count for the customer of another issuer.
    log.count("reseller", &lineages[0], "calls", january, 500).write();
    let by = |by: &'static str| ["1.log", "--ledger", "ledger.db", "--by", by];
    let said = desk.run(&[&["receipts", "sum"], &by("customer,meter")[..]].concat());
    assert_eq!(said.status.code(), Some(2));
    assert!(text(&said.stderr).contains("add `issuer` to --by"), "{}", text(&said.stderr));
    assert_eq!(
        invoice(&desk, &by("issuer,customer,meter"), 0),
        [
            "issuer,customer,meter,used",
            "acme,ann,calls,3",
            "reseller,ann,calls,40",
            "reseller,unknown,calls,500"
        ]
    );
}

#[test]
fn old_receipts_gaps_and_forks_are_summed_up_as_far_as_they_say() {
    let desk = Desk::new();
    let old = concat!(env!("CARGO_MANIFEST_DIR"), "/../sdk/tests/data/receipts-v1.log");
    fs::copy(old, desk.path().join("old.log")).unwrap();
    // Receipts of the first schema name no issuer.
    let [_, line] = &invoice(&desk, &["old.log"], 0)[..] else { panic!("one line") };
    assert!(line.ends_with(",3"), "{line}");
    let lineage = line.split(',').next().unwrap().to_owned();
    let before = fs::read(old).unwrap();
    drop(count(&desk, "old.log", 1, &[4]));
    assert_eq!(invoice(&desk, &["old.log", "--by", "meter"], 0)[1..], ["calls,7"]);
    assert!(fs::read(desk.path().join("old.log")).unwrap().len() > before.len());
    assert_eq!(invoice(&desk, &["old.log", "--by", "lineage"], 0)[1..], [format!("{lineage},7")]);

    let log = count(&desk, "a.log", 2, &[1, 2, 3]);
    let receipts = log.unacknowledged().unwrap();
    drop(log);
    // A later receipt repeats what a lost one said: a gap is named, and nothing is missing from the sum.
    fs::write(desk.path().join("third"), &receipts[2]).unwrap();
    let output = desk.run(&["receipts", "sum", "third", "--by", "meter", "--csv"]);
    assert_eq!((output.status.code(), text(&output.stdout).lines().last().unwrap()), (Some(0), "calls,6"));
    assert!(text(&output.stderr).contains("receipt_gap"));
    // Of a fork, the copy that counted most is billed; it is an alarm all the same.
    fs::copy(desk.path().join("a.log"), desk.path().join("b.log")).unwrap();
    drop((count(&desk, "a.log", 2, &[10]), count(&desk, "b.log", 2, &[20])));
    assert_eq!(invoice(&desk, &["a.log", "b.log", "--by", "meter"], 1)[1..], ["calls,26"]);
    // A lifetime quota has no month.
    let whole = Counter::new(&desk, "life.log", 3);
    whole.count("acme", &lineage, "exports", (0, 0), 5).write();
    assert_eq!(invoice(&desk, &["life.log", "--by", "period,meter"], 0)[1..], ["for life,exports,5"]);
    assert_eq!(invoice(&desk, &["life.log", "--from", "2027-01-01"], 0).len(), 1);
}
