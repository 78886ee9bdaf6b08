//! The ledger: asked, copied, and what is issued from it.

use std::fs;

use serde_json::Value;

use crate::desk::{Desk, json, text};

/// A desk with a ledger, and a licence of one customer.
fn opened() -> (Desk, String) {
    let desk = Desk::new();
    let token = desk.issue(&["--ledger", "ledger.db"]);
    let id = json(&desk.run(&["--json", "inspect", &token]))["claims"]["cti"].as_str().unwrap().to_owned();
    (desk, id)
}

fn fails(desk: &Desk, arguments: &[&str], code: i32) -> String {
    let output = desk.run(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stdout));
    text(&output.stderr)
}

const ISSUE: [&str; 7] = ["issue", "--key", "acme.pem", "--issuer", "acme", "--catalogue", "tiers.toml"];

#[test]
fn nobody_is_renewed_into_the_lineage_of_another() {
    let (desk, id) = opened();
    let renew = |subject: &str, lineage: &str, more: &[&str]| {
        let wanted = ["--tier", "pro", "--subject", subject, "--renews", lineage];
        desk.run(&[&ISSUE[..], &wanted, more].concat())
    };
    let ledger = ["--ledger", "ledger.db"];
    assert!(renew("cus_42", &id, &ledger).status.success());
    let foreign = renew("cus_43", &id, &ledger);
    assert_eq!((foreign.status.code(), foreign.stdout.len()), (Some(2), 0));
    assert!(text(&foreign.stderr).contains("belongs to \"cus_42\""), "{}", text(&foreign.stderr));
    let typo = renew("cus_42", &"7".repeat(32), &ledger);
    assert!(text(&typo.stderr).contains("no lineage 7777"), "{}", text(&typo.stderr));
    assert!(text(&renew("cus_42", &id, &[]).stderr).contains("need the ledger"));
}

#[test]
fn a_renewal_counts_from_the_end_of_the_paid_term() {
    let (desk, id) = opened();
    let claims = |output: &std::process::Output| json(output)["claims"].clone();
    let old = json(&desk.run(&["--json", "ledger", "find", "ledger.db", &id]))[0].clone();
    let base = ["--json", "renew", &id[..9], "--ledger", "ledger.db", "--key", "acme.pem"];
    let renewed =
        claims(&desk.run(&[&base[..], &["--catalogue", "tiers.toml", "--subject", "cus_42"]].concat()));
    let year = renewed["grant"]["term_end"].as_u64().or(renewed["term_end"].as_u64()).unwrap();
    let paid = old["term_end"].as_u64().unwrap();
    assert!((365..=366).contains(&((year - paid) / 86_400)), "{renewed}");
    let foreign = desk.run(&[&base[..], &["--term", "1 year", "--subject", "cus_43"]].concat());
    assert!(text(&foreign.stderr).contains("belongs to cus_42"), "{}", text(&foreign.stderr));
    let neither = desk.run(&base);
    assert_eq!(neither.status.code(), Some(2), "for how long?");
    let shown = json(&desk.run(&["--json", "ledger", "show", "ledger.db", &id]));
    assert_eq!(shown[0]["history"].as_array().unwrap().len(), 2);

    let upgrade = ["upgrade", &id, "--tier", "team@1", "--feature", "sso", "--key", "acme.pem"];
    let upgraded =
        claims(&desk.run(&[&["--json"], &upgrade[..], &["--ledger", "ledger.db", "--replace"]].concat()));
    assert_eq!(upgraded["tier"]["name"], "team");
    let states: Vec<Value> = json(&desk.run(&["--json", "ledger", "list", "ledger.db", "cus_42"]))
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["state"].clone())
        .collect();
    assert_eq!(states.iter().filter(|state| **state == "revoked").count(), 1, "{states:?}");
}

#[test]
fn an_order_is_issued_once() {
    let (desk, _) = opened();
    let order = |more: &[&str]| {
        let wanted = ["--tier", "pro", "--subject", "ann", "--reference", "order-1", "--ledger", "ledger.db"];
        desk.run(&[&ISSUE[..], &wanted, more].concat())
    };
    let (first, again) = (order(&[]), order(&[]));
    assert!(first.status.success() && first.stdout == again.stdout, "{}", text(&again.stderr));
    let other = text(&order(&["--seats", "9"]).stderr);
    assert!(other.contains("was used before") && other.contains("what is granted differs"), "{other}");
    let written = order(&["--out", "ann.lic"]);
    assert!(written.status.success());
    assert_eq!(fs::read(desk.path().join("ann.lic")).unwrap(), first.stdout);
}

#[test]
fn a_table_of_customers_is_issued_and_a_run_that_was_cut_off_is_repeated() {
    let (desk, _) = opened();
    let table = "\u{feff}reference,subject,tier,quota.calls,meta.order,audience\r\n\
        r-1,ann,pro@2,,17,api;batch\r\nr/2,bob,,5/day,,\r\n";
    fs::write(desk.path().join("customers.csv"), table).unwrap();
    let bulk = |from: &str, more: &[&str]| {
        let wanted = ["--tier", "pro", "--ledger", "ledger.db", "--from", from];
        desk.run(&[&ISSUE[..], &wanted, more].concat())
    };
    let first = bulk("customers.csv", &[]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let out = text(&first.stdout);
    let rows: Vec<Vec<&str>> = out.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0], ["reference", "subject", "id", "lineage", "expires", "token"]);
    assert_eq!((rows.len(), rows[1][0], rows[2][1]), (3, "r-1", "bob"));
    let claims = |token: &str| json(&desk.run(&["--json", "inspect", token]))["claims"].clone();
    assert_eq!(claims(rows[1][5])["tier"]["version"], 2);
    assert_eq!(claims(rows[1][5])["aud"], serde_json::json!(["api", "batch"]));
    assert_eq!(claims(rows[2][5])["tier"]["version"], 3, "the option holds where the cell is empty");

    let again = desk.run(
        &[
            &["--json"],
            &ISSUE[..],
            &["--tier", "pro", "--ledger", "ledger.db", "--from", "customers.csv", "--out", "out"],
        ]
        .concat(),
    );
    assert_eq!(json(&again)["repeated"], 2, "{}", text(&again.stderr));
    let file = |name: &str| fs::read_to_string(desk.path().join("out").join(name)).unwrap();
    assert_eq!((file("r-1.lic").trim(), file("r%2F2.lic").trim()), (rows[1][5], rows[2][5]));
    assert!(bulk("customers.csv", &["--out", "out.csv"]).status.success());
    assert_eq!(fs::read_to_string(desk.path().join("out.csv")).unwrap(), out);
    assert_eq!(json(&desk.run(&["--json", "ledger", "stats", "ledger.db"]))["issued"], 3);

    for (table, said) in [
        ("subject,teir\nann,pro\n", "no column \"teir\""),
        ("subject,seats\nann,many\n", "line 2"),
        ("subject,reference\nann,1\nbob,1\n", "appears twice"),
        ("subject\n", "no line"),
        ("subject,tier\nann,pro\nbob,gold\n", "line 3"),
        ("subject,tier\nann\n", "line"),
    ] {
        fs::write(desk.path().join("wrong.csv"), table).unwrap();
        let refused = bulk("wrong.csv", &[]);
        assert_eq!(refused.status.code(), Some(2), "{table}");
        assert!(text(&refused.stderr).contains(said), "{table}: {}", text(&refused.stderr));
    }
    assert_eq!(
        json(&desk.run(&["--json", "ledger", "stats", "ledger.db"]))["issued"],
        3,
        "nothing was issued"
    );
}

#[test]
fn the_ledger_is_asked_in_many_ways() {
    let (desk, id) = opened();
    desk.says(&[&ISSUE[..], &["--tier", "pro@2", "--subject", "ann", "--ledger", "ledger.db"]].concat());
    desk.says(&["revoke", "--ledger", "ledger.db", "--id", &id, "--reason", "fraud"]);
    let subjects = |more: &[&str]| {
        let output = desk.run(&[&["--json", "ledger", "list", "ledger.db"], more].concat());
        assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
        let found = json(&output);
        found
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["subject"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(subjects(&["--sort", "subject"]), ["ann", "cus_42"]);
    assert_eq!(subjects(&["--sort", "subject", "--reverse"]), ["cus_42", "ann"]);
    assert_eq!(subjects(&["--tier", "pro@2"]), ["ann"]);
    assert_eq!(subjects(&["--revoked"]), ["cus_42"]);
    assert_eq!(subjects(&["--state", "active"]), ["ann"]);
    assert_eq!(subjects(&["cus*"]), ["cus_42"]);
    assert_eq!(subjects(&["--expiring-within", "1 day"]), Vec::<String>::new());
    assert_eq!(subjects(&["--id", &id[..5]]), ["cus_42"]);
    let csv = desk.says(&["ledger", "list", "ledger.db", "--csv", "--sort", "subject"]);
    assert!(csv.starts_with("id,lineage,issuer,subject,tier,") && csv.lines().count() == 3, "{csv}");
    assert!(csv.lines().nth(2).unwrap().ends_with("revoked,fraud"), "{csv}");
    let shown = desk.says(&["ledger", "show", "ledger.db", &id[..8]]);
    assert!(shown.contains("fraud") && shown.contains("cus_42") && shown.contains(&id), "{shown}");
    let nobody = desk.run(&["ledger", "list", "ledger.db", "nobody"]);
    assert_eq!(nobody.status.code(), Some(1), "a search without a hit");
    assert_eq!(desk.run(&["ledger", "show", "ledger.db", "00000000"]).status.code(), Some(1));
    assert!(fails(&desk, &["ledger", "list", "typo.db"], 2).contains("no such ledger"));
    assert!(fails(&desk, &["ledger", "list"], 2).contains("LICENTIA_LEDGER"));
    assert!(!desk.path().join("typo.db").exists());
}

#[test]
fn a_lost_licence_and_a_lost_key_are_no_loss() {
    let (desk, id) = opened();
    let token = desk.says(&["ledger", "resend", &id, "--ledger", "ledger.db", "--key", "acme.pem", "--same"]);
    assert_eq!(json(&desk.run(&["--json", "inspect", token.trim()]))["claims"]["cti"], id.as_str());
    let new =
        desk.says(&["ledger", "resend", &id, "--ledger", "ledger.db", "--key", "acme.pem", "--replace"]);
    assert_ne!(new, token);
    desk.says(&["keygen", "--out", "next"]);
    let kid = json(&desk.run(&["--json", "ledger", "find", "ledger.db", &id]))[0]["kid"]
        .as_str()
        .unwrap()
        .to_owned();
    let reissue = ["--json", "reissue", "--kid", &kid, "--key", "next.pem", "--ledger", "ledger.db"];
    let counted = json(&desk.run(&[&reissue[..], &["--dry-run"]].concat()));
    assert_eq!((&counted["licenses"], &counted["good"]), (&2.into(), &1.into()));
    let first = json(&desk.run(&reissue));
    assert_eq!(first.as_array().unwrap().len(), 1, "the revoked one is left out");
    assert_eq!(first[0]["lineage"], id.as_str());
    assert_eq!(json(&desk.run(&reissue)), first, "the same again");
    let verified = desk.run(&["verify", first[0]["token"].as_str().unwrap(), "--key", "next.pub"]);
    assert!(verified.status.success());
    let itself = ["reissue", "--kid", &kid, "--key", "acme.pem", "--ledger", "ledger.db"];
    assert!(fails(&desk, &itself, 2).contains("is the old key"));
    let nobody = ["reissue", "--kid", "00112233", "--key", "next.pem", "--ledger", "ledger.db"];
    assert!(fails(&desk, &nobody, 2).contains("no licence of key 00112233"));
}

#[test]
fn a_backup_goes_back_only_with_a_word() {
    let (desk, _) = opened();
    desk.says(&["ledger", "backup", "ledger.db", "--out", "backup.db"]);
    assert!(fails(&desk, &["ledger", "backup", "ledger.db", "--out", "backup.db"], 2).contains("exists"));
    desk.issue(&["--ledger", "ledger.db"]);
    let restore = ["ledger", "restore", "backup.db", "--ledger", "ledger.db"];
    let refused = fails(&desk, &restore, 2);
    assert!(refused.contains("1 of the ledger's licences") && refused.contains("--older"), "{refused}");
    desk.says(&[&restore[..], &["--older"]].concat());
    assert_eq!(json(&desk.run(&["--json", "ledger", "stats", "ledger.db"]))["issued"], 1);
    desk.says(&["ledger", "restore", "backup.db", "--ledger", "new.db"]);
    assert_eq!(json(&desk.run(&["--json", "ledger", "stats", "new.db"]))["issued"], 1);
    #[cfg(unix)]
    for name in ["ledger.db", "backup.db", "new.db"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(desk.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
}

#[test]
fn the_environment_names_the_ledger_and_no_password_is_shown() {
    let (desk, id) = opened();
    let with = |place: &str, arguments: &[&str]| {
        let mut command = std::process::Command::new(crate::desk::BIN);
        command.args(arguments).current_dir(desk.path()).env("LICENTIA_LEDGER", place).output().unwrap()
    };
    let found = json(&with("ledger.db", &["--json", "ledger", "list", "cus_42"]));
    assert_eq!(found[0]["id"], id.as_str());
    assert_eq!(
        json(&with("elsewhere.db", &["--json", "ledger", "list", "ledger.db"])),
        found,
        "the word is a file"
    );
    assert_eq!(json(&with("ledger.db", &["--json", "ledger", "find", &id])), found);
    let away = with("postgres://ann:s3cret@127.0.0.1:1/db", &["ledger", "list"]);
    assert_eq!(away.status.code(), Some(2));
    assert!(!text(&away.stderr).contains("s3cret"), "{}", text(&away.stderr));
}

/// The program as somebody whom permissions hold, unlike root.
#[cfg(target_os = "linux")]
fn held_by_permissions(desk: &Desk, arguments: &[&str]) -> std::process::Output {
    let is_root = std::process::Command::new("id").arg("-u").output().unwrap().stdout.starts_with(b"0\n");
    let mut command = std::process::Command::new(if is_root { "unshare" } else { crate::desk::BIN });
    if is_root {
        command.args(["--user", "--map-user=1000", "--map-group=1000", "--", crate::desk::BIN]);
    }
    command.args(arguments).current_dir(desk.path()).env_remove("LICENTIA_LEDGER").output().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_ledger_that_nobody_can_write_is_read_where_nobody_can_write() {
    use std::os::unix::fs::PermissionsExt;
    let (desk, id) = opened();
    let folder = desk.path().join("archive");
    fs::create_dir(&folder).unwrap();
    fs::rename(desk.path().join("ledger.db"), folder.join("ledger.db")).unwrap();
    let permit = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    permit(&folder.join("ledger.db"), 0o400);
    permit(&folder, 0o500);
    let found = held_by_permissions(&desk, &["--json", "ledger", "list", "archive/ledger.db"]);
    let shown = held_by_permissions(&desk, &["ledger", "show", "archive/ledger.db", &id[..8]]);
    let revoked = held_by_permissions(&desk, &["revoke", "--ledger", "archive/ledger.db", "--id", &id]);
    permit(&folder, 0o700);
    assert!(found.status.success(), "{}", text(&found.stderr));
    assert_eq!(json(&found)[0]["id"], id.as_str());
    assert!(text(&shown.stdout).contains(&id), "{}", text(&shown.stderr));
    assert_eq!(revoked.status.code(), Some(2), "it is only read");
}
