//! What all files of tests have in common.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A file of tests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct File<G> {
    /// Name and version of the file's form.
    pub schema: String,
    /// How many tests there are, so that a runner can tell that it ran all.
    pub number_of_tests: usize,
    /// What each flag of a test means.
    pub notes: BTreeMap<String, String>,
    /// The tests, in groups that share what is around them.
    pub test_groups: Vec<G>,
}

/// A group of tests.
pub trait Group {
    /// The number and the flags of each test.
    fn tests(&self) -> impl Iterator<Item = (u32, &[String])>;
    /// Numbers the tests on from `next`.
    fn number(&mut self, next: &mut u32);
}

/// Whether an input must be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It must be accepted.
    Valid,
    /// It must be refused.
    Invalid,
}

/// Implements [`Group`] for a group whose tests have a `tc_id` and `flags`.
macro_rules! group {
    ($group:ty) => {
        impl crate::Group for $group {
            fn tests(&self) -> impl Iterator<Item = (u32, &[String])> {
                self.tests.iter().map(|test| (test.tc_id, test.flags.as_slice()))
            }

            fn number(&mut self, next: &mut u32) {
                for test in &mut self.tests {
                    test.tc_id = *next;
                    *next += 1;
                }
            }
        }
    };
}
pub(crate) use group;
