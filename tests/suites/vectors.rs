//! Core gives to every vector the answer that is written there.

#![allow(clippy::result_large_err, reason = "a refusal of core's has its explanation in it")]

use licentia_core::{
    Buffer, Code, Denial, Expect, Key, Period, Unverified, Verified,
    proof::{Presented, ServiceNonces},
    text, verify, verify_text,
};
use licentia_tests::report;
use licentia_vectors::{Group, LicenseGroup, LicenseTest, Proof, Verdict};
use serde_json::Value;

/// Checks that a file has as many tests as it says, numbered upwards, and tells how many ran.
fn complete<G: Group>(name: &str, file: &licentia_vectors::File<G>, ran: usize) {
    let numbers: Vec<u32> =
        file.test_groups.iter().flat_map(Group::tests).map(|(number, _)| number).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{name}: numbers ascend");
    assert_eq!(numbers.len(), file.number_of_tests, "{name}: the number of tests");
    assert_eq!(ran, file.number_of_tests, "{name}: every test ran");
    assert!(ran > 0, "{name}: there are tests");
    for (number, flags) in file.test_groups.iter().flat_map(Group::tests) {
        assert!(!flags.is_empty() && flags.iter().all(|flag| file.notes.contains_key(flag)), "{number}");
    }
    report(format_args!("vectors: {ran} cases of {name}"));
}

fn unhex(digits: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(digits.as_bytes()).expect("hexadecimal")
}

/// The expectations of a group, with what has to outlive them.
struct Setting {
    keys: Vec<Key>,
    features: Vec<&'static str>,
    node: Option<[u8; 32]>,
}

impl Setting {
    fn new(group: &'static LicenseGroup) -> Self {
        Self {
            keys: group.keys.iter().map(|key| Key::from_text(key).expect("a good key")).collect(),
            features: group.expect.features.iter().map(String::as_str).collect(),
            node: group.expect.node.as_deref().map(digest),
        }
    }

    fn expect<'a>(&'a self, group: &'a LicenseGroup) -> Expect<'a> {
        let mut expect = Expect::new().features(&self.features).skew(group.expect.skew);
        if let Some(issuer) = &group.expect.issuer {
            expect = expect.issuer(issuer);
        }
        if let Some(audience) = &group.expect.audience {
            expect = expect.audience(audience);
        }
        if let Some(node) = &self.node {
            expect = expect.node(node);
        }
        if let Some(release) = group.expect.release {
            expect = expect.release(release.into());
        }
        expect
    }
}

fn digest(hex: &str) -> [u8; 32] {
    unhex(hex).try_into().expect("32 bytes")
}

#[test]
fn license() {
    // For the whole run, so that whatever is borrowed from it lives long enough.
    let file: &'static licentia_vectors::File<LicenseGroup> =
        Box::leak(Box::new(licentia_vectors::license()));
    let (mut ran, mut failures) = (0, Vec::new());
    for group in &file.test_groups {
        let setting = Setting::new(group);
        for test in &group.tests {
            if let Err(failure) = run(group, &setting, test) {
                failures.push(format!("{} {}: {}: {failure}", test.tc_id, group.comment, test.comment));
            }
            ran += 1;
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    complete("license.json", file, ran);
}

/// Runs a test by every way in: the text, where it has one, and the bytes, where the text stands for some.
fn run(group: &LicenseGroup, setting: &Setting, test: &LicenseTest) -> Result<(), String> {
    let proof =
        test.proof.as_ref().map(|proof| data_encoding::BASE64URL_NOPAD.decode(proof.proof.as_bytes()));
    let proof = proof.transpose().map_err(|error| error.to_string())?;
    let body = test.proof.as_ref().and_then(|proof| proof.body.as_deref()).map(digest);
    let mut expect = setting.expect(group);
    if let (Some(request), Some(proof)) = (&test.proof, &proof) {
        let Proof { method, uri, max_age, .. } = request;
        let presented = Presented { proof, method, uri, body: body.as_ref(), max_age: *max_age };
        expect = expect.proof(presented, None);
    }
    let mut buffer = Buffer::new();
    let (form, bytes) = match (&test.token, &test.token_hex) {
        (Some(form), None) => {
            (form.clone(), text::decode_license(form, &mut buffer).ok().map(<[u8]>::to_vec))
        }
        (None, Some(hex)) => (text::Text::license(&unhex(hex)).to_string(), Some(unhex(hex))),
        _ => return Err("either token or tokenHex".to_owned()),
    };
    let from_text =
        test.token.is_some().then(|| verify_text(&form, &mut buffer, &setting.keys, &expect, test.now));
    let from_bytes = bytes.as_ref().map(|bytes| verify(bytes, &setting.keys, &expect, test.now));
    let mut outcomes = from_text.into_iter().chain(from_bytes);
    outcomes.try_for_each(|outcome| check(group, test, &form, bytes.as_deref(), outcome))
}

fn check(
    group: &LicenseGroup,
    test: &LicenseTest,
    form: &str,
    bytes: Option<&[u8]>,
    outcome: Result<Verified<'_>, Denial<'_>>,
) -> Result<(), String> {
    match (test.result, outcome) {
        (Verdict::Valid, Ok(verified)) => {
            let state = verified.state.name();
            if test.state.as_deref() != Some(state) || test.number != Some(0) {
                return Err(format!("state {state}"));
            }
            // Through text, so that the order of members counts as well.
            let shown: Value =
                serde_json::from_str(&verified.license.json().to_string()).map_err(|e| e.to_string())?;
            if test.claims.as_ref().map(Value::to_string) != Some(shown.to_string()) {
                return Err(format!("claims {shown}"));
            }
            let unverified = bytes.map(Unverified::read);
            let same =
                |claims: &Unverified<'_>| claims.json().to_string() == verified.license.json().to_string();
            if !unverified.is_some_and(|read| read.as_ref().is_ok_and(same)) {
                return Err("reading without a key gives other claims".to_owned());
            }
            let steps = verified.explanation.steps();
            if !steps.iter().all(|step| step.code.is_allowed() || step.tolerated) {
                return Err("a step of the explanation failed".to_owned());
            }
            leaks(group, form, bytes, &verified.explanation.to_string())?;
            leaks(group, form, bytes, &verified.explanation.json().to_string())
        }
        (Verdict::Invalid, Err(denial)) => {
            let code = denial.code;
            let right = match (&test.code, test.number) {
                (Some(name), Some(number)) => code.name() == name && code.number() == number,
                (None, None) => (100..300).contains(&code.number()),
                _ => return Err("name and number go together".to_owned()),
            };
            if !right {
                return Err(format!("{} for {:?}", code.name(), test.code));
            }
            if denial.explanation.steps().last().map(|step| step.code) != Some(code) {
                return Err("the last step has another code".to_owned());
            }
            let lines = denial.explanation.to_string();
            if lines.lines().filter(|line| line.starts_with("FAIL")).count() != 1 {
                return Err("not one line says what failed".to_owned());
            }
            leaks(group, form, bytes, &lines)?;
            let json = denial.explanation.json().to_string();
            let parsed: Value = serde_json::from_str(&json).map_err(|error| error.to_string())?;
            let last = parsed.as_array().and_then(|steps| steps.last());
            if last.and_then(|step| step["result"].as_str()) != Some(code.name()) {
                return Err("the JSON has another result".to_owned());
            }
            leaks(group, form, bytes, &json)
        }
        (Verdict::Valid, Err(denial)) => Err(format!("refused with {}\n{}", denial.code, denial.explanation)),
        (Verdict::Invalid, Ok(_)) => Err("accepted".to_owned()),
    }
}

/// An explanation goes to logs: it must not have the token, or a key, in any form.
fn leaks(group: &LicenseGroup, form: &str, bytes: Option<&[u8]>, shown: &str) -> Result<(), String> {
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let lower = shown.to_lowercase();
    let mut secrets = vec!["lic1_".to_owned(), "licpub1_".to_owned()];
    // Enough digits to be no accident.
    secrets.extend(form.get(5..45).map(str::to_lowercase));
    secrets.extend(bytes.and_then(|bytes| bytes.last_chunk::<16>()).map(|end| hex(end)));
    for key in &group.keys {
        let key = Key::from_text(key).expect("a good key");
        secrets.push(hex(&key.public().as_bytes()[..16]));
        secrets.push(format!("{:?}", &key.public().as_bytes()[..8]));
    }
    match secrets.iter().find(|secret| lower.contains(secret.trim_matches(['[', ']']))) {
        Some(secret) => Err(format!("the explanation has {secret}")),
        None => Ok(()),
    }
}

#[test]
fn text() {
    let (file, mut ran) = (licentia_vectors::text(), 0);
    for test in file.test_groups.iter().flat_map(|group| &group.tests) {
        let mut buffer = Buffer::new();
        let decoded = text::decode_license(&test.text, &mut buffer);
        let code = decoded.map_or_else(|code| code, |_| Code::Allowed);
        assert_eq!(
            (code.name(), code.number()),
            (test.code.as_str(), test.number),
            "{} {}",
            test.tc_id,
            test.comment
        );
        assert_eq!(decoded.is_ok(), test.result == Verdict::Valid);
        assert_eq!(decoded.ok().map(<[u8]>::to_vec), test.hex.as_deref().map(unhex), "{}", test.tc_id);
        if let Some(hex) = &test.hex {
            assert_eq!(text::Text::license(&unhex(hex)).to_string(), test.text, "{}", test.tc_id);
        }
        ran += 1;
    }
    complete("text.json", &file, ran);
}

#[test]
fn key() {
    let (file, mut ran) = (licentia_vectors::key(), 0);
    for test in file.test_groups.iter().flat_map(|group| &group.tests) {
        let key = Key::from_text(&test.key);
        let code = key.as_ref().map_or_else(|code| *code, |_| Code::Allowed);
        assert_eq!(
            (code.name(), code.number()),
            (test.code.as_str(), test.number),
            "{} {}",
            test.tc_id,
            test.comment
        );
        assert_eq!(key.is_ok(), test.result == Verdict::Valid);
        if let Ok(key) = key {
            assert_eq!(Some(key.kid().as_bytes().to_vec()), test.kid.as_deref().map(unhex), "{}", test.tc_id);
            assert_eq!(Some(key.public().as_bytes().to_vec()), test.public_key.as_deref().map(unhex));
            assert_eq!(key.to_string(), test.key, "{}", test.tc_id);
        }
        ran += 1;
    }
    complete("key.json", &file, ran);
}

/// The period that a vector names.
fn period(json: &Value) -> Period {
    let number = |value: &Value| value.as_u64().expect("a number");
    let period = match json {
        Value::String(name) => Period::named(name),
        Value::Object(members) => {
            Period::of_members(members.iter().map(|(name, value)| (name.as_str(), number(value))))
        }
        _ => None,
    };
    period.unwrap_or_else(|| panic!("no period is {json}"))
}

#[test]
fn periods() {
    let (file, mut ran) = (licentia_vectors::period(), 0);
    for group in &file.test_groups {
        let period = period(&group.period);
        for test in &group.tests {
            let window = period.window(test.time);
            assert_eq!(
                (window.start, window.end),
                (test.start.into(), test.end.map(Into::into)),
                "{} {}",
                test.tc_id,
                test.comment
            );
            ran += 1;
        }
    }
    complete("period.json", &file, ran);
}

#[test]
fn codes() {
    let file = licentia_vectors::codes();
    assert_eq!(file.codes.len(), file.number_of_codes);
    assert_eq!(file.codes.len(), Code::TABLE.len());
    for (expected, entry) in file.codes.iter().zip(Code::TABLE) {
        let found = (entry.code.number(), entry.name, entry.message, entry.advice);
        assert_eq!(found, (expected.number, &*expected.name, &*expected.message, &*expected.advice));
    }
    report(format_args!("vectors: {} cases of codes.json", file.codes.len()));
}

#[test]
fn nonce() {
    let file = licentia_vectors::nonce();
    let (mut ran, mut failures) = (0, Vec::new());
    for group in &file.test_groups {
        let keys: Vec<Key> = group.keys.iter().map(|key| Key::from_text(key).expect("a good key")).collect();
        let secret = digest(&group.secret);
        let nonces = ServiceNonces::new(&secret);
        let nonces = if group.required { nonces.required() } else { nonces };
        for test in &group.tests {
            ran += 1;
            let proof =
                data_encoding::BASE64URL_NOPAD.decode(test.proof.proof.as_bytes()).expect("base64url");
            let body = test.proof.body.as_deref().map(digest);
            let Proof { method, uri, max_age, .. } = &test.proof;
            let presented = Presented { proof: &proof, method, uri, body: body.as_ref(), max_age: *max_age };
            let expect = Expect::new().proof(presented, None).service_nonces(nonces);
            let mut buffer = Buffer::new();
            let outcome = verify_text(&group.token, &mut buffer, &keys, &expect, test.now);
            let code = outcome.map_or_else(|denial| denial.code, |_| Code::Allowed);
            let handed_out = text::Base64Url(&nonces.issue(test.now)).to_string();
            let valid = test.result == Verdict::Valid;
            if (code.name(), handed_out.as_str(), code.is_allowed()) != (&test.code, &test.nonce, valid) {
                failures.push(format!("{} {}: {} {handed_out}", test.tc_id, test.comment, code.name()));
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    complete("nonce.json", &file, ran);
}
