//! Tests of public keys.

use serde::{Deserialize, Serialize};

use crate::{Verdict, file::group};

/// Tests of public keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyGroup {
    /// What the tests have in common.
    pub comment: String,
    /// The tests.
    pub tests: Vec<KeyTest>,
}
group!(KeyGroup);

/// A test of a public key in its text form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyTest {
    /// The test's number, unique in the file.
    pub tc_id: u32,
    /// What is tested.
    pub comment: String,
    /// Kinds of the test; the file's notes explain them.
    pub flags: Vec<String>,
    /// The text.
    pub key: String,
    /// Whether the key can be loaded.
    pub result: Verdict,
    /// Name of the expected code.
    pub code: String,
    /// Number of the expected code.
    pub number: u16,
    /// Identifier of a valid key, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The 32 bytes of a valid key, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
}
