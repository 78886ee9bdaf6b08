//! What a person sees: widths, words, times, foreign letters, files of other editors, Ctrl-C.

use std::{fs, process::Command};

use serde_json::Value;

use crate::desk::{BIN, Desk, json, text};

/// A subject that would command a terminal: colours, a title, an 8-bit control and a reordering mark.
const HOSTILE: &str = "cus\u{1b}[31m\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\r42";

/// Whether an output has a character that a terminal would obey, other than the end of a line.
fn commands_a_terminal(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.chars().any(|c| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)))
}

#[test]
fn no_control_character_of_a_subject_reaches_a_terminal() {
    let desk = Desk::new();
    desk.issue(&["--ledger", "ledger.db"]);
    let issue =
        ["issue", "--key", "acme.pem", "--issuer", "acme", "--tier", "pro", "--catalogue", "tiers.toml"];
    let issue =
        [&issue[..], &["--subject", HOSTILE, "--meta", &format!("note={HOSTILE}"), "--ledger", "ledger.db"]];
    let issued = desk.run(&issue.concat());
    assert!(issued.status.success(), "{}", text(&issued.stderr));
    let token = text(&issued.stdout).trim().to_owned();
    let claims = json(&desk.run(&["--json", "inspect", &token]))["claims"].clone();
    assert_eq!(claims["sub"], HOSTILE, "JSON has what was written");
    let id = claims["cti"].as_str().unwrap();
    for arguments in [
        &["inspect", &token][..],
        &["verify", &token, "--key", "acme.pub"],
        &["verify", &token, "--key", "acme.pub", "--now", "2100-01-01"],
        &["ledger", "list", "ledger.db", HOSTILE],
        &["ledger", "show", "ledger.db", id],
        &["revoke", "--ledger", "ledger.db", "--subject", HOSTILE, "--future"],
        &["ledger", "rules", "ledger.db"],
        &["revoke", "--ledger", "ledger.db", "--subject", HOSTILE],
        &["revoke", "--ledger", "ledger.db", "--tier", "pro", "--issuer", HOSTILE],
        &["verify", &format!("{HOSTILE}/x"), "--key", "acme.pub"],
        &["verify", &token, "--key", HOSTILE],
        &["catalogue", "check", HOSTILE],
        &["issue", "--seats", HOSTILE],
        &[HOSTILE],
    ] {
        for json in [&[][..], &["--json"]] {
            let output = desk.run(&[json, arguments].concat());
            assert!(!commands_a_terminal(&output.stdout), "{arguments:?}: {:?}", text(&output.stdout));
            assert!(!commands_a_terminal(&output.stderr), "{arguments:?}: {:?}", text(&output.stderr));
        }
    }
    // What is only said to a person at a terminal.
    if let Some(said) = at_a_terminal(&desk, &issue.concat(), "") {
        let said = said.replace('\r', "").replace("\u{1b}[", "[");
        assert!(said.contains("cus\\u{1b}") && !commands_a_terminal(said.as_bytes()), "{said:?}");
    }
}

/// What the program shows on a terminal of 80 columns, where `typed` is typed; `None` if there is none to be had.
fn at_a_terminal(desk: &Desk, arguments: &[&str], typed: &str) -> Option<String> {
    let quoted = |argument: &&str| format!("'{}'", argument.replace('\'', "'\\''"));
    let line = std::iter::once(&BIN).chain(arguments).map(quoted).collect::<Vec<_>>().join(" ");
    let line = format!("stty cols 80 rows 24; {line}; echo \"exit $?\"; stty -a | grep -o '.echo\\b'");
    let mut child = Command::new("script");
    child.args(["-qec", &line, "/dev/null"]).current_dir(desk.path()).env_remove("LICENTIA_PASSPHRASE");
    child.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = child.spawn().ok()?;
    let mut input = child.stdin.take().unwrap();
    for part in typed.split_inclusive(['\n', '\u{3}']) {
        // The program must have asked before it is answered: what was typed before is flushed.
        std::thread::sleep(std::time::Duration::from_millis(700));
        std::io::Write::write_all(&mut input, part.as_bytes()).unwrap();
    }
    let output = child.wait_with_output().unwrap();
    drop(input);
    Some(text(&output.stdout))
}

#[test]
fn a_passphrase_is_asked_for_and_not_shown() {
    let desk = Desk::new();
    let Some(made) = at_a_terminal(&desk, &["keygen", "--out", "safe"], "correct horse\ncorrect horse\n")
    else {
        return;
    };
    assert!(made.contains("new passphrase of safe.pem") && made.contains("exit 0"), "{made}");
    assert!(!made.contains("horse") && made.trim_end().ends_with(" echo"), "{made}");
    assert!(fs::read_to_string(desk.path().join("safe.pem")).unwrap().contains("ENCRYPTED"));
    let issue =
        ["issue", "--key", "safe.pem", "--issuer", "a", "--tier", "a@1", "--term", "1d", "--subject", "x"];
    let issued = at_a_terminal(&desk, &issue, "wrong\ncorrect hors\u{7f}se\n").unwrap();
    assert!(issued.contains("lic1_") && !issued.contains("horse"), "{issued}");

    let differ = at_a_terminal(&desk, &["keygen", "--out", "other"], "one\ntwo\n").unwrap();
    assert!(differ.contains("differ") && differ.contains("exit 2"), "{differ}");
    let stopped = at_a_terminal(&desk, &["keygen", "--out", "other"], "one\n\u{3}").unwrap();
    assert!(stopped.contains("exit 130") && stopped.trim_end().ends_with(" echo"), "{stopped}");
    let names: Vec<_> = fs::read_dir(desk.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("other")), "{names:?}");
    let plain = at_a_terminal(&desk, &["keygen", "--out", "plain"], "\n").unwrap();
    assert!(plain.contains("exit 0"), "{plain}");
    assert!(!fs::read_to_string(desk.path().join("plain.pem")).unwrap().contains("ENCRYPTED"));
}

#[test]
fn outputs_fit_80_columns() {
    let desk = Desk::new();
    let token =
        desk.issue(&["--ledger", "ledger.db", "--feature", "region=europe-and-the-middle-east@2030-01-01"]);
    for line in [
        "keygen --out root",
        "keyset new keys.toml",
        "keyset add keys.toml --key acme.pub --tier pro --tier free --audience api.acme.example --longest-term 366d",
        "keyset sign keys.toml --root root.pem --out keys.bin",
        "revoke --ledger ledger.db --subject cus_42 --reason unpaid --warn-until 2030-01-01",
        "revoke --ledger ledger.db --tier pro --issued-from 2020-01-01 --issued-to 2020-12-31 --reason fraud",
        "bundle build --ledger ledger.db --issuer acme --key root.pem --out 1.bin --confirm 1",
    ] {
        let output = desk.run(&line.split(' ').collect::<Vec<_>>());
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    }
    let id = json(&desk.run(&["--json", "inspect", &token]))["id"].as_str().unwrap().to_owned();
    for arguments in [
        &["ledger", "list", "--ledger", "ledger.db"][..],
        &["ledger", "show", "--ledger", "ledger.db", &id],
        &["ledger", "find", "--ledger", "ledger.db", &id[..5]],
        &["ledger", "rules", "--ledger", "ledger.db"],
        &["ledger", "stats", "--ledger", "ledger.db"],
        &["keyset", "show", "keys.bin", "--root", "root.pub", "--against", "keys.toml"],
        &["bundle", "inspect", "1.bin"],
        &["bundle", "stats", "1.bin"],
        &["demo"],
        &["codes"],
        &["catalogue", "check", "tiers.toml"],
        &["catalogue", "show", "tiers.toml", "--all"],
        &["inspect", &token],
        &["verify", &token, "--key", "acme.pub"],
        &["verify", &token, "--key", "root.pub"],
        &["keygen", "--out", "other"],
    ] {
        let output = desk.run(arguments);
        let shown = text(&output.stdout);
        assert!(!shown.is_empty(), "{arguments:?}: {}", text(&output.stderr));
        // A token is in one piece, so that it can be copied.
        for line in shown.lines().filter(|line| !line.contains("lic1_")) {
            assert!(line.chars().count() <= 80, "{arguments:?}: {line}");
        }
    }
}

#[test]
fn explanations_have_dates_and_the_customer() {
    let desk = Desk::new();
    let token = desk.issue(&["--now", "2027-01-15", "--meta", "name=Acme Ltd"]);
    let verify = |more: &[&str]| {
        let output = desk.run(&[&["verify", &token, "--key", "acme.pub"], more].concat());
        text(&output.stdout)
    };
    let denied = verify(&["--now", "2030-01-01"]);
    for part in
        ["DENIED expired (301)", "customer  cus_42", "pro@3 of acme", "name = Acme Ltd", "issued 2027-01-15"]
    {
        assert!(denied.contains(part), "{part}: {denied}");
    }
    for shown in
        [denied, verify(&["--now", "2027-06-01"]), verify(&["--now", "2027-06-01", "--feature", "export"])]
    {
        let numbers = shown.split(|c: char| !c.is_ascii_digit()).filter(|digits| digits.len() == 10);
        assert_eq!(numbers.count(), 0, "seconds since 1970: {shown}");
    }
}

#[test]
fn a_file_is_found_without_a_sign_or_missed_by_name() {
    let desk = Desk::new();
    let issued = desk.run(&[
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
        "--out",
        "c.lic",
    ]);
    assert!(text(&issued.stdout).starts_with("c.lic: pro for x, expires "), "{}", text(&issued.stdout));
    let again = desk.run(&[
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
        "--out",
        "c.lic",
    ]);
    assert_eq!(again.status.code(), Some(2), "a licence is not overwritten");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(desk.path().join("c.lic")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "whoever has it can use it");
    }
    for name in ["c.lic", "@c.lic", "./c.lic"] {
        assert_eq!(desk.run(&["verify", name, "--key", "acme.pub"]).status.code(), Some(0), "{name}");
        assert_eq!(desk.run(&["inspect", name]).status.code(), Some(0), "{name}");
    }
    for command in ["verify", "inspect"] {
        let keys: &[&str] = if command == "verify" { &["--key", "acme.pub"] } else { &[] };
        let missed = desk.run(&[&[command, "d.lic"], keys].concat());
        assert_eq!(missed.status.code(), Some(2));
        let said = text(&missed.stderr);
        assert!(said.contains("d.lic: there is no such file") && said.contains("lic1_"), "{said}");
    }
    let bare = desk.run(&["verify", "licence", "--key", "acme.pub"]);
    assert!(text(&bare.stdout).contains("no file of this name"), "{}", text(&bare.stdout));
}

#[test]
fn files_of_every_editor_are_read() {
    let desk = Desk::new();
    let token = desk.issue(&[]);
    let path = |name: &str| desk.path().join(name);
    let utf16 = |text: &str| -> Vec<u8> {
        format!("\u{feff}{text}").replace('\n', "\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    let mark = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n")).into_bytes();
    let read = |name: &str| fs::read_to_string(path(name)).unwrap();
    let (public, private, tiers) = (read("acme.pub"), read("acme.pem"), read("tiers.toml"));
    for name in ["UTF-16", "BOM and CRLF"] {
        let form = |text: &str| if name == "UTF-16" { utf16(text) } else { mark(text) };
        fs::write(path("c.lic"), form(&format!("{token}\n"))).unwrap();
        fs::write(path("w.pub"), form(&public)).unwrap();
        fs::write(path("w.pem"), form(&private)).unwrap();
        fs::write(path("w.toml"), form(&tiers)).unwrap();
        let verified = desk.run(&["verify", "c.lic", "--key", "w.pub"]);
        assert_eq!(
            verified.status.code(),
            Some(0),
            "{name}: {}{}",
            text(&verified.stdout),
            text(&verified.stderr)
        );
        let issue = ["issue", "--issuer", "acme", "--tier", "pro", "--subject", "x"];
        let issued = desk.run(&[&issue[..], &["--key", "w.pem", "--catalogue", "w.toml"]].concat());
        assert!(issued.status.success(), "{name}: {}", text(&issued.stderr));
    }
    fs::write(path("w.toml"), b"name = '\xe9'").unwrap();
    let named = desk.run(&["catalogue", "check", "w.toml"]);
    assert!(text(&named.stderr).contains("save it as UTF-8"), "{}", text(&named.stderr));
}

#[test]
fn values_are_what_they_look_like() {
    let desk = Desk::new();
    let value = |given: &str| {
        let token = desk.issue(&["--feature", &format!("rows={given}")]);
        json(&desk.run(&["--json", "inspect", &token]))["claims"]["features"]["rows"]["value"].clone()
    };
    assert_eq!(value("100_000"), 100_000);
    assert_eq!(value("text:007"), "007");
    assert_eq!(value("gold"), "gold");
    let base =
        ["issue", "--key", "acme.pem", "--issuer", "a", "--tier", "a@1", "--term", "1d", "--subject", "x"];
    let wide = desk.run(&[&base[..], &["--feature", "rows=9007199254740992"]].concat());
    assert_eq!(wide.status.code(), Some(2));
    assert!(text(&wide.stderr).contains("2^53"), "{}", text(&wide.stderr));
}

#[test]
fn suggestions_help() {
    let desk = Desk::new();
    let said = |word: &str| text(&desk.run(&[word]).stderr);
    for (word, command) in
        [("verfy", "verify"), ("validate", "verify"), ("search", "ledger"), ("create", "issue")]
    {
        assert!(said(word).contains(&format!("'{command}'")), "{word}: {}", said(word));
    }
    for word in ["renewal", "renw", "restart"] {
        assert!(!said(word).contains("'revoke'"), "{word}: {}", said(word));
    }
}

#[test]
fn a_bundle_says_whether_a_customer_is_revoked() {
    let desk = Desk::new();
    desk.ok(&["keygen", "--out", "revoker"]);
    desk.ok(&["keygen", "--out", "root"]);
    let token = desk.issue(&["--ledger", "ledger.db"]);
    let other = desk.issue(&["--ledger", "ledger.db"]);
    let id = json(&desk.ok(&["--json", "inspect", &token]))["claims"]["cti"].as_str().unwrap().to_owned();
    let build = ["bundle", "build", "--ledger", "ledger.db", "--issuer", "acme", "--key", "revoker.pem"];
    desk.ok(&[&build[..], &["--out", "1.bin"]].concat());
    desk.ok(&["revoke", "--ledger", "ledger.db", "--id", &id, "--reason", "unpaid"]);
    desk.ok(&[&build[..], &["--out", "2.bin", "--since", "1.bin", "--delta", "12.delta", "--confirm", "1"]]
        .concat());
    desk.ok(&["keyset", "new", "keys.toml", "--key", "acme.pub"]);
    desk.ok(&["keyset", "add", "keys.toml", "--key", "revoker.pub", "--revocation"]);
    desk.ok(&["keyset", "sign", "keys.toml", "--root", "root.pem", "--out", "keys.bin"]);

    let keys = ["--key", "acme.pub", "--revocation-key", "revoker.pub"];
    let keyset = ["--keyset", "keys.bin", "--root", "root.pub"];
    for trust in [&keys, &keyset] {
        let verify = |token: &str, bundles: &[&str]| {
            let output = desk.run(&[&["verify", token], &trust[..], bundles].concat());
            (output.status.code(), text(&output.stdout) + &text(&output.stderr))
        };
        assert_eq!(verify(&token, &["--revocations", "1.bin"]).0, Some(0));
        for bundles in
            [&["--revocations", "2.bin"][..], &["--revocations", "1.bin", "--revocations", "12.delta"]]
        {
            let (code, said) = verify(&token, bundles);
            assert_eq!(code, Some(1), "{said}");
            assert!(
                said.contains("unpaid") && said.contains("bundle 2") && said.contains("cus_42"),
                "{said}"
            );
            assert_eq!(verify(&other, bundles).0, Some(0));
        }
        let (code, said) = verify(&token, &["--revocations", "12.delta"]);
        assert!(code == Some(1) && said.contains("12.delta: bundle_wrong_base"), "{said}");
        assert_eq!(verify(&token, &["--revocations", "none.bin"]).0, Some(2));
    }
    let stranger = ["--key", "acme.pub", "--revocation-key", "root.pub", "--revocations", "2.bin"];
    let untrusted = desk.run(&[&["verify", &token][..], &stranger].concat());
    assert_eq!(untrusted.status.code(), Some(1), "{}", text(&untrusted.stderr));
    assert!(text(&untrusted.stderr).contains("2.bin: bundle_untrusted"), "{}", text(&untrusted.stderr));
    let nobody = desk.run(&["verify", &token, "--key", "acme.pub", "--revocations", "2.bin"]);
    assert_eq!(nobody.status.code(), Some(2));
    assert!(text(&nobody.stderr).contains("--revocation-key"), "{}", text(&nobody.stderr));
    let wrong = desk.run(&["verify", &token, "--keyset", "keys.bin", "--root", "acme.pub"]);
    assert_eq!(wrong.status.code(), Some(1), "{}", text(&wrong.stderr));
}

#[test]
fn a_licence_beyond_its_keys_scope_says_which_bound() {
    let desk = Desk::new();
    desk.ok(&["keygen", "--out", "root"]);
    desk.ok(&["keyset", "new", "keys.toml"]);
    desk.ok(&["keyset", "add", "keys.toml", "--key", "acme.pub", "--tier", "free", "--tier", "trial"]);
    desk.ok(&["keyset", "sign", "keys.toml", "--root", "root.pem", "--out", "keys.bin"]);
    let token = desk.issue(&[]);
    let verify = ["verify", &token, "--keyset", "keys.bin", "--root", "root.pub"];
    let said = text(&desk.run(&verify).stdout);
    assert!(said.contains("key_out_of_scope (205)"), "{said}");
    assert!(said.contains("beyond the key's tiers: only free, trial"), "{said}");
    let value: Value = json(&desk.run(&[&["--json"], &verify[..]].concat()));
    assert_eq!(value["explanation"].as_array().unwrap().last().unwrap()["bound"], "tiers");
}
