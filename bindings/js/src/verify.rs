//! One token and its verdict, without a gate: no counters, no revocation, no memory of proofs.

use licentia_core::{Code, Expect, Key, Unverified, proof::Presented, text, verify_text};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::{
    ask::{Ask, whole},
    thrown,
};

/// Verifies a token at `now` (seconds since 1970) with keys in their text form, each ended by U+0000; gives JSON
/// of the form of a gate's decisions.
///
/// # Errors
/// What keys and what is asked have wrong.
#[wasm_bindgen]
pub fn verify(
    token: &str,
    keys: &str,
    words: &str,
    numbers: &[f64],
    bytes: &[u8],
    now: f64,
) -> Result<String, JsValue> {
    verdict(token, keys, words, numbers, bytes, now).map_err(thrown)
}

fn verdict(
    token: &str,
    keys: &str,
    words: &str,
    numbers: &[f64],
    bytes: &[u8],
    now: f64,
) -> Result<String, Code> {
    let keys = keys.split_terminator('\0').map(Key::from_text).collect::<Result<Vec<_>, _>>()?;
    let ask = Ask::read(words, numbers, bytes)?;
    let mut expect = Expect::new().skew(ask.skew).features(&ask.features);
    if let Some(issuer) = ask.issuer {
        expect = expect.issuer(issuer);
    }
    if let Some(audience) = ask.audience {
        expect = expect.audience(audience);
    }
    if let Some(node) = ask.node {
        expect = expect.node(node);
    }
    if let Some(release) = ask.release {
        expect = expect.release(release);
    }
    if let Some(proof) = &ask.proof {
        let max_age = ask.max_age;
        let presented = Presented {
            proof: &proof.bytes,
            method: proof.method,
            uri: proof.uri,
            body: proof.body,
            max_age,
        };
        expect = expect.proof(presented, None);
    }
    let mut buffer = text::Buffer::new();
    let (code, state, license, explanation) =
        match verify_text(token, &mut buffer, &keys, &expect, whole(now)?) {
            Ok(verified) => {
                (Code::Allowed, verified.state.name(), Some(verified.license), verified.explanation)
            }
            Err(denial) => (denial.code, "active", denial.license, denial.explanation),
        };
    let license = license.map_or_else(|| "null".to_owned(), |license| license.json().to_string());
    let warning =
        explanation.warning().map_or_else(|| "null".to_owned(), |code| format!("\"{}\"", code.name()));
    Ok(format!(
        r#"{{"allowed":{},"code":{},"name":"{}","state":"{state}","warning":{warning},"license":{license},"charges":[],"retry_after_ms":null,"explanation":{}}}"#,
        code.is_allowed(),
        code.number(),
        code.name(),
        explanation.json()
    ))
}

/// The claims of a token whose signature nobody has checked, as JSON.
///
/// # Errors
/// A code of group 1xx.
#[wasm_bindgen]
pub fn inspect(token: &str) -> Result<String, JsValue> {
    let mut buffer = text::Buffer::new();
    let bytes = text::decode_license(token, &mut buffer).map_err(thrown)?;
    Unverified::read(bytes).map(|claims| claims.json().to_string()).map_err(|error| thrown(error.code))
}
