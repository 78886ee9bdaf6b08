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
    assert!(
        text(&unconfirmed.stderr).contains("1 of 4 licences are newly revoked"),
        "{}",
        text(&unconfirmed.stderr)
    );
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

/// A desk with a revocation key and a ledger of four licences, and one of their tokens.
fn stocked() -> (Desk, String) {
    let desk = Desk::new();
    assert!(desk.run(&["keygen", "--out", "revoker"]).status.success());
    let token = desk.issue(&["--ledger", "ledger.db"]);
    for _ in 0..3 {
        desk.issue(&["--ledger", "ledger.db"]);
    }
    (desk, token)
}

/// Builds the next bundle into `out`.
fn build(desk: &Desk, out: &str, more: &[&str]) -> std::process::Output {
    let ledger = ["--json", "bundle", "build", "--ledger", "ledger.db", "--issuer", "acme"];
    desk.run(&[&ledger[..], &["--key", "revoker.pem", "--out", out], more].concat())
}

#[test]
fn deltas_lead_from_bundle_to_bundle() {
    let (desk, token) = stocked();
    let ok = |arguments: &[&str]| {
        let output = desk.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        output
    };
    let id = json(&ok(&["--json", "inspect", &token]))["claims"]["cti"].as_str().unwrap().to_owned();
    assert!(build(&desk, "1.bin", &[]).status.success());
    ok(&["revoke", "--ledger", "ledger.db", "--id", &id]);
    let since = ["--since", "1.bin", "--delta", "12.delta", "--confirm", "1"];
    let second = json(&build(&desk, "2.bin", &since));
    ok(&["reinstate", "--ledger", "ledger.db", "--id", &id]);
    assert!(build(&desk, "3.bin", &["--since", "2.bin"]).status.success());
    ok(&["bundle", "delta", "2.bin", "3.bin", "--key", "revoker.pem", "--out", "23.delta"]);

    let apply = ["--json", "bundle", "apply", "1.bin", "12.delta", "23.delta", "--key", "revoker.pub"];
    let applied = json(&ok(&apply));
    assert_eq!((&applied["sequence"], &applied["indices"]), (&3.into(), &0.into()));
    let wrong = desk.run(&["bundle", "apply", "1.bin", "23.delta", "--key", "revoker.pub"]);
    assert!(text(&wrong.stderr).contains("bundle_wrong_base"), "{}", text(&wrong.stderr));
    let inspected = json(&ok(&["--json", "bundle", "inspect", "12.delta"]));
    assert_eq!((&inspected["base"], &inspected["sequence"]), (&1.into(), &second["sequence"]));
    assert_eq!(desk.run(&["bundle", "verify", "12.delta", "--key", "acme.pub"]).status.code(), Some(2));
    assert!(build(&desk, "4.bin", &[]).status.success(), "a salt of its own");
    let unsalted = ["bundle", "delta", "3.bin", "4.bin", "--key", "revoker.pem", "--out", "34.delta"];
    assert!(text(&desk.run(&unsalted).stderr).contains("--since"));
    let stats = json(&ok(&["--json", "bundle", "stats", "2.bin", "--ledger", "ledger.db"]));
    assert_eq!(stats["indices"], 1);
    assert!(
        stats["entropy_bits_each"].as_f64().unwrap() > 1.0 && stats["bits_each"].as_f64().unwrap() >= 16.0
    );
}

#[test]
fn rules_need_a_confirmation_that_names_whom_they_hit() {
    let (desk, token) = stocked();
    let run = |arguments: &[&str]| desk.run(&[&["--json"], arguments, &["--ledger", "ledger.db"]].concat());
    let claims = json(&desk.run(&["--json", "inspect", &token]))["claims"].clone();
    let tier = claims["tier"]["name"].as_str().unwrap();
    let added = json(&run(&["revoke", "--tier", tier, "--exempt", claims["cti"].as_str().unwrap()]));
    assert_eq!(added["rule"], 1);
    let refused = build(&desk, "r.bin", &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        text(&refused.stderr).contains("3 of 4 licences are newly revoked by 1 new rule"),
        "{}",
        text(&refused.stderr)
    );
    assert_eq!(build(&desk, "r.bin", &["--confirm", "4"]).status.code(), Some(2), "another number");
    assert_eq!(json(&build(&desk, "r.bin", &["--confirm", "3"]))["rules"], 1);
    assert!(build(&desk, "r.bin", &[]).status.success(), "it was confirmed, and is not new");
    let kid = claims["kid"].as_str().unwrap();
    assert_eq!(
        json(&run(&["revoke", "--kid", kid, "--spare-issued", "--reason", "key-compromise"]))["rule"],
        2
    );
    assert_eq!(json(&build(&desk, "r.bin", &["--confirm", "0"]))["rules"], 2, "a rule that hits nobody yet");
    assert_eq!(json(&run(&["revoke", "--subject", "cus_1", "--future"]))["rule"], 3);
    assert_eq!(json(&run(&["revoke", "--index-from", "5", "--issued-to", "2020-01-01"]))["rule"], 4);
    assert_eq!(run(&["revoke", "--future"]).status.code(), Some(2), "it would revoke everything");
    assert_eq!(run(&["revoke", "--id", claims["cti"].as_str().unwrap(), "--future"]).status.code(), Some(2));
    for rule in ["1", "2", "3"] {
        assert!(run(&["reinstate", "--rule", rule]).status.success());
    }
    assert_eq!(run(&["reinstate", "--rule", "1"]).status.code(), Some(2));
    let rules = desk.run(&["--json", "ledger", "rules", "ledger.db"]);
    assert_eq!(json(&rules)[0]["index"][0], 5);
    assert!(
        text(&desk.run(&["ledger", "rules", "ledger.db"]).stdout).contains("4 issuer acme and issued from")
    );
}
