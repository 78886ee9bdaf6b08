//! The table of codes.

use serde::{Deserialize, Serialize};

/// The table of codes, ascending by number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CodesFile {
    /// Name and version of the file's form.
    pub schema: String,
    /// How many codes there are.
    pub number_of_codes: usize,
    /// The codes.
    pub codes: Vec<CodeEntry>,
}

/// A code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CodeEntry {
    /// Its number, which never changes.
    pub number: u16,
    /// Its name, which never changes.
    pub name: String,
    /// What it says.
    pub message: String,
    /// What to do about it.
    pub advice: String,
}
