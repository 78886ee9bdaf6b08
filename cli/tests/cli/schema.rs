//! What commands print as JSON is what their schemas say.

use std::{
    collections::BTreeSet,
    fs,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::desk::{BIN, Desk, json, text};

/// Checks a value against a schema: the keywords that the program's schemas use, and no others.
fn check(schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{path}: {what}: {value}"));
    for (keyword, of) in schema.as_object().expect("a schema is an object") {
        match keyword.as_str() {
            "type" => {
                let fits = match of.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "number" => value.is_number(),
                    "boolean" => value.is_boolean(),
                    "null" => value.is_null(),
                    other => panic!("{other}"),
                };
                if !fits {
                    return wrong(of.as_str().unwrap());
                }
            }
            "const" if value != of => return wrong("another constant"),
            "enum" if !of.as_array().unwrap().contains(value) => return wrong("not one of the names"),
            "const" | "enum" | "$schema" | "title" | "description" => {}
            "pattern" => {
                // Hexadecimal digits, of a fixed or any even length.
                let length = of
                    .as_str()
                    .unwrap()
                    .split(['{', '}'])
                    .nth(1)
                    .and_then(|digits| digits.parse::<usize>().ok());
                let Some(digits) = value.as_str() else { continue };
                let fits = if of.as_str().unwrap().contains('(') {
                    digits.len().is_multiple_of(2)
                } else {
                    Some(digits.len()) == length
                };
                if !fits || !digits.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c)) {
                    return wrong("other digits");
                }
            }
            "anyOf" => {
                let tried: Vec<_> =
                    of.as_array().unwrap().iter().map(|one| check(one, value, path)).collect();
                if tried.iter().all(Result::is_err) {
                    return Err(format!("{path}: none of {tried:?}"));
                }
            }
            "items" => {
                for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(of, item, &format!("{path}/{at}"))?;
                }
            }
            "properties" => {
                for (name, of) in of.as_object().unwrap() {
                    value.get(name).map_or(Ok(()), |member| check(of, member, &format!("{path}/{name}")))?;
                }
            }
            "required" => {
                for name in of.as_array().unwrap() {
                    if value.get(name.as_str().unwrap()).is_none() {
                        return wrong(&format!("{name} is missing"));
                    }
                }
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                for (name, member) in value.as_object().into_iter().flatten() {
                    if known.is_some_and(|known| known.contains_key(name)) {
                        continue;
                    }
                    if of == false {
                        return wrong(&format!("{name} is not in the schema"));
                    }
                    check(of, member, &format!("{path}/{name}"))?;
                }
            }
            other => panic!("the keyword {other}"),
        }
    }
    Ok(())
}

#[test]
#[allow(clippy::too_many_lines, reason = "one call of each command")]
fn every_output_is_what_its_schema_says() {
    let desk = Desk::new();
    let schemas = json(&desk.run(&["--json", "schema"]));
    assert_eq!(json(&desk.run(&["--json", "schema", "ledger", "list"])), schemas["ledger list"]);
    assert_eq!(desk.run(&["schema", "nonsense"]).status.code(), Some(2));
    let mut seen = BTreeSet::new();
    let mut run = |command: &str, arguments: &[&str], exit: i32| -> Value {
        let words: Vec<&str> = command.split(' ').collect();
        let output = desk.run(&[&["--json"], &words[..], arguments].concat());
        assert_eq!(output.status.code(), Some(exit), "{command} {arguments:?}: {}", text(&output.stderr));
        let value = json(&output);
        check(&schemas[command], &value, command).unwrap_or_else(|error| panic!("{error}"));
        seen.insert(command.to_owned());
        value
    };
    run("codes", &[], 0);
    run("demo", &[], 0);
    run("keygen", &["--out", "root"], 0);
    run("keygen", &["--out", "revoker"], 0);
    run("key public", &["acme.pem"], 0);
    fs::write(desk.path().join("pass"), "x").unwrap();
    run("key passphrase", &["root.pem", "--new-passphrase-file", "pass"], 0);
    run("key passphrase", &["root.pem", "--passphrase-file", "pass", "--remove"], 0);
    run("catalogue check", &["tiers.toml"], 0);
    run("catalogue show", &["tiers.toml", "--all"], 0);
    run("keyset new", &["keys.toml"], 0);
    let key = ["keys.toml", "--key", "acme.pub", "--tier", "pro", "--longest-term", "500 days"];
    let kid = run("keyset add", &key, 0)["keys"][0]["kid"].as_str().unwrap().to_owned();
    run("keyset add", &["keys.toml", "--key", "revoker.pub", "--revocation"], 0);
    run("keyset label", &["keys.toml", &kid, "production"], 0);
    run("keyset sign", &["keys.toml", "--root", "root.pem", "--out", "keys.bin"], 0);
    run("keyset retire", &["keys.toml", &kid], 0);
    run("keyset show", &["keys.bin", "--root", "root.pub", "--against", "keys.toml"], 0);
    run("keyset revoke", &["keys.toml", &kid], 0);
    run("keyset remove", &["keys.toml", &kid], 0);

    run("ledger init", &["ledger.db"], 0);
    let issue = [
        "--key",
        "acme.pem",
        "--issuer",
        "acme",
        "--catalogue",
        "tiers.toml",
        "--tier",
        "pro",
        "--ledger",
        "ledger.db",
    ];
    let rich = [
        "--subject",
        "cus_1",
        "--feature",
        "rows=5@2030-01-01",
        "--quota",
        "x=5/month@term",
        "--seats",
        "3",
        "--holder",
        "acme.pub",
        "--meta",
        "a=b",
    ];
    let issued = run("issue", &[&issue[..], &rich].concat(), 0);
    let (token, id) = (issued["token"].as_str().unwrap(), issued["id"].as_str().unwrap());
    run("issue", &[&issue[..], &["--subject", "cus_2", "--out", "c.lic"]].concat(), 0);
    run("inspect", &[token], 0);
    run("verify", &["c.lic", "--key", "acme.pub"], 0);
    run("verify", &[token, "--key", "acme.pub"], 1);
    run("verify", &["c.lic", "--key", "root.pub"], 1);
    run("prove", &[token, "--key", "acme.pem", "--uri", "https://a.example/"], 0);
    let of_ledger = ["--ledger", "ledger.db"];
    run("ledger list", &of_ledger, 0);
    let build = ["--issuer", "acme", "--key", "revoker.pem", "--ledger", "ledger.db"];
    run("bundle build", &[&build[..], &["--out", "1.bin"]].concat(), 0);
    run("revoke", &[&of_ledger[..], &["--id", id, "--dry-run"]].concat(), 0);
    run("revoke", &[&of_ledger[..], &["--tier", "pro", "--dry-run"]].concat(), 0);
    run("revoke", &[&of_ledger[..], &["--id", id]].concat(), 0);
    run(
        "revoke",
        &[&of_ledger[..], &["--tier", "pro@3", "--issued-to", "2020-01-01", "--warn-until", "2030-01-01"]]
            .concat(),
        0,
    );
    run("ledger list", &of_ledger, 0);
    run("ledger rules", &of_ledger, 0);
    run("ledger show", &[&of_ledger[..], &[id]].concat(), 0);
    run("ledger find", &[&of_ledger[..], &[&id[..6]]].concat(), 0);
    run("ledger stats", &of_ledger, 0);
    let next = ["--out", "2.bin", "--since", "1.bin", "--delta", "12.delta", "--confirm", "1"];
    run("bundle build", &[&build[..], &next].concat(), 0);
    run("bundle delta", &["1.bin", "2.bin", "--key", "revoker.pem", "--out", "x.delta"], 0);
    run("bundle apply", &["1.bin", "12.delta", "--key", "revoker.pub"], 0);
    run("bundle verify", &["2.bin", "--key", "revoker.pub"], 0);
    run("bundle inspect", &["12.delta"], 0);
    run("bundle stats", &["2.bin"], 0);
    run("bundle stats", &["1.bin"], 0);
    run("reinstate", &[&of_ledger[..], &["--id", id]].concat(), 0);
    run("reinstate", &[&of_ledger[..], &["--rule", "1"]].concat(), 0);
    let lineage = issued["lineage"].as_str().unwrap();
    let again = ["--ledger", "ledger.db", "--key", "acme.pem"];
    run("renew", &[&[lineage], &again[..], &["--term", "1 year"]].concat(), 0);
    run("upgrade", &[&[lineage], &again[..], &["--tier", "pro@3", "--catalogue", "tiers.toml"]].concat(), 0);
    run("ledger resend", &[&again[..], &[id]].concat(), 0);
    run("ledger backup", &[&of_ledger[..], &["--out", "backup.db"]].concat(), 0);
    run("ledger restore", &["backup.db", "--ledger", "other.db"], 0);

    run("ledger learn", &[&of_ledger[..], &["@c.lic"]].concat(), 0);
    run("keygen", &["--out", "next"], 0);
    let old = ["--kid", &kid, "--key", "next.pem", "--ledger", "ledger.db"];
    run("reissue", &[&old[..], &["--dry-run"]].concat(), 0);
    run("reissue", &old, 0);
    run("reissue", &[&old[..], &["--out", "anew"]].concat(), 0);
    run("reissue", &[&old[..], &["--out", "anew.csv"]].concat(), 0);
    fs::write(desk.path().join("table.csv"), "reference,subject\no-1,cus_3\n,cus_4\n").unwrap();
    let table = [&issue[..], &["--from", "table.csv"]].concat();
    run("issue", &table, 0);
    run("issue", &[&table[..], &["--out", "many.csv"]].concat(), 0);

    // Two instances: one with a gap and a refund, one that was copied.
    let log = crate::receipts::count(&desk, "1.log", 1, &[5, 6, 7]);
    log.refund(&crate::receipts::calls(), 2);
    log.write(crate::receipts::NOW + 9).unwrap();
    let receipts = log.unacknowledged().unwrap();
    drop(log);
    fs::write(desk.path().join("third"), &receipts[2]).unwrap();
    drop(crate::receipts::count(&desk, "2.log", 2, &[8]));
    fs::copy(desk.path().join("2.log"), desk.path().join("3.log")).unwrap();
    drop((crate::receipts::count(&desk, "2.log", 2, &[1]), crate::receipts::count(&desk, "3.log", 2, &[2])));
    fs::write(desk.path().join("forged"), "nonsense").unwrap();
    let all = ["1.log", "2.log", "3.log", "third", "forged"];
    run("receipts verify", &["1.log"], 0);
    run("receipts verify", &["third"], 0);
    run("receipts verify", &all, 1);
    run("receipts sum", &["1.log"], 0);
    run("receipts sum", &all, 1);
    for by in ["customer,tier,meter", "issuer,lineage,period", "meter"] {
        run("receipts sum", &[&["1.log", "--by", by], &of_ledger[..]].concat(), 0);
    }
    run("receipts acknowledge", &["1.log", "--key", "acme.pem", "--out", "1.ack"], 0);
    run("ledger show", &[&of_ledger[..], &[id, "--receipts", "1.log"]].concat(), 0);

    let gateway = "[listen]\ncheck = \"127.0.0.1:0\"\n[trust]\nkeys = [\"acme.pub\"]\n[[route]]\nmatch = \"GET /x\"\nmeters = { calls = 1 }\n";
    fs::write(desk.path().join("gateway.toml"), gateway).unwrap();
    run("gateway check", &["--config", "gateway.toml"], 0);
    run("gateway routes", &["--config", "gateway.toml"], 0);
    run("server init", &["--issuer", "acme", "--passphrase-file", "pass"], 0);
    // Nothing is published yet.
    run("server audit", &["--passphrase-file", "pass"], 1);
    check(&schemas["dev"], &first_output(&["--json", "dev"]), "dev")
        .unwrap_or_else(|error| panic!("{error}"));
    seen.insert("dev".to_owned());

    let known: BTreeSet<String> = schemas.as_object().unwrap().keys().cloned().collect();
    let missing: Vec<_> = known.difference(&seen).collect();
    assert!(missing.is_empty(), "{missing:?} are not tried");
}

/// What a command prints that then goes on until it is ended.
fn first_output(arguments: &[&str]) -> Value {
    let mut child = Command::new(BIN).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let output = child.stdout.take().unwrap();
    let value = serde_json::Deserializer::from_reader(output).into_iter().next().unwrap().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    value
}
