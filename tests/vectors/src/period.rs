//! Tests of the windows of periods.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::file::group;

/// Tests of one period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PeriodGroup {
    /// What the tests have in common.
    pub comment: String,
    /// The period, as it stands in the claims of a licence.
    pub period: Value,
    /// The tests.
    pub tests: Vec<PeriodTest>,
}
group!(PeriodGroup);

/// A time and the window that it falls into. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PeriodTest {
    /// The test's number, unique in the file.
    pub tc_id: u32,
    /// The three times in UTC.
    pub comment: String,
    /// Kinds of the test; the file's notes explain them.
    pub flags: Vec<String>,
    /// The time.
    pub time: u64,
    /// The window's first second.
    pub start: u64,
    /// The first second after it; `None` where it never ends.
    pub end: Option<u64>,
}
