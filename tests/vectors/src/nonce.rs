//! Tests of nonces that a service hands out for proofs.

use serde::{Deserialize, Serialize};

use crate::{Proof, Verdict, file::group};

/// Tests of proofs by the service's nonces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NonceGroup {
    /// What the tests have in common.
    pub comment: String,
    /// The known issuer keys in their text form.
    pub keys: Vec<String>,
    /// The token in its text form. It is bound to the key of those who prove.
    pub token: String,
    /// The service's secret, in hexadecimal.
    pub secret: String,
    /// Whether the service refuses proofs without a nonce.
    pub required: bool,
    /// The tests.
    pub tests: Vec<NonceTest>,
}
group!(NonceGroup);

/// A proof that is presented at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NonceTest {
    /// The test's number, unique in the file.
    pub tc_id: u32,
    /// What is tested.
    pub comment: String,
    /// Kinds of the test; the file's notes explain them.
    pub flags: Vec<String>,
    /// The proof that is presented.
    pub proof: Proof,
    /// The time of the check, in seconds since 1970.
    pub now: u64,
    /// The nonce that the service hands out at this time, in unpadded base64url.
    pub nonce: String,
    /// Whether the licence grants the request.
    pub result: Verdict,
    /// Name of the expected code.
    pub code: String,
}
