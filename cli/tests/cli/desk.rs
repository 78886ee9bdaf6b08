//! A folder with a vendor's key and catalogue, in which the program is run.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

pub(crate) const BIN: &str = env!("CARGO_BIN_EXE_licentia");
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

pub(crate) struct Desk(tempfile::TempDir);

impl Desk {
    /// A folder with a key `acme` and a catalogue.
    pub(crate) fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        std::fs::write(desk.path().join("tiers.toml"), TIERS).unwrap();
        desk.ok(&["keygen", "--out", "acme"]);
        desk
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.feed(arguments, "")
    }

    /// Runs a command that must succeed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Output {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        output
    }

    /// As [`Desk::ok`], and returns what the command prints.
    pub(crate) fn says(&self, arguments: &[&str]) -> String {
        text(&self.ok(arguments).stdout)
    }

    pub(crate) fn feed(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(BIN)
            .args(arguments)
            .current_dir(self.path())
            .env_remove("LICENTIA_KEYS")
            .env_remove("LICENTIA_LEDGER")
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

    /// Issues a licence; a ledger that it names is created if there is none.
    pub(crate) fn issue(&self, more: &[&str]) -> String {
        let base =
            ["issue", "--key", "acme.pem", "--issuer", "acme", "--tier", "pro", "--catalogue", "tiers.toml"];
        let subject: &[&str] = if more.contains(&"--subject") { &[] } else { &["--subject", "cus_42"] };
        self.says(&[&base, more, subject].concat()).trim().to_owned()
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stdout)))
}

/// A licence's identifier and lineage.
pub(crate) fn ids(desk: &Desk, licence: &str) -> (String, String) {
    let inspected = json(&desk.run(&["--json", "inspect", licence]));
    ["id", "lineage"].map(|name| inspected[name].as_str().unwrap().to_owned()).into()
}
