//! What people log or store goes through serde in the shape of its own JSON.

mod common;

use common::{NOW, gate, licence};
use licentia::{
    Code, Request, Window,
    receipt::{Audit, Receipts, UsageCell},
};
use serde_json::{Value, from_str, to_value};

#[test]
fn a_decision_serialises_as_its_json() {
    let (gate, token) = (gate(), licence(|_| ()));
    let request = Request::new().meters(&[("calls", 1)]).rates(&[("api", 1)]);
    // A refusal is in no state.
    for (token, state) in [(&*token, Value::from("active")), ("lic1_nonsense", Value::Null)] {
        let decision = gate.check(token, &request, NOW);
        let json = to_value(&decision).unwrap();
        assert_eq!(json, from_str::<Value>(&decision.json().to_string()).unwrap());
        assert_eq!(json["state"], state);
    }
    assert_eq!(to_value(Code::QuotaExceeded).unwrap(), "quota_exceeded");
}

#[test]
fn a_report_serialises_its_totals_and_its_findings() {
    let folder = tempfile::tempdir().unwrap();
    let holder = licentia::HolderKey::from_seed(&[7; 32]);
    let receipts = Receipts::open(folder.path().join("usage.receipts"), holder).unwrap();
    let window = Window { start: 0.into(), end: Some(60.into()) };
    let (issuer, meter) = ("acme".to_owned(), "calls".to_owned());
    receipts.add(&UsageCell { issuer, lineage: [1; 16].into(), meter, window }, 3);
    let written = receipts.write(NOW).unwrap();
    let mut audit = Audit::new();
    for receipt in &written {
        audit.add(receipt);
    }
    audit.add(b"nonsense");
    let report = to_value(audit.finish()).unwrap();
    assert_eq!(report["usage"][0]["count"], 3);
    assert_eq!(report["usage"][0]["lineage"], "01".repeat(16));
    assert_eq!(report["usage"][0]["end"], 60);
    assert_eq!(report["instances"][0]["sequence"], 1);
    assert_eq!(report["good"], false);
    assert_eq!(report["findings"][0]["name"], "receipt_malformed");
}
