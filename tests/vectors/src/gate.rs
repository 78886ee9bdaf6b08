//! Tests of the gate: several steps on one gate, since it remembers.

use serde::{Deserialize, Serialize};

use crate::file::group;

/// Tests of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GateGroup {
    /// What the tests have in common.
    pub comment: String,
    /// The tests.
    pub tests: Vec<GateTest>,
}
group!(GateGroup);

/// What happens to one gate, step by step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GateTest {
    /// The test's number, unique in the file.
    pub tc_id: u32,
    /// What is tested.
    pub comment: String,
    /// Kinds of the test; the file's notes explain them.
    pub flags: Vec<String>,
    /// The keys that are trusted, in their text form; none where there is a root key.
    pub keys: Vec<String>,
    /// The root key, in its text form. The first step then loads the keyset that the gate is built with.
    pub root: Option<String>,
    /// The steps, in their order.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "do", deny_unknown_fields)]
pub enum Step {
    /// A keyset is loaded.
    Load {
        /// The keyset's bytes, in hexadecimal digits.
        keyset: String,
        /// Name of the code: `allowed` where it is taken, or is the one in use.
        code: String,
    },
    /// A revocation bundle or delta is loaded.
    Publish {
        /// The bundle's bytes, in hexadecimal digits.
        bundle: String,
        /// Name of the code: `allowed` where it is taken, or is the one in use.
        code: String,
    },
    /// The process ends, and another one begins with what was persisted and the keyset that was loaded last, and no bundle.
    Restart,
    /// A request is checked.
    #[serde(rename_all = "camelCase")]
    Check {
        /// The licence, in its text form.
        token: String,
        /// The wall clock, in seconds since 1970.
        now: u64,
        /// The process's monotonic clock, in milliseconds.
        monotonic_ms: u64,
        /// Rates and what they are charged.
        rates: Vec<(String, u64)>,
        /// Meters and what they are charged.
        meters: Vec<(String, u64)>,
        /// Name of the code.
        code: String,
        /// The state of what is allowed.
        state: Option<String>,
        /// Name of the code of a doubt that was passed over.
        warning: Option<String>,
    },
}
