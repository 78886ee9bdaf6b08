//! What concerns a key or an issuer touches no other one.

use crate::desk::{Desk, json, text};

#[test]
fn a_scope_is_loaded_signed_shown_and_kept() {
    let desk = Desk::new();
    for name in ["root", "reseller"] {
        desk.ok(&["keygen", "--out", name]);
    }
    let scope = "tiers = ['pro']\nlongest_lead = '1 day'\nstreams = [2]\n\
        features = { export = true, uploads = 5, region = ['eu'] }\nquotas = { calls = '1000/month' }\n\
        rates = { api = '10/1s' }\npolicy = { clock_doubt = 'deny' }\nkinds = ['trial']\nindices = [1, 9]\nseats = 3\n";
    std::fs::write(desk.path().join("scope.toml"), scope).unwrap();
    desk.ok(&["keyset", "new", "keys.toml", "--key", "acme.pub"]);
    desk.ok(&["keyset", "add", "keys.toml", "--key", "reseller.pub", "--scope", "scope.toml"]);
    let signed =
        json(&desk.ok(&["--json", "keyset", "sign", "keys.toml", "--root", "root.pem", "--out", "keys.bin"]));
    let show = ["keyset", "show", "keys.bin", "--root", "root.pub"];
    assert_eq!(json(&desk.ok(&[&["--json"], &show[..]].concat())), signed);
    assert_eq!((&signed["schema"], &signed["keys"][0]["scope"]), (&2.into(), &serde_json::Value::Null));
    let shown = &signed["keys"][1]["scope"];
    let expected = serde_json::json!({
        "tiers": ["pro"], "longest_lead": 86400, "streams": [2], "kinds": ["trial"], "indices": [1, 9], "seats": 3,
        "features": { "export": true, "uploads": 5, "region": ["eu"] },
        "quotas": { "calls": { "limit": 1000, "per": "month", "overage": "deny" } },
        "rates": { "api": { "count": 10, "per_ms": 1000, "burst": 10 } },
        "policy": {
            "stale_revocation": "deny", "clock_doubt": "deny", "store_unreachable": "deny",
            "max_revocation_age": null,
        },
    });
    assert_eq!(*shown, expected);
    assert!(text(&desk.ok(&show).stdout).contains(" streams: 2"));
    let bad = desk.path().join("bad.toml");
    std::fs::write(bad, "tier = ['pro']").unwrap();
    let refused = desk.run(&["keyset", "add", "keys.toml", "--key", "root.pub", "--scope", "bad.toml"]);
    assert!(text(&refused.stderr).contains("bad.toml"), "{}", text(&refused.stderr));
}

#[test]
fn a_subject_of_another_issuer_is_not_revoked_by_chance() {
    let desk = Desk::new();
    desk.issue(&["--ledger", "ledger.db"]);
    let other = [
        "issue",
        "--key",
        "acme.pem",
        "--issuer",
        "other",
        "--tier",
        "pro",
        "--catalogue",
        "tiers.toml",
        "--subject",
        "cus_42",
        "--ledger",
        "ledger.db",
    ];
    assert!(desk.run(&other).status.success());
    let revoke = ["--json", "revoke", "--ledger", "ledger.db", "--subject", "cus_42"];
    let unclear = desk.run(&revoke);
    assert_eq!(unclear.status.code(), Some(2));
    assert!(text(&unclear.stderr).contains("--issuer"), "{}", text(&unclear.stderr));
    let revoked = json(&desk.run(&[&revoke[..], &["--issuer", "acme"]].concat()));
    assert_eq!(revoked["revoked"].as_array().map(Vec::len), Some(1));
    let reinstate = ["--json", "reinstate", "--ledger", "ledger.db", "--subject", "cus_42"];
    assert_eq!(desk.run(&reinstate).status.code(), Some(2));
    let none = json(&desk.run(&[&reinstate[..], &["--issuer", "other"]].concat()));
    assert_eq!(none["reinstated"].as_array().map(Vec::len), Some(0));
    let one = json(&desk.run(&[&reinstate[..], &["--issuer", "acme"]].concat()));
    assert_eq!(one["reinstated"].as_array().map(Vec::len), Some(1));
}
