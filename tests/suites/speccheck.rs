//! ed25519-speccheck: twelve cases in which Ed25519 verifiers differ.

use ed25519_dalek::{Signature, VerifyingKey};
use licentia_tests::{report, verifies};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    comment: String,
    message: String,
    pub_key: String,
    signature: String,
}

fn unhex<const N: usize>(digits: &str) -> [u8; N] {
    let bytes = data_encoding::HEXLOWER.decode(digits.as_bytes()).expect("hexadecimal");
    bytes.try_into().expect("the right length")
}

#[test]
fn only_case_3_is_accepted_as_by_verify_strict() {
    let file: File = serde_json::from_str(include_str!("../data/speccheck.json")).expect("the file is good");
    assert_eq!(file.cases.len(), 12);
    for (number, case) in file.cases.iter().enumerate() {
        let (message, key) = (unhex::<32>(&case.message), unhex(&case.pub_key));
        let signature = unhex(&case.signature);
        let ours = verifies(&key, &[&message], &signature);
        let strict = VerifyingKey::from_bytes(&key)
            .is_ok_and(|key| key.verify_strict(&message, &Signature::from_bytes(&signature)).is_ok());
        assert_eq!(ours, number == 3, "{number}: {}", case.comment);
        assert_eq!(ours, strict, "{number}: {}", case.comment);
    }
    report(format_args!("speccheck: {} cases, 1 accepted", file.cases.len()));
}
