//! The parameters of a statement.

use licentia_core::{Lineage, Timestamp, TokenId};

/// SQL's integers are signed. Every integer of a licence is below 2^53.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A parameter of a statement.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// An integer, a time or a truth value.
    Int(i64),
    /// A text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// The parameters of a statement, from anything that becomes a [`Value`].
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::ledger::sql::Value::from($value)),*] };
}
pub(in crate::ledger) use values;

impl From<u64> for Value<'_> {
    fn from(value: u64) -> Self {
        Self::Int(number(value))
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(time: Timestamp) -> Self {
        time.as_seconds().into()
    }
}

impl<'a> From<&'a TokenId> for Value<'a> {
    fn from(id: &'a TokenId) -> Self {
        Self::Bytes(id.as_bytes())
    }
}

impl<'a> From<&'a Lineage> for Value<'a> {
    fn from(lineage: &'a Lineage) -> Self {
        Self::Bytes(lineage.as_bytes())
    }
}

impl From<u8> for Value<'_> {
    fn from(value: u8) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
