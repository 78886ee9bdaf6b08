//! What a vendor revokes is refused, and nothing else; reinstating it helps.

use crate::desk::{Desk, json, text};

#[test]
fn a_licence_is_revoked_published_and_reinstated() {
    let desk = Desk::new();
    let ok = |arguments: &[&str]| {
        let output = desk.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        output
    };
    ok(&["keygen", "--out", "revoker"]);
    let token = desk.issue(&["--ledger", "ledger.db"]);
    let claims = json(&ok(&["--json", "inspect", &token]))["claims"].clone();
    assert!(claims["index"].is_u64(), "the ledger hands out an index");
    for count in 0..3 {
        desk.issue(&["--ledger", "ledger.db", "--meta", &format!("n={count}")]);
    }
    let id = claims["cti"].as_str().unwrap();
    let revoked = json(&ok(&["--json", "revoke", "--ledger", "ledger.db", "--id", id, "--reason", "unpaid"]));
    assert_eq!(revoked["revoked"][0], claims["cti"]);

    let build = [
        "bundle",
        "build",
        "--ledger",
        "ledger.db",
        "--issuer",
        "acme",
        "--key",
        "revoker.pem",
        "--out",
        "r.bin",
    ];
    let unconfirmed = desk.run(&build);
    assert_eq!(unconfirmed.status.code(), Some(2));
    assert!(text(&unconfirmed.stderr).contains("1 of 4 licences"), "{}", text(&unconfirmed.stderr));
    assert!(!desk.path().join("r.bin").exists());
    let first = json(&ok(&[&["--json"], &build[..], &["--confirm", "1"]].concat()));
    assert_eq!((&first["indices"], &first["issuer"]), (&1.into(), &"acme".into()));
    let shown = json(&ok(&["--json", "bundle", "show", "r.bin", "--key", "revoker.pub"]));
    assert_eq!(shown, first);
    assert_eq!(desk.run(&["bundle", "show", "r.bin", "--key", "acme.pub"]).status.code(), Some(2));

    assert_eq!(
        json(&ok(&["--json", "reinstate", "--ledger", "ledger.db", "--id", id]))["reinstated"][0],
        claims["cti"]
    );
    assert_eq!(json(&ok(&[&["--json"], &build[..]].concat()))["indices"], 0);
    assert_eq!(desk.run(&["revoke", "--ledger", "ledger.db", "--subject", "nobody"]).status.code(), Some(2));
    assert_eq!(desk.run(&["revoke", "--ledger", "ledger.db"]).status.code(), Some(2), "it must say which");
}
