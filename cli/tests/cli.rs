//! The program as scripts use it: pipes, exit codes, JSON, files.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

const BIN: &str = env!("CARGO_BIN_EXE_licentia");
const TIERS: &str = r#"
    [[tier]]
    name = "pro"
    version = 2
    term = "1 year"

    [[tier]]
    name = "pro"
    version = 3
    term = "1 year"
    grace = "14 days"
    features = { export = true, sso = true, audit = true }
    quotas = { calls = "100000/month", mails = "2000/month" }
    rates = { api = "10/1s" }
"#;

struct Desk(tempfile::TempDir);

impl Desk {
    /// A folder with a key `acme` and a catalogue.
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        std::fs::write(desk.path().join("tiers.toml"), TIERS).unwrap();
        assert!(desk.run(&["keygen", "--out", "acme"]).status.success());
        desk
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.feed(arguments, "")
    }

    fn feed(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(BIN)
            .args(arguments)
            .current_dir(self.path())
            .env_remove("LICENTIA_KEYS")
            .env_remove("LICENTIA_PASSPHRASE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that does not read its input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn issue(&self, more: &[&str]) -> String {
        let base = [
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
            "cus_42",
        ];
        let output = self.run(&[&base, more].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stdout)))
}

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
    assert!(Desk::new().issue(&[]).len() <= 325 + 20, "grace adds a claim, and the list of names is longer");
}

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
    let shown = text(&desk.run(&["catalogue", "check", "tiers.toml"]).stdout);
    assert!(shown.contains("pro@3") && shown.contains("calls 100000/month"), "{shown}");
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
fn keysets_rotate_and_revoke() {
    let desk = Desk::new();
    let ok = |arguments: &[&str]| {
        let output = desk.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        output
    };
    ok(&["keygen", "--out", "root"]);
    ok(&["keygen", "--out", "next"]);
    ok(&["keyset", "new", "keys.toml", "--key", "acme.pub"]);
    ok(&["keyset", "add", "keys.toml", "--key", "next.pub", "--tier", "pro", "--longest-term", "400 days"]);
    ok(&["keyset", "sign", "keys.toml", "--root", "root.pem", "--out", "keys.bin"]);
    let token = desk.issue(&[]);
    let verify = |keyset: &str| {
        let output = desk.run(&["--json", "verify", &token, "--keyset", keyset, "--root", "root.pub"]);
        (output.status.code(), json(&output)["name"].clone())
    };
    assert_eq!(verify("keys.bin"), (Some(0), "allowed".into()));
    let shown = json(&ok(&["--json", "keyset", "show", "keys.bin", "--root", "root.pub"]));
    let kid = shown["keys"][0]["kid"].as_str().unwrap().to_owned();
    ok(&["keyset", "retire", "keys.toml", &kid]);
    ok(&["keyset", "sign", "keys.toml", "--root", "root.pem", "--out", "keys2.bin"]);
    assert_eq!(verify("keys2.bin"), (Some(0), "allowed".into()));
    ok(&["keyset", "revoke", "keys.toml", &kid]);
    let signed =
        json(&ok(&["--json", "keyset", "sign", "keys.toml", "--root", "root.pem", "--out", "keys3.bin"]));
    assert_eq!((&signed["sequence"], &signed["keys"][0]["state"]), (&3.into(), &"revoked".into()));
    assert_eq!(verify("keys3.bin"), (Some(1), "key_revoked".into()));
    let wrong = desk.run(&["keyset", "show", "keys.bin", "--root", "acme.pub"]);
    assert_eq!(wrong.status.code(), Some(2));
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
fn wrong_calls_exit_with_2_and_say_what_to_do() {
    let desk = Desk::new();
    for (arguments, hint) in [
        (&["verify", "lic1_AAAA"][..], "--key"),
        (&["verify", "lic1_AAAA", "--key", "nothing.pub"], "nothing.pub"),
        (
            &["issue", "--key", "acme.pem", "--issuer", "a", "--tier", "pro", "--subject", "x"],
            "--tier NAME@VERSION",
        ),
        (&["issue", "--key", "acme.pem", "--issuer", "a", "--tier", "pro@1", "--subject", "x"], "--expires"),
        (&["nonsense"], "--help"),
    ] {
        let output = desk.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(hint), "{arguments:?}: {}", text(&output.stderr));
    }
    let as_json = desk.run(&["--json", "verify", "lic1_AAAA", "--key", "nothing.pub"]);
    assert!(serde_json::from_slice::<Value>(&as_json.stderr).unwrap()["error"].is_string());
}

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
fn codes_completions_man_pages_and_the_demo_are_there() {
    let desk = Desk::new();
    let codes = json(&desk.run(&["--json", "codes"]));
    assert_eq!(codes.as_array().unwrap().len(), licentia_core::code::TABLE.len());
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(text(&desk.run(&["completions", shell]).stdout).contains("licentia"), "{shell}");
    }
    assert!(desk.run(&["man", "--out", "man"]).status.success());
    assert!(desk.path().join("man/licentia-verify.1").exists());
    let demo = desk.run(&["demo"]);
    assert_eq!(demo.status.code(), Some(0), "{}{}", text(&demo.stdout), text(&demo.stderr));
    assert!(text(&demo.stdout).contains("outcomes are what they must be"));
    assert!(json(&desk.run(&["--json", "demo"]))["outcomes"].as_u64().unwrap() > 25);
}
