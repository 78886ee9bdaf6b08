//! Tests of the text form.

use serde::{Deserialize, Serialize};

use crate::{Verdict, file::group};

/// Tests of texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TextGroup {
    /// What the tests have in common.
    pub comment: String,
    /// The tests.
    pub tests: Vec<TextTest>,
}
group!(TextGroup);

/// A test of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TextTest {
    /// The test's number, unique in the file.
    pub tc_id: u32,
    /// What is tested.
    pub comment: String,
    /// Kinds of the test; the file's notes explain them.
    pub flags: Vec<String>,
    /// The text.
    pub text: String,
    /// Whether it is the text form of some bytes.
    pub result: Verdict,
    /// Name of the expected code.
    pub code: String,
    /// Number of the expected code.
    pub number: u16,
    /// The bytes that a valid text stands for, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
}
