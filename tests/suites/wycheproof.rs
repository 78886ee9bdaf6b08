//! Wycheproof's Ed25519 tests.

use ed25519_dalek::{Signature, VerifyingKey};
use licentia_core::PublicKey;
use licentia_tests::{report, verifies};
use wycheproof::eddsa::{TestName, TestSet};

/// The tests of the suite, so that a smaller one is seen.
const TESTS: usize = 151;

#[test]
fn every_signature_is_judged_right_and_as_verify_strict_does() {
    let set = TestSet::load(TestName::Ed25519).expect("the suite is part of the crate");
    let (mut ran, mut accepted) = (0, 0);
    for group in &set.test_groups {
        let key: [u8; 32] = group.key.pk[..].try_into().expect("keys have 32 bytes");
        assert!(PublicKey::from_bytes(&key).is_ok(), "the suite has good keys");
        let theirs = VerifyingKey::from_bytes(&key).expect("the suite has good keys");
        for test in &group.tests {
            // The type of the signature refuses every other length.
            let signature: Option<[u8; 64]> = test.sig[..].try_into().ok();
            let verdict = signature.is_some_and(|signature| verifies(&key, &[&test.msg], &signature));
            let strict = signature.is_some_and(|signature| {
                theirs.verify_strict(&test.msg, &Signature::from_bytes(&signature)).is_ok()
            });
            assert_eq!(verdict, !test.result.must_fail(), "{} {}", test.tc_id, test.comment);
            assert_eq!(verdict, strict, "{} {}", test.tc_id, test.comment);
            ran += 1;
            accepted += usize::from(verdict);
        }
    }
    assert_eq!(ran, TESTS);
    report(format_args!("wycheproof: {ran} cases, {accepted} accepted"));
}
