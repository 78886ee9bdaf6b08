//! Tokens are issued, looked at and verified.

use std::process::Command;

use serde_json::Value;

use crate::desk::{BIN, Desk, json, text};

#[test]
fn issue_and_verify_work_in_a_shell_pipe() {
    let desk = Desk::new();
    let line = format!(
        "'{BIN}' issue --key acme.pem --issuer acme --tier pro --catalogue tiers.toml --subject cus_42 \
         | '{BIN}' verify - --key acme.pub --feature export"
    );
    let output = Command::new("sh").args(["-c", &line]).current_dir(desk.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    assert!(shown.contains("ALLOWED") && shown.contains("pass  signature"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "no colours in a pipe");
}

#[test]
fn a_tampered_token_exits_with_1_and_its_code() {
    let desk = Desk::new();
    let token = desk.issue(&[]);
    let tampered =
        format!("{}{}{}", &token[..200], if &token[200..=200] == "A" { "B" } else { "A" }, &token[201..]);
    let output = desk.run(&["--json", "verify", &tampered, "--key", "acme.pub"]);
    assert_eq!(output.status.code(), Some(1));
    let decision = json(&output);
    assert_eq!((&decision["allowed"], &decision["code"]), (&Value::from(false), &Value::from(202)));
    assert_eq!(decision["explanation"][2]["check"], "signature");
    let quiet = desk.run(&["verify", "-q", &tampered, "--key", "acme.pub"]);
    assert_eq!((quiet.status.code(), quiet.stdout.len()), (Some(1), 0));
    let expired = desk.run(&["verify", &token, "--key", "acme.pub", "--now", "2100-01-01"]);
    assert_eq!(expired.status.code(), Some(1));
    assert!(text(&expired.stdout).contains("DENIED expired (301)"), "{}", text(&expired.stdout));
}

#[test]
fn inspect_reads_without_a_key_and_says_so() {
    let desk = Desk::new();
    let token = desk.issue(&["--feature", "beta=5@2030-01-01", "--audience", "api"]);
    let shown = text(&desk.feed(&["inspect", "-"], &format!("  {token}\n")).stdout);
    assert!(
        shown.contains("UNVERIFIED") && shown.contains("cus_42") && shown.contains("beta = 5, until 2030"),
        "{shown}"
    );
    let value = json(&desk.run(&["--json", "inspect", &token]));
    assert_eq!(
        (&value["verified"], &value["claims"]["tier"]["version"]),
        (&Value::from(false), &Value::from(3))
    );
    std::fs::write(desk.path().join("licence"), &token).unwrap();
    assert_eq!(desk.run(&["inspect", "@licence"]).status.code(), Some(0));
    let wrong = desk.run(&["inspect", "nonsense"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("malformed_text"));
}

#[test]
fn a_typical_licence_is_small() {
    let desk = Desk::new();
    let line = "issue --key acme.pem --issuer acme --tier pro@3 --subject cus_42 --feature export --feature sso \
        --feature audit --quota calls=100000/month --quota mails=2000/month --rate api=10/1s --term";
    let arguments: Vec<&str> = line.split_whitespace().chain(["1 year"]).collect();
    let token = text(&desk.run(&arguments).stdout);
    let value = json(&desk.run(&["--json", "inspect", token.trim()]));
    let size = |name: &str| value[name].as_u64().unwrap();
    assert!(size("bytes") <= 240 && size("characters") <= 325, "{value}");
}

#[test]
fn proofs_are_made_and_checked() {
    let desk = Desk::new();
    assert!(desk.run(&["keygen", "--out", "holder"]).status.success());
    let token = desk.issue(&["--holder", "holder.pub"]);
    let uri = "https://api.acme.example/x";
    let alone = desk.run(&["--json", "verify", &token, "--key", "acme.pub"]);
    assert_eq!(json(&alone)["name"], "proof_required");
    let proof = text(&desk.run(&["prove", &token, "--key", "holder.pem", "--uri", uri]).stdout);
    let with = |uri: &str| {
        desk.run(&["--json", "verify", &token, "--key", "acme.pub", "--proof", proof.trim(), "--uri", uri])
    };
    assert_eq!(json(&with(uri))["name"], "allowed");
    assert_eq!(json(&with("https://elsewhere.example/"))["name"], "proof_wrong_uri");
}

#[test]
fn only_the_token_is_on_standard_output_and_nothing_beside_it_in_a_pipe() {
    let desk = Desk::new();
    let arguments = ["issue", "--key", "acme.pem", "--issuer", "acme", "--tier", "pro@1", "--subject", "x"];
    let output = desk.run(&[&arguments[..], &["--term", "1 year"]].concat());
    let shown = text(&output.stdout);
    let token = shown.strip_suffix('\n').unwrap().strip_prefix("lic1_").unwrap();
    assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{shown}");
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn inspect_describes_the_envelope_and_how_far_times_are() {
    let desk = Desk::new();
    let token = desk.issue(&["--now", "2027-01-15"]);
    let shown = text(&desk.run(&["inspect", &token, "--now", "2027-10-25"]).stdout);
    for part in
        ["COSE_Sign1, Ed25519", "signature 64", "9 months ago", "term ends  2028-01-15", "in 2 months"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let value = json(&desk.run(&["--json", "inspect", &token]));
    assert_eq!((&value["frame"]["alg"], &value["frame"]["signature_bytes"]), (&(-19).into(), &64.into()));
    assert_eq!(value["frame"]["kid"], value["claims"]["kid"]);
}

#[test]
fn keys_come_from_the_environment_where_none_is_named() {
    let desk = Desk::new();
    assert!(desk.run(&["keygen", "--out", "other"]).status.success());
    let token = desk.issue(&[]);
    let with = |keys: &str, more: &[&str]| {
        let mut command = Command::new(BIN);
        command.args([&["verify", "-q", &token], more].concat()).current_dir(desk.path());
        command.env("LICENTIA_KEYS", keys).output().unwrap().status.code()
    };
    let list = std::env::join_paths(["other.pub", "acme.pub"]).unwrap().into_string().unwrap();
    assert_eq!(with(&list, &[]), Some(0));
    assert_eq!(with(&list, &["--key", "other.pub"]), Some(1), "what is named is what is trusted");
    assert_eq!(with("", &[]), Some(2));
    let public = std::fs::read_to_string(desk.path().join("acme.pub")).unwrap();
    assert_eq!(desk.run(&["verify", "-q", &token, "--key", public.trim()]).status.code(), Some(0));
}

#[test]
fn what_is_not_text_is_denied_and_not_an_error() {
    let desk = Desk::new();
    std::fs::write(desk.path().join("noise"), [0xff, 0xfe, 0]).unwrap();
    let output = desk.run(&["--json", "verify", "@noise", "--key", "acme.pub"]);
    assert_eq!((output.status.code(), json(&output)["name"].as_str()), (Some(1), Some("malformed_text")));
    let nothing = desk.run(&["--json", "verify", "-", "--key", "acme.pub"]);
    assert_eq!((nothing.status.code(), json(&nothing)["name"].as_str()), (Some(1), Some("missing_token")));
}

#[test]
fn the_same_holder_is_named_in_three_ways() {
    let desk = Desk::new();
    assert!(desk.run(&["keygen", "--out", "holder"]).status.success());
    let public = std::fs::read_to_string(desk.path().join("holder.pub")).unwrap();
    let key = licentia_core::Key::from_text(public.trim()).unwrap();
    let digits: String = key.public().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let bound = |holder: &str| {
        json(&desk.run(&["--json", "inspect", &desk.issue(&["--holder", holder])]))["claims"]["cnf"].clone()
    };
    let thumbprint = bound("holder.pub");
    assert!(thumbprint["thumbprint"].is_string());
    assert_eq!((bound(public.trim()), bound(&digits)), (thumbprint.clone(), thumbprint));
}
