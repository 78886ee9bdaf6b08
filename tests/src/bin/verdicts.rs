//! Gives the verdicts of the Rust implementation on cases that another one has made.
//!
//! It reads a case from each line of its standard input, as JSON, and prints one line of JSON with what came
//! of it. `tests/oracle` makes the cases, and compares the verdicts with those of its own reader.

use std::io::{self, BufRead as _, Write as _};

use licentia_core::{
    Buffer, Code, Expect, Key, Timestamp, Unverified,
    proof::Presented,
    receipt::{Acknowledgement, Receipt},
    text, verify,
};
use licentia_tests::run_gate;
use licentia_vectors::GateTest;
use serde::Deserialize;
use serde_json::{Value, json};

/// A case. Bytes are hexadecimal digits.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", tag = "case", deny_unknown_fields)]
enum Case {
    /// The text form of a licence.
    Text { text: String },
    /// The text form of a public key.
    Key { text: String },
    /// A token, held against keys and a request at a time.
    License(Box<License>),
    /// A token that is read without keys.
    Inspect { token: String },
    /// A gate, step by step.
    Gate(Box<GateTest>),
    /// A receipt.
    Receipt { receipt: String },
    /// An acknowledgement, and the vendor's keys.
    Acknowledgement { acknowledgement: String, keys: Vec<String> },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct License {
    token: String,
    keys: Vec<String>,
    expect: licentia_vectors::Expect,
    proof: Option<licentia_vectors::Proof>,
    now: u64,
}

type Result<T> = std::result::Result<T, String>;

fn main() -> Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        let case = serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))?;
        let verdict = verdict(&case).map_err(|error| format!("{error}: {line}"))?;
        writeln!(out, "{verdict}").map_err(|error| error.to_string())?;
    }
    out.flush().map_err(|error| error.to_string())
}

fn verdict(case: &Case) -> Result<Value> {
    Ok(match case {
        Case::Text { text } => {
            let mut buffer = Buffer::new();
            coded(text::decode_license(text, &mut buffer).map(|bytes| json!(hex(bytes))))
        }
        Case::Key { text } => coded(
            Key::from_text(text).map(|key| json!([hex(key.kid().as_bytes()), hex(key.public().as_bytes())])),
        ),
        Case::License(license) => self::license(license)?,
        Case::Inspect { token } => {
            let token = unhex(token)?;
            let read = Unverified::read(&token).map_err(|malformed| malformed.code);
            coded(read.map(|claims| parsed(&claims.json().to_string())))
        }
        Case::Gate(test) => {
            let outcomes = run_gate(test)?;
            json!(outcomes.iter().flatten().map(|o| json!([o.code, o.state, o.warning])).collect::<Vec<_>>())
        }
        Case::Receipt { receipt } => coded(Receipt::read(&unhex(receipt)?).map(|receipt| shown(&receipt))),
        Case::Acknowledgement { acknowledgement, keys } => {
            let read = Acknowledgement::read(&unhex(acknowledgement)?, &self::keys(keys)?);
            coded(read.map(|one| {
                json!([
                    hex(one.instance.as_ref()),
                    one.receipt.sequence,
                    hex(one.receipt.digest.as_ref()),
                    one.issued_at.as_seconds()
                ])
            }))
        }
    })
}

/// The name of the code, and what was read.
fn coded(read: std::result::Result<Value, Code>) -> Value {
    match read {
        Ok(value) => json!(["allowed", value]),
        Err(code) => json!([code.name(), null]),
    }
}

fn license(case: &License) -> Result<Value> {
    let (token, keys) = (unhex(&case.token)?, keys(&case.keys)?);
    let features: Vec<&str> = case.expect.features.iter().map(String::as_str).collect();
    let node = case.expect.node.as_deref().map(digest).transpose()?;
    let mut expect = Expect::new().skew(case.expect.skew).features(&features);
    if let Some(issuer) = &case.expect.issuer {
        expect = expect.issuer(issuer);
    }
    if let Some(audience) = &case.expect.audience {
        expect = expect.audience(audience);
    }
    if let Some(node) = &node {
        expect = expect.node(node);
    }
    if let Some(release) = case.expect.release {
        expect = expect.release(release.into());
    }
    let (proof, body);
    if let Some(presented) = &case.proof {
        proof = data_encoding::BASE64URL_NOPAD
            .decode(presented.proof.as_bytes())
            .map_err(|error| error.to_string())?;
        body = presented.body.as_deref().map(digest).transpose()?;
        let licentia_vectors::Proof { method, uri, max_age, .. } = presented;
        let presented = Presented { proof: &proof, method, uri, body: body.as_ref(), max_age: *max_age };
        expect = expect.proof(presented, None);
    }
    Ok(match verify(&token, &keys, &expect, case.now) {
        Ok(verified) => {
            json!(["allowed", verified.state.name(), parsed(&verified.license.json().to_string())])
        }
        Err(denial) => json!([denial.code.name(), null, null]),
    })
}

fn shown(receipt: &Receipt<'_>) -> Value {
    let entries = receipt.entries().map(|entry| {
        let (start, end) = (entry.window.start.as_seconds(), entry.window.end.map(Timestamp::as_seconds));
        let lineage = entry.lineage.to_string();
        json!([entry.issuer, lineage, entry.meter, start, end, entry.count, entry.refunded])
    });
    let link = receipt.acknowledged().map(|link| json!([link.sequence, hex(link.digest.as_ref())]));
    json!([
        hex(receipt.instance().as_ref()),
        receipt.sequence(),
        hex(receipt.previous().as_ref()),
        receipt.issued_at().as_seconds(),
        entries.collect::<Vec<_>>(),
        link,
        receipt.since()
    ])
}

fn keys(texts: &[String]) -> Result<Vec<Key>> {
    texts.iter().map(|text| Key::from_text(text).map_err(|code| format!("{text}: {code}"))).collect()
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| json!(error.to_string()))
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn unhex(digits: &str) -> Result<Vec<u8>> {
    data_encoding::HEXLOWER.decode(digits.as_bytes()).map_err(|error| error.to_string())
}

fn digest(digits: &str) -> Result<[u8; 32]> {
    unhex(digits)?.try_into().map_err(|_| format!("not 32 bytes: {digits}"))
}
