//! Tests of tokens.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Verdict, file::group};

/// Tests of tokens that are checked with the same keys and expectations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LicenseGroup {
    /// What the tests have in common.
    pub comment: String,
    /// The known issuer keys in their text form, in the order in which they are known.
    pub keys: Vec<String>,
    /// What is expected of the licence.
    pub expect: Expect,
    /// The tests.
    pub tests: Vec<LicenseTest>,
}
group!(LicenseGroup);

/// What the caller expects of a licence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expect {
    /// The expected issuer.
    pub issuer: Option<String>,
    /// The audience that the service answers to.
    pub audience: Option<String>,
    /// Tolerance of `iat` and `nbf`, in seconds.
    pub skew: u64,
    /// The features that are asked for, in this order.
    pub features: Vec<String>,
    /// Fingerprint of the machine, in hexadecimal.
    pub node: Option<String>,
    /// Date of the running release, in seconds since 1970.
    pub release: Option<u64>,
}

/// A proof of possession and the request that it comes with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Proof {
    /// The proof in unpadded base64url.
    pub proof: String,
    /// The request's method.
    pub method: String,
    /// The request's URI.
    pub uri: String,
    /// SHA-256 of the request's body in hexadecimal, where the body must be signed too.
    pub body: Option<String>,
    /// How old a proof may be, and how far in the future, in seconds.
    pub max_age: u64,
}

/// A test of a token. It has either `token` or `token_hex`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LicenseTest {
    /// The test's number, unique in the file.
    pub tc_id: u32,
    /// What is tested.
    pub comment: String,
    /// Kinds of the test; the file's notes explain them.
    pub flags: Vec<String>,
    /// The token in its text form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The token's bytes in hexadecimal, where they must be passed as bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_hex: Option<String>,
    /// The proof that is presented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The time of the check, in seconds since 1970.
    pub now: u64,
    /// Whether the licence grants what is expected.
    pub result: Verdict,
    /// Name of the expected code. `None` in an invalid test: any code of the groups 1xx and 2xx.
    pub code: Option<String>,
    /// Number of the expected code.
    pub number: Option<u16>,
    /// State of a valid licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The claims of a valid licence, as every language shows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Value>,
}
