//! What a vendor revokes is refused, and nothing else; reinstating it helps.

use crate::desk::{Desk, json, text};

#[test]
fn a_licence_is_revoked_published_and_reinstated() {
    let desk = Desk::new();
    desk.ok(&["keygen", "--out", "revoker"]);
    let token = desk.issue(&["--ledger", "ledger.db"]);
    let claims = json(&desk.ok(&["--json", "inspect", &token]))["claims"].clone();
    assert!(claims["index"].is_u64(), "the ledger hands out an index");
    for count in 0..3 {
        desk.issue(&["--ledger", "ledger.db", "--meta", &format!("n={count}")]);
    }
    let id = claims["cti"].as_str().unwrap();
    let revoked =
        json(&desk.ok(&["--json", "revoke", "--ledger", "ledger.db", "--id", id, "--reason", "unpaid"]));
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
    let first = json(&desk.ok(&[&["--json"], &build[..], &["--confirm", "1"]].concat()));
    assert_eq!((&first["indices"], &first["issuer"]), (&1.into(), &"acme".into()));
    let shown = json(&desk.ok(&["--json", "bundle", "show", "r.bin", "--key", "revoker.pub"]));
    assert_eq!(shown, first);
    assert_eq!(
        desk.run(&["bundle", "show", "r.bin", "--key", "acme.pub"]).status.code(),
        Some(1),
        "not trusted"
    );

    assert_eq!(
        json(&desk.ok(&["--json", "reinstate", "--ledger", "ledger.db", "--id", id]))["reinstated"][0],
        claims["cti"]
    );
    assert_eq!(json(&desk.ok(&[&["--json"], &build[..]].concat()))["indices"], 0);
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
    let id = json(&desk.ok(&["--json", "inspect", &token]))["claims"]["cti"].as_str().unwrap().to_owned();
    assert!(build(&desk, "1.bin", &[]).status.success());
    desk.ok(&["revoke", "--ledger", "ledger.db", "--id", &id]);
    let since = ["--since", "1.bin", "--delta", "12.delta", "--confirm", "1"];
    let second = json(&build(&desk, "2.bin", &since));
    desk.ok(&["reinstate", "--ledger", "ledger.db", "--id", &id]);
    assert!(build(&desk, "3.bin", &["--since", "2.bin"]).status.success());
    desk.ok(&["bundle", "delta", "2.bin", "3.bin", "--key", "revoker.pem", "--out", "23.delta"]);

    let apply = ["--json", "bundle", "apply", "1.bin", "12.delta", "23.delta", "--key", "revoker.pub"];
    let applied = json(&desk.ok(&apply));
    assert_eq!((&applied["sequence"], &applied["indices"]), (&3.into(), &0.into()));
    let wrong = desk.run(&["bundle", "apply", "1.bin", "23.delta", "--key", "revoker.pub"]);
    assert!(text(&wrong.stderr).contains("bundle_wrong_base"), "{}", text(&wrong.stderr));
    let inspected = json(&desk.ok(&["--json", "bundle", "inspect", "12.delta"]));
    assert_eq!((&inspected["base"], &inspected["sequence"]), (&1.into(), &second["sequence"]));
    assert_eq!(desk.run(&["bundle", "verify", "12.delta", "--key", "acme.pub"]).status.code(), Some(1));
    assert!(build(&desk, "4.bin", &[]).status.success(), "a salt of its own");
    let unsalted = ["bundle", "delta", "3.bin", "4.bin", "--key", "revoker.pem", "--out", "34.delta"];
    assert!(text(&desk.run(&unsalted).stderr).contains("--since"));
    let stats = json(&desk.ok(&["--json", "bundle", "stats", "2.bin", "--ledger", "ledger.db"]));
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
    let shown = text(&desk.run(&["ledger", "rules", "ledger.db"]).stdout);
    let words: Vec<&str> = shown.split_whitespace().collect();
    assert!(words.join(" ").contains(" issuer acme and issued until 2020-01-01"), "{shown}");
    assert!(shown.lines().any(|line| line.trim_start().starts_with("4 ")), "{shown}");
}

#[test]
fn a_ledger_that_was_restored_goes_on_after_the_bundle_that_gates_have() {
    let (desk, _) = stocked();
    for out in ["1.bin", "2.bin"] {
        assert!(build(&desk, out, &[]).status.success());
    }
    let number = |output: std::process::Output| json(&output)["sequence"].as_u64();
    let skips = build(&desk, "9.bin", &["--sequence", "9"]);
    assert!(
        text(&skips.stderr).contains("6 bundles before this one unknown here"),
        "{}",
        text(&skips.stderr)
    );
    assert!(!desk.path().join("9.bin").exists());
    assert_eq!(number(build(&desk, "9.bin", &["--sequence", "9", "--confirm-reinstated", "0"])), Some(9));
    assert_eq!(number(build(&desk, "10.bin", &["--since", "9.bin", "--delta", "10.delta"])), Some(10));
    let behind = build(&desk, "7.bin", &["--sequence", "7"]);
    assert!(text(&behind.stderr).contains("11 is the least number"), "{}", text(&behind.stderr));
    assert!(!desk.path().join("7.bin").exists());
    // Another ledger, which has given out no number yet.
    std::fs::remove_file(desk.path().join("ledger.db")).unwrap();
    for file in ["ledger.db-wal", "ledger.db-shm"] {
        let _ = std::fs::remove_file(desk.path().join(file));
    }
    desk.issue(&["--ledger", "ledger.db"]);
    assert_eq!(number(build(&desk, "11.bin", &["--since", "10.bin"])), Some(11));
}

#[test]
fn the_share_that_needs_no_confirmation_can_be_set() {
    let (desk, token) = stocked();
    let id = json(&desk.run(&["--json", "inspect", &token]))["claims"]["cti"].as_str().unwrap().to_owned();
    let revoke = ["revoke", "--ledger", "ledger.db", "--id", &id, "--reason", "fraud"];
    assert!(desk.run(&revoke).status.success());
    let refused = build(&desk, "r.bin", &["--cap", "24.9"]);
    assert!(text(&refused.stderr).contains("1 of 4 licences are newly revoked (25.00 %)"));
    let built = json(&build(&desk, "r.bin", &["--cap", "25"]));
    let group = &built["groups"][0];
    assert_eq!(
        (&group["reason"], &group["effect"], &group["indices"]),
        (&"fraud".into(), &"deny".into(), &1.into())
    );
    assert!(desk.run(&revoke).status.success());
    assert!(build(&desk, "r.bin", &["--cap", "0"]).status.success(), "revoked again, and not newly");
    assert_eq!(build(&desk, "r.bin", &["--cap", "101"]).status.code(), Some(2));
    let shown = desk.run(&["bundle", "inspect", "r.bin"]);
    assert!(text(&shown.stdout).contains("1 by index, 0 by hash: fraud"), "{}", text(&shown.stdout));
}

#[test]
fn ranges_that_end_before_they_begin_are_refused() {
    let (desk, _) = stocked();
    let run = |arguments: &[&str]| desk.run(&[&["revoke", "--ledger", "ledger.db"], arguments].concat());
    let backwards = run(&["--index-from", "5", "--index-to", "4"]);
    assert_eq!(backwards.status.code(), Some(2));
    assert!(text(&backwards.stderr).contains("ends before it begins"));
    assert_eq!(run(&["--issued-from", "2027-01-02", "--issued-to", "2027-01-01"]).status.code(), Some(2));
    assert!(run(&["--index-from", "5", "--index-to", "5"]).status.success());
}

#[test]
fn a_bundle_is_verified_as_a_gate_does_and_the_state_of_deltas_is_written() {
    let (desk, token) = stocked();
    desk.ok(&["keygen", "--out", "root"]);
    desk.ok(&["keyset", "new", "keyset.toml", "--key", "acme.pub"]);
    desk.ok(&["keyset", "add", "keyset.toml", "--key", "revoker.pub", "--revocation"]);
    desk.ok(&[
        "keyset",
        "sign",
        "keyset.toml",
        "--root",
        "root.pem",
        "--expires",
        "2099-01-01",
        "--out",
        "k.bin",
    ]);
    let id = json(&desk.ok(&["--json", "inspect", &token]))["claims"]["cti"].as_str().unwrap().to_owned();
    assert!(build(&desk, "1.bin", &[]).status.success());
    desk.ok(&["revoke", "--ledger", "ledger.db", "--id", &id]);
    assert!(
        build(&desk, "2.bin", &["--since", "1.bin", "--delta", "12.delta", "--confirm", "1"])
            .status
            .success()
    );

    let keyset = ["--keyset", "k.bin", "--root", "root.pub"];
    let verified = json(&desk.ok(&[&["--json", "bundle", "verify", "2.bin"], &keyset[..]].concat()));
    assert_eq!(verified["sequence"], 2);
    let apply = ["bundle", "apply", "1.bin", "12.delta", "--out", "applied.bin", "--sign", "revoker.pem"];
    desk.ok(&[&apply[..], &keyset].concat());
    let read = |name: &str| std::fs::read(desk.path().join(name)).unwrap();
    assert_eq!(read("applied.bin"), read("2.bin"), "the bundle that was published");
    assert_eq!(desk.run(&["bundle", "verify", "2.bin"]).status.code(), Some(2), "by whom?");
    assert_eq!(desk.run(&["bundle", "verify", "2.bin", "--keyset", "k.bin"]).status.code(), Some(2));
    let wrong = ["bundle", "verify", "2.bin", "--keyset", "k.bin", "--root", "acme.pub"];
    assert_eq!(desk.run(&wrong).status.code(), Some(2), "another root");
    desk.ok(&[
        "keyset",
        "retire",
        "keyset.toml",
        json(&desk.ok(&["--json", "keyset", "show", "k.bin", "--root", "root.pub"]))["keys"][1]["kid"]
            .as_str()
            .unwrap(),
    ]);
    desk.ok(&[
        "keyset",
        "sign",
        "keyset.toml",
        "--root",
        "root.pem",
        "--expires",
        "2099-01-01",
        "--out",
        "k.bin",
    ]);
    let retired = desk.run(&[&["bundle", "verify", "2.bin"], &keyset[..]].concat());
    assert!(text(&retired.stderr).contains("key_not_active"), "{}", text(&retired.stderr));
}

#[test]
fn a_number_that_leaves_no_room_is_refused_and_not_used_up() {
    let (desk, _) = stocked();
    for wrong in ["9007199254740992", "9007199254740991", "18446744073709551615", "2000000000"] {
        let refused = build(&desk, "r.bin", &["--sequence", wrong, "--confirm-reinstated", "0"]);
        assert_eq!(refused.status.code(), Some(2), "{wrong}");
        assert!(!desk.path().join("r.bin").exists());
    }
    assert_eq!(json(&build(&desk, "r.bin", &[]))["sequence"], 1, "no number was used up");
}

#[test]
fn a_restored_ledger_does_not_reinstate_silently() {
    let (desk, token) = stocked();
    let id = json(&desk.run(&["--json", "inspect", &token]))["claims"]["cti"].as_str().unwrap().to_owned();
    assert!(build(&desk, "1.bin", &[]).status.success());
    let ledger = desk.path().join("ledger.db");
    std::fs::copy(&ledger, desk.path().join("backup.db")).unwrap();
    assert!(desk.run(&["revoke", "--ledger", "ledger.db", "--id", &id]).status.success());
    assert!(build(&desk, "2.bin", &["--confirm", "1"]).status.success());
    std::fs::copy(desk.path().join("backup.db"), &ledger).unwrap();
    for known in [&["--since", "2.bin"][..], &["--sequence", "3"]] {
        // The second one finds the bundle that it would replace.
        let out = if known[0] == "--since" { "3.bin" } else { "2.bin" };
        let refused = build(&desk, out, known);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2));
        assert!(said.contains("1 licence reinstated") && said.contains("--confirm-reinstated 1"), "{said}");
    }
    let confirmed = build(&desk, "3.bin", &["--since", "2.bin", "--confirm-reinstated", "1"]);
    assert!(confirmed.status.success(), "{}", text(&confirmed.stderr));
}

#[test]
fn many_reinstated_licences_need_a_confirmation_too() {
    let (desk, _) = stocked();
    let run = |command: &str| desk.run(&[command, "--ledger", "ledger.db", "--subject", "cus_42"]);
    assert!(run("revoke").status.success());
    assert!(build(&desk, "r.bin", &["--confirm", "4"]).status.success());
    assert!(run("reinstate").status.success());
    let refused = build(&desk, "r.bin", &[]);
    assert!(text(&refused.stderr).contains("4 licences reinstated"), "{}", text(&refused.stderr));
    assert!(build(&desk, "r.bin", &["--confirm-reinstated", "4"]).status.success());
}

#[test]
fn stricter_terms_need_a_confirmation() {
    let (desk, token) = stocked();
    let id = json(&desk.run(&["--json", "inspect", &token]))["claims"]["cti"].as_str().unwrap().to_owned();
    let revoke = |more: &[&str]| {
        let done = desk.run(&[&["revoke", "--ledger", "ledger.db", "--id", &id], more].concat());
        assert!(done.status.success(), "{}", text(&done.stderr));
        text(&done.stdout)
    };
    let said = revoke(&["--effective", "2999-01-01", "--warn-until", "2999-01-31"]);
    assert!(said.contains("effective from 2999-01-01 00:00:00 UTC, flagged until 2999-02-01 00:00:00 UTC"));
    assert!(build(&desk, "r.bin", &["--confirm", "1"]).status.success());
    for earlier in ["2998-01-01", "2997-01-01"] {
        revoke(&["--effective", earlier, "--warn-until", "2999-01-31"]);
        assert_eq!(build(&desk, "r.bin", &[]).status.code(), Some(2), "brought forward");
        assert!(build(&desk, "r.bin", &["--confirm", "1"]).status.success());
    }
    revoke(&["--effective", "2997-01-01"]);
    assert_eq!(build(&desk, "r.bin", &[]).status.code(), Some(2), "denied, where it was flagged");
}

#[test]
fn nobody_s_bundle_and_a_licence_key_s_bundle_are_refused() {
    let (desk, _) = stocked();
    let ledger = ["bundle", "build", "--ledger", "ledger.db", "--out", "r.bin"];
    let typo = desk.run(&[&ledger[..], &["--issuer", "acne", "--key", "revoker.pem"]].concat());
    assert!(text(&typo.stderr).contains("there are: acme"), "{}", text(&typo.stderr));
    let wrong = desk.run(&[&ledger[..], &["--issuer", "acme", "--key", "acme.pem"]].concat());
    assert!(text(&wrong.stderr).contains("signs licences"), "{}", text(&wrong.stderr));
    assert!(!desk.path().join("r.bin").exists());
    let rule = ["revoke", "--ledger", "ledger.db", "--tier", "pro", "--issuer", "acne"];
    assert_eq!(desk.run(&rule).status.code(), Some(2));
    assert!(build(&desk, "r.bin", &[]).status.success());
    let apply = ["bundle", "apply", "r.bin", "r.bin", "--key", "revoker.pub", "--sign", "acme.pem"];
    assert_eq!(desk.run(&[&apply[..], &["--out", "x.bin"]].concat()).status.code(), Some(2));
}

#[test]
fn a_last_day_of_a_rule_is_included() {
    let (desk, _) = stocked();
    let done = desk.run(&["revoke", "--ledger", "ledger.db", "--issued-to", "2027-01-31"]);
    let said = text(&done.stdout);
    assert!(said.contains("issued until 2027-01-31 23:59:59 UTC"), "{said}");
    for wrong in
        [["--issued-to", "20270131"], ["--issued-from", "1800000000000"], ["--effective", "20280101"]]
    {
        let refused = desk.run(&[&["revoke", "--ledger", "ledger.db", "--tier", "pro"][..], &wrong].concat());
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}");
        assert!(text(&refused.stderr).contains("2000 to 2999"), "{}", text(&refused.stderr));
    }
}

#[test]
fn rules_say_what_they_do_and_how_many_they_hit() {
    let (desk, _) = stocked();
    let run = |arguments: &[&str]| {
        let output = desk.run(arguments);
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let revoke = |more: &[&str]| run(&[&["revoke", "--ledger", "ledger.db"], more].concat());
    let (code, said) = revoke(&["--dry-run", "--subject", "cus_42"]);
    assert_eq!(code, Some(0));
    assert!(said.starts_with("4 licences of 4 in the ledger would be revoked"), "{said}");
    let (_, said) = revoke(&["--dry-run", "--tier", "pro@3", "--reason", "fraud"]);
    assert!(
        said.starts_with("the rule would hit 4 of 4 licences in the ledger: issuer acme and tier pro@3"),
        "{said}"
    );
    assert!(run(&["ledger", "rules", "ledger.db"]).1.contains("no rules"), "nothing was changed");
    let listed = json(&desk.run(&["--json", "ledger", "list", "--ledger", "ledger.db", "--revoked"]));
    assert_eq!(listed.as_array().map(Vec::len), Some(0), "{listed}");

    for (wrong, known) in
        [(["--tier", "gold"], "pro@3"), (["--tier", "pro@2"], "pro@3"), (["--kid", "00112233"], "there are")]
    {
        let (code, said) = revoke(&wrong);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(known) && said.contains("--future"), "{said}");
    }
    let (code, said) = revoke(&["--tier", "gold", "--future"]);
    assert_eq!(code, Some(0), "{said}");
    let (_, said) = revoke(&["--tier", "pro", "--effective", "2999-01-01", "--grace-until", "2999-01-31"]);
    assert!(said.starts_with("added rule 2, which hits 4 of 4 licences"), "{said}");
    assert_eq!(revoke(&["--index-to", "1", "--spare-issued"]).0, Some(0));
    let (_, shown) = run(&["ledger", "rules", "ledger.db"]);
    let squeezed = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(squeezed.contains("1 0 issuer acme and tier gold"), "{shown}");
    assert!(squeezed.contains("in grace from 2999-01-01"), "{shown}");
    for line in shown.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let rules = json(&desk.run(&["--json", "ledger", "rules", "ledger.db"]));
    assert_eq!(
        (&rules[1]["hits"], &rules[1]["effect"], &rules[2]["hits"]),
        (&4.into(), &"grace".into(), &0.into())
    );
}
