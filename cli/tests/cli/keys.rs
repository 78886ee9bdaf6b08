//! Keys and keysets that people can review.

use std::fs;

use crate::desk::{Desk, json, text};

#[test]
fn what_a_keyset_permits_and_what_changed_is_shown() {
    let desk = Desk::new();
    for name in ["root", "reseller", "old"] {
        desk.says(&["keygen", "--out", name]);
    }
    desk.says(&["keyset", "new", "keys.toml", "--key", "acme.pub", "--key", "old.pub"]);
    desk.says(&["keyset", "sign", "keys.toml", "--root", "root.pem", "--out", "1.bin"]);
    let kid = |name: &str| {
        let value = desk.run(&["--json", "key", "public", &format!("{name}.pem")]);
        json(&value)["kid"].as_str().unwrap().to_owned()
    };
    let (acme, old, reseller) = (kid("acme"), kid("old"), kid("reseller"));
    let add = [
        "keyset",
        "add",
        "keys.toml",
        "--key",
        "reseller.pub",
        "--tier",
        "free",
        "--longest-term",
        "30 days",
    ];
    desk.says(&[&add[..], &["--label", "Reseller \u{1b}[2J", "--not-after", "2027-01-31"]].concat());
    desk.says(&["keyset", "label", "keys.toml", &acme, "production"]);
    desk.says(&["keyset", "retire", "keys.toml", &acme, "--now", "2027-01-15"]);
    desk.says(&["keyset", "remove", "keys.toml", &old]);

    let shown = desk.says(&["keyset", "show", "keys.toml", "--against", "1.bin", "--root", "root.pub"]);
    let fingerprint = json(&desk.run(&["--json", "key", "public", "reseller.pem"]))["fingerprint"].clone();
    for part in [
        "retired  production",
        "until 2027-01-31 23:59:59 UTC",
        "longest_term: 30 d",
        "tiers: free",
        "Reseller \\u{1b}",
        fingerprint.as_str().unwrap(),
        &format!("{acme}  state: active, now retired"),
        &format!("{reseller}  added"),
        &format!("{old}  removed"),
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    for line in shown.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    desk.says(&["keyset", "sign", "keys.toml", "--root", "root.pem", "--out", "2.bin"]);
    let same = desk.says(&["keyset", "show", "2.bin", "--root", "root.pub", "--against", "keys.toml"]);
    assert!(same.contains("no key changed") && same.contains("production"), "labels of the draft: {same}");
    let value =
        json(&desk.run(&["--json", "keyset", "show", "2.bin", "--root", "root.pub", "--against", "1.bin"]));
    assert_eq!(value["changes"].as_array().unwrap().len(), 4, "{value}");
    let unsaid = desk.run(&["keyset", "show", "2.bin"]);
    assert!(text(&unsaid.stderr).contains("--root"), "{}", text(&unsaid.stderr));
}

#[test]
fn what_sign_needs_is_checked_before() {
    let desk = Desk::new();
    desk.says(&["keygen", "--out", "root"]);
    desk.says(&["keyset", "new", "keys.toml"]);
    let add = ["keyset", "add", "keys.toml", "--key", "acme.pub", "--longest-term"];
    let refused = desk.run(&[&add[..], &["1 year"]].concat());
    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused.stderr);
    assert!(said.contains("longest_term \"1 year\"") && said.contains("365 days"), "{said}");
    desk.says(&[&add[..], &["365 days"]].concat());
    desk.says(&["keyset", "sign", "keys.toml", "--root", "root.pem", "--out", "keys.bin"]);
}

#[test]
fn a_licence_beyond_its_keys_scope_is_issued_with_a_warning() {
    let desk = Desk::new();
    desk.says(&["keygen", "--out", "root"]);
    desk.says(&["keygen", "--out", "stranger"]);
    desk.says(&["keyset", "new", "keys.toml"]);
    desk.says(&["keyset", "add", "keys.toml", "--key", "acme.pub", "--tier", "free"]);
    desk.says(&["keyset", "sign", "keys.toml", "--root", "root.pem", "--out", "keys.bin"]);
    let issue = ["issue", "--issuer", "acme", "--term", "1 day", "--subject", "x", "--tier"];
    let said = |tier: &str, key: &str, keyset: &[&str]| {
        let issued = desk.run(&[&issue[..], &[tier, "--key", key], keyset].concat());
        assert!(issued.status.success(), "{}", text(&issued.stderr));
        text(&issued.stderr)
    };
    for keyset in [&["--keyset", "keys.toml"][..], &["--keyset", "keys.bin", "--root", "root.pub"]] {
        assert_eq!(said("free@1", "acme.pem", keyset), "");
        let warned = said("pro@1", "acme.pem", keyset);
        assert!(warned.contains("warning") && warned.contains("tiers: only free"), "{warned}");
        assert!(said("free@1", "stranger.pem", keyset).contains("unknown_key"));
    }
}

#[test]
fn public_halves_come_from_private_ones_and_from_openssl() {
    let desk = Desk::new();
    let public = fs::read_to_string(desk.path().join("acme.pub")).unwrap();
    assert_eq!(desk.says(&["key", "public", "acme.pem"]), public);
    desk.says(&["key", "public", "acme.pem", "--out", "again.pub"]);
    assert_eq!(fs::read_to_string(desk.path().join("again.pub")).unwrap(), public);
    assert_eq!(desk.run(&["key", "public", "acme.pem", "--out", "again.pub"]).status.code(), Some(2));

    let key = licentia_core::Key::from_text(public.trim()).unwrap();
    let mut der = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".to_vec();
    der.extend(key.public().as_bytes());
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let base64: String = der
        .chunks(3)
        .flat_map(|three| {
            let bits = three.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
                << (8 * (3 - three.len()));
            (0..=three.len()).map(move |at| char::from(letters[bits >> (18 - 6 * at) & 63]))
        })
        .collect();
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\r\n{base64}=\r\n-----END PUBLIC KEY-----\r\n").replace("==", "=");
    let pem = if der.len() % 3 == 1 { pem.replace("=\r", "==\r") } else { pem };
    let pem = if der.len().is_multiple_of(3) { pem.replace("=\r", "\r") } else { pem };
    fs::write(desk.path().join("openssl.pub"), pem).unwrap();
    let token = desk.issue(&[]);
    let verified = desk.run(&["verify", "-q", &token, "--key", "openssl.pub"]);
    assert_eq!(verified.status.code(), Some(0), "{}", text(&verified.stderr));
    fs::write(desk.path().join("rsa.pub"), "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
        .unwrap();
    let other = desk.run(&["verify", &token, "--key", "rsa.pub"]);
    assert!(text(&other.stderr).contains("rsa.pub"), "{}", text(&other.stderr));
}

#[test]
fn a_passphrase_is_set_changed_and_removed() {
    let desk = Desk::new();
    fs::write(desk.path().join("one"), "one\n").unwrap();
    fs::write(desk.path().join("two"), "two\n").unwrap();
    let read = || fs::read_to_string(desk.path().join("acme.pem")).unwrap();
    let before = read();
    let unsaid = desk.run(&["key", "passphrase", "acme.pem"]);
    assert_eq!(unsaid.status.code(), Some(2), "nobody can be asked");
    assert_eq!(read(), before);
    desk.says(&["key", "passphrase", "acme.pem", "--new-passphrase-file", "one"]);
    assert!(read().contains("ENCRYPTED"));
    desk.says(&["key", "passphrase", "acme.pem", "--passphrase-file", "one", "--new-passphrase-file", "two"]);
    let wrong = desk.run(&["key", "public", "acme.pem", "--passphrase-file", "one"]);
    assert!(text(&wrong.stderr).contains("passphrase is wrong"), "{}", text(&wrong.stderr));
    desk.says(&["key", "public", "acme.pem", "--passphrase-file", "two"]);
    desk.says(&["key", "passphrase", "acme.pem", "--passphrase-file", "two", "--remove"]);
    assert_eq!(read(), before, "the same key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(desk.path().join("acme.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
