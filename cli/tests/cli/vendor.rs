//! Keys, catalogues, ledgers and keysets.

use std::process::{Command, Output};

use crate::desk::{BIN, Desk, json, text};

#[test]
fn keys_are_private_kept_and_can_be_encrypted() {
    let desk = Desk::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(desk.path().join("acme.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = desk.run(&["keygen", "--out", "acme"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("exists"));

    std::fs::write(desk.path().join("pass"), "correct horse\n").unwrap();
    assert!(desk.run(&["keygen", "--out", "safe", "--passphrase-file", "pass"]).status.success());
    assert!(std::fs::read_to_string(desk.path().join("safe.pem")).unwrap().contains("ENCRYPTED"));
    let base = [
        "issue",
        "--key",
        "safe.pem",
        "--issuer",
        "acme",
        "--tier",
        "pro@1",
        "--term",
        "1 year",
        "--subject",
        "x",
    ];
    let without = desk.run(&base);
    assert_eq!(without.status.code(), Some(2));
    assert!(text(&without.stderr).contains("--passphrase-file"));
    assert!(desk.run(&[&base[..], &["--passphrase-file", "pass"]].concat()).status.success());
}

#[test]
fn a_new_sale_takes_the_newest_version_and_an_old_contract_its_own() {
    let desk = Desk::new();
    let version = |more: &[&str]| {
        json(&desk.run(&["--json", "inspect", &desk.issue(more)]))["claims"]["tier"]["version"].clone()
    };
    assert_eq!(version(&[]), 3);
    let old = desk.run(&[
        "--json",
        "issue",
        "--key",
        "acme.pem",
        "--issuer",
        "acme",
        "--tier",
        "pro@2",
        "--catalogue",
        "tiers.toml",
        "--subject",
        "x",
    ]);
    assert_eq!(json(&old)["claims"]["tier"]["version"], 2);
    let none = desk.run(&[
        "issue",
        "--key",
        "acme.pem",
        "--issuer",
        "acme",
        "--tier",
        "gold",
        "--catalogue",
        "tiers.toml",
        "--subject",
        "x",
    ]);
    assert_eq!(none.status.code(), Some(2));
    assert!(text(&none.stderr).contains("there are: pro@2, pro@3"));
}

#[test]
fn a_wrong_catalogue_is_explained_with_its_line() {
    let desk = Desk::new();
    assert!(text(&desk.run(&["catalogue", "check", "tiers.toml"]).stdout).contains("2 versions"));
    let shown = text(&desk.run(&["catalogue", "show", "tiers.toml"]).stdout);
    assert!(shown.contains("pro@3") && shown.contains("100,000/month"), "{shown}");
    std::fs::write(desk.path().join("bad.toml"), "[[tier]]\nname = \"pro\"\nversion = 1\nterm = \"soon\"\n")
        .unwrap();
    let wrong = desk.run(&["catalogue", "check", "bad.toml"]);
    assert_eq!(wrong.status.code(), Some(2));
    let message = text(&wrong.stderr);
    assert!(message.contains("line 4") && message.contains("30 days"), "{message}");
}

#[test]
fn the_ledger_has_what_was_issued() {
    let desk = Desk::new();
    let token = desk.issue(&["--ledger", "ledger.db"]);
    let claims = json(&desk.run(&["--json", "inspect", &token]))["claims"].clone();
    let listed = json(&desk.run(&["--json", "ledger", "subject", "ledger.db", "cus_42"]));
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["id"], claims["cti"]);
    let found = json(&desk.run(&["--json", "ledger", "find", "ledger.db", claims["cti"].as_str().unwrap()]));
    assert_eq!(found, listed);
    let unwritable = desk.run(&[
        "issue",
        "--key",
        "acme.pem",
        "--issuer",
        "acme",
        "--tier",
        "pro",
        "--catalogue",
        "tiers.toml",
        "--subject",
        "x",
        "--ledger",
        "no/such/folder.db",
    ]);
    assert_eq!(
        (unwritable.status.code(), unwritable.stdout.len()),
        (Some(2), 0),
        "no token where it is not recorded"
    );
}

#[test]
fn a_mistyped_path_makes_no_second_ledger() {
    let desk = Desk::new();
    let created = json(&desk.run(&["--json", "ledger", "init", "ledger.db", "--stream", "2"]));
    assert_eq!(created["stream"], 2);
    let again = desk.run(&["ledger", "init", "ledger.db"]);
    assert!(text(&again.stderr).contains("ledger.db exists"), "{}", text(&again.stderr));
    let token = desk.issue(&["--ledger", "ledger.db"]);
    assert_eq!(json(&desk.run(&["--json", "inspect", &token]))["claims"]["stream"], 2);

    let base = ["issue", "--key", "acme.pem", "--issuer", "acme", "--tier", "pro@1", "--term", "1 year"];
    let mistyped = desk.run(&[&base[..], &["--subject", "x", "--ledger", "legder.db"]].concat());
    assert_eq!((mistyped.status.code(), mistyped.stdout.len()), (Some(2), 0));
    let message = text(&mistyped.stderr);
    assert!(message.contains("no such ledger") && message.contains("licentia ledger init"), "{message}");
    assert!(!desk.path().join("legder.db").exists());
    let too_large = desk.run(&["ledger", "init", "other.db", "--stream", "9007199254740992"]);
    assert!(too_large.status.code() == Some(2) && !desk.path().join("other.db").exists());
}

#[test]
fn the_first_licence_creates_the_ledger_and_names_it() {
    let desk = Desk::new();
    let base = [
        "issue",
        "--key",
        "acme.pem",
        "--issuer",
        "acme",
        "--tier",
        "pro@1",
        "--term",
        "1 year",
        "--subject",
        "x",
    ];
    let run = |more: &[&str]| desk.run(&[&base[..], more].concat());
    // Neither a wrong call nor what continues something creates one, nor a folder.
    for wrong in [
        &["--ledger", "l.db", "--keyset", "none.toml"][..],
        &["--ledger", "l.db", "--renews", "0123456789abcdef0123456789abcdef"],
        &["--ledger", "folder/l.db"],
        &["--ledger", "l.db", "--out", "folder/c.lic"],
    ] {
        let output = run(wrong);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{wrong:?}");
        assert!(!desk.path().join("l.db").exists() && !desk.path().join("folder").exists(), "{wrong:?}");
    }
    for command in [
        &["renew", "01", "--term", "1 year"][..],
        &["upgrade", "01", "--tier", "pro@2", "--catalogue", "tiers.toml"],
        &["revoke", "--subject", "x"],
    ] {
        let key: &[&str] = if command[0] == "revoke" { &[] } else { &["--key", "acme.pem"] };
        let output = desk.run(&[command, key, &["--ledger", "l.db"]].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("no such ledger"), "{}", text(&output.stderr));
    }
    assert!(!desk.path().join("l.db").exists());
    let first = run(&["--ledger", "l.db"]);
    assert!(first.status.success() && first.stdout.starts_with(b"lic1_"));
    assert!(text(&first.stderr).contains("created the ledger l.db"), "{}", text(&first.stderr));
    let second = run(&["--ledger", "l.db"]);
    assert!(second.status.success() && !text(&second.stderr).contains("created"));
    // A mistyped name beside it is not a second ledger.
    let mistyped = run(&["--ledger", "1.db"]);
    assert_eq!(mistyped.status.code(), Some(2));
    assert!(text(&mistyped.stderr).contains("there is l.db"), "{}", text(&mistyped.stderr));
    // Another program's database is none, and a table creates one too.
    std::fs::create_dir(desk.path().join("sub")).unwrap();
    std::fs::write(desk.path().join("sub/other.db"), b"SQLite format 3\0 and something else").unwrap();
    std::fs::write(desk.path().join("customers.csv"), "subject\na\nb\n").unwrap();
    let table = ["issue", "--key", "acme.pem", "--issuer", "acme", "--tier", "pro@1", "--term", "1 year"];
    let many = desk.run(&[&table[..], &["--from", "customers.csv", "--ledger", "sub/l.db"]].concat());
    assert!(many.status.success() && text(&many.stderr).contains("created the ledger sub/l.db"));
    assert_eq!(json(&desk.run(&["--json", "ledger", "stats", "sub/l.db"]))["issued"], 2);
}

#[test]
fn what_cannot_be_written_is_not_issued() {
    let desk = Desk::new();
    let (id, lineage) = crate::desk::ids(&desk, &desk.issue(&["--ledger", "l.db"]));
    std::fs::write(desk.path().join("taken.lic"), "mine").unwrap();
    let of = ["--ledger", "l.db", "--key", "acme.pem", "--out", "taken.lic"];
    for command in [
        &["renew", &lineage, "--term", "1 year"][..],
        &["upgrade", &lineage, "--tier", "pro@2", "--catalogue", "tiers.toml"],
        &["ledger", "resend", &id, "--replace"],
    ] {
        let output = desk.run(&[command, &of].concat());
        assert_eq!(output.status.code(), Some(2), "{command:?}");
    }
    let stats = json(&desk.run(&["--json", "ledger", "stats", "l.db"]));
    assert_eq!((&stats["issued"], &stats["tiers"][0]["states"]["revoked"]), (&1.into(), &0.into()));
    assert_eq!(std::fs::read(desk.path().join("taken.lic")).unwrap(), b"mine");
}

#[test]
fn keys_that_begin_alike_are_told_apart_by_a_longer_identifier() {
    let desk = Desk::new();
    for (name, number) in [("first", 102_343_u64), ("second", 105_824)] {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        let key = licentia_issuer::SigningKey::from_seed(&seed).unwrap();
        key.save(&desk.path().join(format!("{name}.pem")), None).unwrap();
        std::fs::write(desk.path().join(format!("{name}.pub")), key.public().to_string()).unwrap();
    }
    desk.ok(&["keygen", "--out", "root"]);
    desk.ok(&["keyset", "new", "keys.toml", "--key", "first.pub"]);
    let added = desk.ok(&["keyset", "add", "keys.toml", "--key", "second.pub"]);
    let note = text(&added.stderr);
    let kid = note.split("--kid ").nth(1).unwrap().trim().to_owned();
    assert!(note.contains("152bebcf") && kid.starts_with("152bebcf") && kid.len() == 10, "{note}");
    desk.ok(&["keyset", "sign", "keys.toml", "--root", "root.pem", "--out", "keys.bin"]);

    let issue = |key: &str, more: &[&str]| {
        let base =
            ["issue", "--issuer", "acme", "--tier", "pro@1", "--term", "1 year", "--subject", "x", "--key"];
        desk.run(&[&base[..], &[key], more].concat())
    };
    let verify = |token: &Output| {
        let token = text(&token.stdout);
        let words = ["--json", "verify", token.trim(), "--keyset", "keys.bin", "--root", "root.pub"];
        json(&desk.run(&words))["name"].clone()
    };
    assert_eq!(verify(&issue("first.pem", &[])), "allowed");
    assert_eq!(verify(&issue("second.pem", &["--kid", &kid])), "allowed");
    assert_eq!(verify(&issue("second.pem", &[])), "bad_signature");
    let other = issue("first.pem", &["--kid", &kid]);
    assert!(text(&other.stderr).contains("another key"), "{}", text(&other.stderr));
    assert_eq!(issue("first.pem", &["--kid", "152beb"]).status.code(), Some(2), "fewer than four bytes");
}

#[test]
fn keysets_rotate_and_revoke() {
    let desk = Desk::new();
    desk.ok(&["keygen", "--out", "root"]);
    desk.ok(&["keygen", "--out", "next"]);
    desk.ok(&["keyset", "new", "keys.toml", "--key", "acme.pub"]);
    desk.ok(&[
        "keyset",
        "add",
        "keys.toml",
        "--key",
        "next.pub",
        "--tier",
        "pro",
        "--longest-term",
        "400 days",
    ]);
    desk.ok(&["keyset", "sign", "keys.toml", "--root", "root.pem", "--out", "keys.bin"]);
    let token = desk.issue(&[]);
    let verify = |keyset: &str| {
        let output = desk.run(&["--json", "verify", &token, "--keyset", keyset, "--root", "root.pub"]);
        (output.status.code(), json(&output)["name"].clone())
    };
    assert_eq!(verify("keys.bin"), (Some(0), "allowed".into()));
    let shown = json(&desk.ok(&["--json", "keyset", "show", "keys.bin", "--root", "root.pub"]));
    let kid = shown["keys"][0]["kid"].as_str().unwrap().to_owned();
    desk.ok(&["keyset", "retire", "keys.toml", &kid]);
    desk.ok(&["keyset", "sign", "keys.toml", "--root", "root.pem", "--out", "keys2.bin"]);
    assert_eq!(verify("keys2.bin"), (Some(0), "allowed".into()));
    desk.ok(&["keyset", "revoke", "keys.toml", &kid]);
    let signed = json(&desk.ok(&[
        "--json",
        "keyset",
        "sign",
        "keys.toml",
        "--root",
        "root.pem",
        "--out",
        "keys3.bin",
    ]));
    assert_eq!((&signed["sequence"], &signed["keys"][0]["state"]), (&3.into(), &"revoked".into()));
    assert_eq!(verify("keys3.bin"), (Some(1), "key_revoked".into()));
    let wrong = desk.run(&["keyset", "show", "keys.bin", "--root", "acme.pub"]);
    assert_eq!(wrong.status.code(), Some(1), "not trusted");
}

#[test]
fn a_public_key_alone_is_not_overwritten_either() {
    let desk = Desk::new();
    std::fs::write(desk.path().join("half.pub"), "mine").unwrap();
    assert_eq!(desk.run(&["keygen", "--out", "half"]).status.code(), Some(2));
    assert_eq!(std::fs::read_to_string(desk.path().join("half.pub")).unwrap(), "mine");
    assert!(!desk.path().join("half.pem").exists());
}

#[test]
fn an_empty_passphrase_makes_no_key_at_all() {
    let desk = Desk::new();
    std::fs::write(desk.path().join("empty"), "\n").unwrap();
    let output = desk.run(&["keygen", "--out", "safe", "--passphrase-file", "empty"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("is empty"));
    assert!(!desk.path().join("safe.pem").exists());

    let keygen = |passphrase| {
        let mut command = Command::new(BIN);
        command.args(["--json", "keygen", "--out", "safe"]).current_dir(desk.path());
        command.env("LICENTIA_PASSPHRASE", passphrase).output().unwrap()
    };
    assert_eq!(keygen("").status.code(), Some(2));
    assert_eq!(json(&keygen("correct horse"))["encrypted"], true);
}

#[test]
fn the_commands_that_list_have_the_names_that_one_tries() {
    let desk = Desk::new();
    let token = desk.issue(&["--ledger", "ledger.db"]);
    let id = json(&desk.run(&["--json", "inspect", &token]))["claims"]["cti"].clone();
    let listed = text(&desk.run(&["ledger", "list", "ledger.db", "cus_42"]).stdout);
    assert!(listed.contains(id.as_str().unwrap()) && listed.contains("pro@3"), "{listed}");
    assert_eq!(
        json(&desk.run(&["--json", "ledger", "show", "ledger.db", id.as_str().unwrap()]))[0]["id"],
        id
    );
    assert!(text(&desk.run(&["ledger", "list", "ledger.db", "nobody"]).stdout).contains("no such licence"));
    let sold = text(&desk.run(&["catalogue", "show", "tiers.toml"]).stdout);
    assert!(sold.lines().any(|line| line.starts_with("api ") && line.ends_with(" 10/1 s")), "{sold}");
    let missing = text(&desk.run(&["catalogue", "check", "none.toml"]).stderr);
    assert_eq!(missing.matches("none.toml").count(), 1, "{missing}");
}

#[test]
fn a_key_only_moves_towards_less_trust() {
    let desk = Desk::new();
    desk.says(&["keygen", "--out", "root"]);
    desk.says(&["keygen", "--out", "other"]);
    desk.says(&["keyset", "new", "keys.toml", "--key", "acme.pub"]);
    let said = desk.says(&["keyset", "add", "keys.toml", "--key", "other.pub", "--not-after", "2027-01-31"]);
    assert!(said.contains("until 2027-01-31 23:59:59 UTC"), "{said}");
    let sign = ["--json", "keyset", "sign", "keys.toml", "--root", "root.pem", "--out", "keys.bin"];
    let signed: serde_json::Value = serde_json::from_str(&desk.says(&sign)).unwrap();
    let kid = signed["keys"][0]["kid"].as_str().unwrap().to_owned();
    let other = signed["keys"][1]["kid"].as_str().unwrap().to_owned();
    desk.says(&["keyset", "revoke", "keys.toml", &kid]);
    desk.says(&sign);
    let draft = std::fs::read_to_string(desk.path().join("keys.toml")).unwrap();
    let back = desk.run(&["keyset", "retire", "keys.toml", &kid]);
    assert_eq!(back.status.code(), Some(2));
    assert!(text(&back.stderr).contains("a revoked key stays revoked"), "{}", text(&back.stderr));
    desk.says(&["keyset", "retire", "keys.toml", &other, "--now", "2028-01-01"]);
    assert!(
        desk.says(&["keyset", "sign", "keys.toml", "--root", "root.pem", "--out", "keys.bin"])
            .contains("until 2027-01-31 23:59:59 UTC"),
        "not widened"
    );
    // A draft that was edited by hand.
    std::fs::write(desk.path().join("keys.toml"), draft.replace("state = \"revoked\"", "state = \"active\""))
        .unwrap();
    let trusted = desk.run(&sign);
    assert_eq!(trusted.status.code(), Some(2));
    assert!(text(&trusted.stderr).contains("trusted more"), "{}", text(&trusted.stderr));
}

#[test]
fn a_root_signs_no_nonsense() {
    let desk = Desk::new();
    let run = |arguments: &[&str]| desk.run(arguments);
    assert!(run(&["keygen", "--out", "root"]).status.success());
    assert!(run(&["keyset", "new", "keys.toml", "--key", "acme.pub"]).status.success());
    let sign = ["keyset", "sign", "keys.toml", "--root", "root.pem", "--out", "keys.bin"];
    for (more, said) in [
        (["--expires", "2020-01-01"], "every gate would refuse"),
        (["--expires", "20991231"], "2000 to 2999"),
        (["--expires", "4102444800000"], "milliseconds"),
    ] {
        let refused = run(&[&sign[..], &more].concat());
        assert_eq!(refused.status.code(), Some(2), "{more:?}");
        assert!(text(&refused.stderr).contains(said), "{}", text(&refused.stderr));
    }
    let window = ["--not-before", "2027-02-01", "--not-after", "2027-01-31"];
    assert!(run(&["keygen", "--out", "other"]).status.success());
    let empty = run(&[&["keyset", "add", "keys.toml", "--key", "other.pub"][..], &window].concat());
    assert!(text(&empty.stderr).contains("`not_before` is later"), "{}", text(&empty.stderr));
    assert!(run(&["keyset", "add", "keys.toml", "--key", "root.pub"]).status.success());
    assert!(text(&run(&sign).stderr).contains("is the root key"));
    assert!(!desk.path().join("keys.bin").exists());
}

#[test]
fn numbers_are_not_taken_for_times_and_a_day_is_a_whole_one() {
    let desk = Desk::new();
    let base = ["issue", "--key", "acme.pem", "--issuer", "acme", "--tier", "pro@1", "--subject", "x"];
    let issue = |more: &[&str]| desk.run(&[&["--json"], &base[..], &["--now", "2027-01-15"], more].concat());
    for wrong in [
        &["--expires", "20270131"][..],
        &["--expires", "202701311200"],
        &["--expires", "1800000000000"],
        &["--expires", "2030-01-01", "--starts", "20270131"],
        &["--expires", "2030-01-01", "--feature", "sso=true@20270131"],
        &["--expires", "2030-01-01", "--now", "20270131"],
    ] {
        let refused = desk.run(&[&base[..], wrong].concat());
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0), "{wrong:?}");
        assert!(text(&refused.stderr).contains("2000 to 2999"), "{}", text(&refused.stderr));
    }
    let claims = |more: &[&str]| json(&issue(more))["claims"].clone();
    assert_eq!(claims(&["--expires", "2027-01-31"])["exp"], 1_801_440_000, "when the day is over");
    assert_eq!(claims(&["--expires", "2027-01-31T00:00:00Z"])["exp"], 1_801_353_600);
    let never = claims(&["--expires", "never"])["exp"].clone();
    assert_eq!(claims(&["--expires", "9999-12-31"])["exp"], never);
}

#[test]
fn a_table_is_read_as_spreadsheets_write_it_and_what_is_wrong_is_named() {
    let desk = Desk::new();
    let utf16: Vec<u8> =
        "\u{feff}reference\tsubject\r\no-1\tc\u{fc}s\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(desk.path().join("table.csv"), utf16).unwrap();
    let base =
        ["issue", "--key", "acme.pem", "--issuer", "acme", "--tier", "pro", "--catalogue", "tiers.toml"];
    let more = ["--ledger", "l.db", "--from", "table.csv", "--out", "licences"];
    let run = || desk.run(&[&base[..], &more].concat());
    assert!(run().status.success(), "{}", text(&run().stderr));
    assert_eq!(json(&desk.run(&["--json", "ledger", "list", "l.db"]))[0]["subject"], "c\u{fc}s");
    for (table, said) in [
        (
            "reference,subject,tier\no-2,cus_2\n",
            "table.csv: line 2: 2 cells where the first line names 3 columns",
        ),
        ("subject\ncus_2,pro\n", "line 2: 2 cells where the first line names 1 column"),
        ("reference,subject\no-2,\n", "table.csv: line 2: name the customer"),
        ("", "table.csv: the table has no line"),
        ("subjct\nx\n", "table.csv: there is no column \"subjct\""),
        ("reference,subject\no-2,a\no-2,b\n", "\"o-2\" appears twice"),
    ] {
        std::fs::write(desk.path().join("table.csv"), table).unwrap();
        let output = run();
        assert_eq!(output.status.code(), Some(2), "{table}");
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
    }
    assert_eq!(json(&desk.run(&["--json", "ledger", "stats", "l.db"]))["issued"], 1);
}

#[test]
fn a_wrong_file_is_named_for_what_it_is_not() {
    let desk = Desk::new();
    std::fs::write(desk.path().join("c.lic"), desk.issue(&[])).unwrap();
    for name in ["root", "other"] {
        assert!(desk.run(&["keygen", "--out", name]).status.success());
    }
    assert!(desk.run(&["keyset", "new", "k.toml", "--key", "acme.pub"]).status.success());
    assert!(desk.run(&["keyset", "sign", "k.toml", "--root", "root.pem", "--out", "k.bin"]).status.success());
    let verify = |keyset: &str, root: &str, more: &[&str]| {
        let output = desk.run(&[&["verify", "@c.lic", "--keyset", keyset, "--root", root], more].concat());
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr)
    };
    let said = verify("c.lic", "root.pub", &[]);
    assert!(said.contains("c.lic: ") && said.contains("this is no keyset"), "{said}");
    let said = verify("k.bin", "other.pub", &[]);
    assert!(said.contains("k.bin: unknown_key: it is not signed with a key that is given here"), "{said}");
    let said = verify("k.bin", "root.pub", &["--revocations", "k.bin"]);
    assert!(said.contains("k.bin: wrong_typ: this is no bundle of revocations"), "{said}");
    desk.issue(&["--ledger", "l.db"]);
    let renew = ["renew", "cus_42", "--term", "1 year", "--key", "acme.pem", "--ledger", "l.db"];
    let said = text(&desk.run(&renew).stderr);
    assert!(said.contains("licentia ledger list --subject cus_42"), "{said}");
    let ledger = desk.run(&["ledger", "list", "tiers.toml"]);
    assert_eq!(ledger.status.code(), Some(2));
    assert!(text(&ledger.stderr).contains("tiers.toml: this is no ledger"), "{}", text(&ledger.stderr));
}
