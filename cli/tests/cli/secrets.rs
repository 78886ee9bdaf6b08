//! Nothing secret leaves the program where it does not belong.

use crate::desk::{Desk, text};

#[test]
fn nothing_secret_is_said_in_errors_and_notes() {
    let desk = Desk::new();
    let secret = std::fs::read_to_string(desk.path().join("acme.pem")).unwrap();
    let secret = secret.lines().nth(1).unwrap();
    let token = desk.issue(&[]);
    let damaged = format!("{token}!");
    let cut = &token[..token.len() - 9];
    for arguments in [
        &["verify", &damaged, "--key", "acme.pub"][..],
        &["verify", cut, "--key", "acme.pub"],
        &["inspect", &damaged],
        &["inspect", cut],
        &["prove", cut, "--key", "acme.pem", "--uri", "x"],
        &["verify", &token, "--key", "acme.pem"],
    ] {
        let output = desk.run(arguments);
        let said = text(&output.stderr) + &text(&output.stdout);
        assert!(!said.contains(&token[40..80]) && !said.contains(secret), "{arguments:?}: {said}");
    }
}

#[test]
fn what_is_pasted_in_the_wrong_place_is_not_repeated() {
    let desk = Desk::new();
    let pem = std::fs::read_to_string(desk.path().join("acme.pem")).unwrap();
    let secret = pem.lines().nth(1).unwrap();
    let token = desk.issue(&[]);
    let attached = format!("--key={pem}");
    for arguments in [
        &[&token[..]][..],
        &["verify", &token, &token, "--key", "acme.pub"],
        &["verify", "-", "--key", &token],
        &["verify", "-", &attached],
        &["verify", "-", "--key", &pem],
        &["issue", "--seats", &token],
        &["issue", &attached, "--issuer", "a", "--tier", "a@1", "--term", "1d", "--subject", "x"],
        &["ledger", "show", "ledger.db", &token],
        &["keyset", "add", &token, "--key", &pem],
        &["keyset", "revoke", "keys.toml", &token],
        &["catalogue", "check", &token],
        &["inspect", &format!("@{token}")],
        &["prove", &token, &attached, "--uri", "x"],
        &["keygen", "--passphrase-file", &token],
    ] {
        for json in [&[][..], &["--json"]] {
            let output = desk.run(&[json, arguments].concat());
            let said = text(&output.stderr) + &text(&output.stdout);
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(!said.contains(&token[40..60]) && !said.contains(&secret[..20]), "{said}");
        }
    }
}
