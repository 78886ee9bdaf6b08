//! What a shell sees: wrong calls, colours, broken outputs, completions and the demo.

use std::process::Command;

use serde_json::Value;

use crate::desk::{BIN, Desk, json, text};

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
fn codes_completions_man_pages_and_the_demo_are_there() {
    let desk = Desk::new();
    let codes = json(&desk.run(&["--json", "codes"]));
    assert_eq!(codes.as_array().unwrap().len(), licentia_core::Code::TABLE.len());
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

#[test]
fn wrong_calls_are_json_where_json_was_asked_for() {
    let desk = Desk::new();
    for arguments in
        [&["--json", "verify"][..], &["nonsense", "--json"], &["issue", "--seats", "x", "--json"]]
    {
        let output = desk.run(arguments);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}");
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert!(error["error"].as_str().is_some_and(|said| said.contains("--help")), "{error}");
    }
    for help in ["--help", "--version", "help"] {
        let output = desk.run(&[help]);
        assert_eq!(output.status.code(), Some(0), "{help}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{help}");
    }
}

#[test]
fn colours_are_for_terminals_or_those_who_ask() {
    let desk = Desk::new();
    let coloured = |arguments: &[&str]| desk.run(arguments).stdout.contains(&0x1b);
    assert!(!coloured(&["codes"]) && !coloured(&["demo"]));
    assert!(coloured(&["codes", "--color", "always"]));
    assert!(!coloured(&["codes", "--color", "never"]));
    assert!(!coloured(&["codes", "--json", "--color", "always"]));
}

/// A reader that is gone is no failure, a full disk is one, and neither is a panic.
#[cfg(target_os = "linux")]
#[test]
fn an_output_that_breaks_is_no_panic() {
    let desk = Desk::new();
    for command in ["demo", "codes", "completions bash", "--json demo"] {
        let full = format!("'{BIN}' {command} > /dev/full");
        let output = Command::new("sh").args(["-c", &full]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{command}");
        assert!(text(&output.stderr).contains("No space left"), "{command}: {}", text(&output.stderr));
        // The reader is gone for certain before the first write.
        let gone = format!("(sleep 0.2; '{BIN}' {command}; echo $? > code) | true; cat code");
        let output = Command::new("sh").args(["-c", &gone]).current_dir(desk.path()).output().unwrap();
        assert_eq!(text(&output.stdout).trim(), "0", "{command}: {}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "", "{command}");
    }
}

#[test]
fn the_demo_shows_every_promise_and_every_outcome() {
    let desk = Desk::new();
    let shown = text(&desk.run(&["demo"]).stdout);
    for promise in ["identity", "authorisation", "metering", "revocation", "observability"] {
        assert!(shown.contains(promise), "{promise}");
    }
    let told = json(&desk.run(&["--json", "demo"]));
    assert_eq!(told["wrong"], Value::Array(Vec::new()));
    let steps = told["steps"].as_array().unwrap();
    for code in [100, 102, 110, 111, 200, 202, 203, 300, 301, 302, 401, 410, 411, 430, 432, 435, 439, 610] {
        assert!(steps.iter().any(|step| step["code"] == code && step["advice"].is_string()), "{code}");
    }
    assert!(steps.iter().any(|step| step["state"] == "grace" && step["allowed"] == true));
    let time = steps.last().unwrap();
    assert!(time["new_micros"].as_f64().unwrap() > 0.0, "{time}");
}
