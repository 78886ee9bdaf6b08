//! Values that are written either as a short text or as a table.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::error::{Error, Result};

/// Deserialises a short text by [`FromStr`], and anything else as the table `T`.
pub(super) fn short_or_table<'de, D, S, T>(
    input: D,
    table: impl FnOnce(T) -> Result<S>,
) -> std::result::Result<S, D::Error>
where
    D: Deserializer<'de>,
    S: FromStr<Err = Error>,
    T: for<'t> Deserialize<'t>,
{
    match toml::Value::deserialize(input)? {
        toml::Value::String(text) => text.parse().map_err(D::Error::custom),
        value => table(value.try_into().map_err(D::Error::custom)?).map_err(D::Error::custom),
    }
}

/// Reads a whole number, which may have underscores between its digits.
pub(super) fn count(text: &str) -> Option<u64> {
    text.trim().replace('_', "").parse().ok()
}
