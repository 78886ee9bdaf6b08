//! Altered tokens never verify and never panic.
//!
//! `cargo xtask soak mutation` tries many more.

use std::collections::{BTreeMap, HashSet};

use fastrand::Rng;
use licentia_core::{
    Buffer, Code, Expect, Explanation, Key, Keyring, License, Unverified, authenticate,
    inner::{Frame, Typ},
    limits, text, verify, verify_text,
};
use licentia_tests::{Issuer, alter, altered, canonical, cases, decode, in_parallel, report, valid_tokens};

const NOW: licentia_core::Timestamp = licentia_core::Timestamp::from_seconds(1_800_000_000);

/// How often each code was the answer.
type Answers = BTreeMap<Code, u64>;

/// The good tokens that are altered, and what is needed to check them.
struct Setting {
    keys: Vec<Key>,
    tokens: Vec<Vec<u8>>,
    payloads: Vec<Vec<u8>>,
    good: HashSet<Vec<u8>>,
    issuer: Issuer,
}

impl Setting {
    fn new() -> Self {
        let issuer = Issuer::new(b"test", 9);
        let (mut keys, mut tokens, mut payloads) = (vec![issuer.public()], Vec::new(), Vec::new());
        for sample in valid_tokens() {
            // One key for each identifier: the first vectors have the good ones.
            for key in sample.keys {
                if keys.iter().all(|known: &Key| known.kid() != key.kid()) {
                    keys.push(key);
                }
            }
            payloads.push(payload(&sample.token));
            tokens.push(sample.token);
        }
        tokens.sort();
        tokens.dedup();
        payloads.sort();
        payloads.dedup();
        let good = tokens.iter().cloned().collect();
        Self { keys, tokens, payloads, good, issuer }
    }
}

/// The claims inside a good token.
fn payload(token: &[u8]) -> Vec<u8> {
    let frame = Frame::read(token, Typ::License).expect("a good token");
    frame.payload.of(token).to_vec()
}

/// Who signed it, without what depends on the request: nothing may hide behind a later check.
fn signed<'a>(setting: &Setting, token: &'a [u8]) -> Result<License<'a>, Code> {
    let mut explanation = Explanation::default();
    let outcome = authenticate(token, Keyring::new(&setting.keys), &mut explanation);
    let last = explanation.steps().last().map(|step| step.code);
    assert_eq!(last, Some(outcome.as_ref().map_or_else(|code| *code, |_| Code::Allowed)));
    outcome
}

/// Checks altered bytes of a token: refused, by every way in.
fn check_bytes(setting: &Setting, rng: &mut Rng) -> Code {
    let token = altered(rng, &setting.tokens);
    let code = signed(setting, &token).map_or_else(|code| code, |_| Code::Allowed);
    assert!(!code.is_allowed() || setting.good.contains(&token), "accepted: {token:02x?}");

    let mut buffer = Buffer::new();
    let form = text::Text::license(&token).to_string();
    match text::decode_license(&form, &mut buffer) {
        Ok(decoded) => assert_eq!(decoded, token),
        Err(code) => assert!(code == Code::TokenTooLong && token.len() > limits::TOKEN_BYTES),
    }
    check_unverified(&token);
    code
}

/// Reading without a key takes only claims in their one encoding.
fn check_unverified(token: &[u8]) {
    let Ok(claims) = Unverified::read(token) else { return };
    let _ = claims.json().to_string();
    let payload = payload(token);
    let value = decode(&payload).expect("claims that are read are CBOR");
    assert_eq!(canonical(&value), payload, "claims that are read are canonical");
}

/// Checks an altered text: it stands for no token, or for one that is refused, or it is not altered.
fn check_text(setting: &Setting, rng: &mut Rng) -> Code {
    let good = &setting.tokens[rng.usize(0..setting.tokens.len())];
    let mut bytes = text::Text::license(good).to_string().into_bytes();
    for _ in 0..rng.usize(1..=2) {
        alter(rng, &mut bytes, b"lic1_ABCDwxyz0189-_=+/ \n");
    }
    let form = String::from_utf8_lossy(&bytes);
    let mut buffer = Buffer::new();
    if let Ok(token) = text::decode_license(&form, &mut buffer) {
        let token = token.to_vec();
        // Each token has one text.
        assert_eq!(text::Text::license(&token).to_string(), form);
        assert!(signed(setting, &token).is_err() || setting.good.contains(&token), "accepted: {form}");
    }
    verify_text(&form, &mut buffer, &setting.keys, &Expect::new(), NOW)
        .map_or_else(|denial| denial.code, |_| Code::Allowed)
}

/// Checks altered claims under a good signature: what is accepted is canonical and reads the same again.
fn check_claims(setting: &Setting, rng: &mut Rng) -> Code {
    let claims = altered(rng, &setting.payloads);
    if claims.len() > limits::TOKEN_BYTES {
        return Code::TokenTooLong;
    }
    let token = setting.issuer.issue_bytes(&claims);
    match signed(setting, &token) {
        Ok(license) => {
            let shown = license.json().to_string();
            let again = Unverified::read(&token).expect("it was read before");
            assert_eq!(again.json().to_string(), shown);
            check_unverified(&token);
            // What the request and the time decide does not panic either.
            let features = ["export", "f", "z"];
            let expect = Expect::new().audience("api").features(&features).node(&[1; 32]).release(NOW);
            let _ = verify(&token, &setting.keys, &expect, NOW);
            for quota in license.quotas() {
                let window = quota.period.window(NOW);
                assert!(window.start <= NOW && window.end.is_none_or(|end| NOW < end));
            }
            Code::Allowed
        }
        Err(code) => {
            assert!(!matches!(code, Code::UnknownKey | Code::AlgorithmMismatch | Code::BadSignature));
            code
        }
    }
}

/// Runs one kind of check and tells the answers.
fn run(name: &str, cases: u64, check: fn(&Setting, &mut Rng) -> Code) -> Answers {
    let setting = Setting::new();
    let found = in_parallel(name, cases, |rng, count| {
        let mut answers = Answers::new();
        for _ in 0..count {
            *answers.entry(check(&setting, rng)).or_default() += 1;
        }
        answers
    });
    let mut answers = Answers::new();
    for (code, count) in found.into_iter().flatten() {
        *answers.entry(code).or_default() += count;
    }
    assert_eq!(answers.values().sum::<u64>(), cases);
    let shown: Vec<String> = answers.iter().map(|(code, count)| format!("{} {count}", code.name())).collect();
    report(format_args!("  {}", shown.join(", ")));
    answers
}

#[test]
fn altered_tokens() {
    let cases = cases(200_000);
    run("mutation: tokens", cases / 2, check_bytes);
    run("mutation: texts", cases / 5, check_text);
    let claims = cases - cases / 2 - cases / 5;
    let answers = run("mutation: claims under a good signature", claims, check_claims);
    assert!(answers.contains_key(&Code::Allowed), "some alterations are harmless");
}
