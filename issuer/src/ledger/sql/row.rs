//! A row of a result. Columns are counted from 0.

use licentia_core::{Timestamp, TokenId};
#[cfg(feature = "postgres")]
use postgres::types::Type;
use rusqlite::types::ValueRef;

use super::value::Value;
use crate::error::{LedgerError, Result};

/// A row of a result.
pub struct Row<'r>(pub(super) Found<'r>);

/// A row of either database.
pub(super) enum Found<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    #[cfg(feature = "postgres")]
    Postgres(&'r postgres::Row),
}

impl std::fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Row")
    }
}

/// Reads a column of either database as the same type.
macro_rules! column {
    ($row:expr, $at:expr, $type:ty) => {
        match &$row.0 {
            Found::Sqlite(row) => Ok(row.get::<_, $type>($at)?),
            #[cfg(feature = "postgres")]
            Found::Postgres(row) => Ok(row.try_get::<_, $type>($at)?),
        }
    };
}

impl<'r> Row<'r> {
    /// An integer, all of which are positive.
    pub fn unsigned(&self, at: usize) -> Result<u64> {
        let value: Result<i64> = column!(self, at, i64);
        value.map(i64::unsigned_abs)
    }

    /// An integer, if there is one.
    pub fn optional(&self, at: usize) -> Result<Option<u64>> {
        let value: Result<Option<i64>> = column!(self, at, Option<i64>);
        Ok(value?.map(i64::unsigned_abs))
    }

    /// A column of any type, to be written elsewhere.
    pub fn value(&self, at: usize) -> Result<Value<'r>> {
        match &self.0 {
            Found::Sqlite(row) => Ok(match row.get_ref(at)? {
                ValueRef::Integer(number) => Value::Int(number),
                ValueRef::Text(_) => Value::Text(self.text(at)?),
                ValueRef::Blob(bytes) => Value::Bytes(bytes),
                ValueRef::Null | ValueRef::Real(_) => Value::Null,
            }),
            #[cfg(feature = "postgres")]
            Found::Postgres(row) => Ok(match row.columns().get(at).map(postgres::Column::type_) {
                Some(&Type::TEXT) => row.try_get::<_, Option<&str>>(at)?.map_or(Value::Null, Value::Text),
                Some(&Type::BYTEA) => row.try_get::<_, Option<&[u8]>>(at)?.map_or(Value::Null, Value::Bytes),
                _ => row.try_get::<_, Option<i64>>(at)?.map_or(Value::Null, Value::Int),
            }),
        }
    }

    /// A time.
    pub fn time(&self, at: usize) -> Result<Timestamp> {
        self.unsigned(at).map(Timestamp::from_seconds)
    }

    /// A time, if there is one.
    pub fn optional_time(&self, at: usize) -> Result<Option<Timestamp>> {
        Ok(self.optional(at)?.map(Timestamp::from_seconds))
    }

    /// The identifier of a token.
    pub fn id(&self, at: usize) -> Result<TokenId> {
        self.array::<16>(at).map(TokenId::from)
    }

    /// The result of a comparison.
    pub fn flag(&self, at: usize) -> Result<bool> {
        column!(self, at, bool)
    }

    /// A text.
    pub fn text(&self, at: usize) -> Result<&'r str> {
        match &self.0 {
            Found::Sqlite(row) => Ok(row.get_ref(at)?.as_str().map_err(rusqlite::Error::from)?),
            #[cfg(feature = "postgres")]
            Found::Postgres(row) => Ok(row.try_get(at)?),
        }
    }

    /// A text, if there is one.
    pub fn optional_text(&self, at: usize) -> Result<Option<String>> {
        column!(self, at, Option<String>)
    }

    /// Bytes.
    pub fn bytes(&self, at: usize) -> Result<&'r [u8]> {
        match &self.0 {
            Found::Sqlite(row) => Ok(row.get_ref(at)?.as_blob().map_err(rusqlite::Error::from)?),
            #[cfg(feature = "postgres")]
            Found::Postgres(row) => Ok(row.try_get(at)?),
        }
    }

    /// Bytes, if there are any.
    pub fn optional_bytes(&self, at: usize) -> Result<Option<Vec<u8>>> {
        column!(self, at, Option<Vec<u8>>)
    }

    /// Bytes of a known number.
    pub fn array<const N: usize>(&self, at: usize) -> Result<[u8; N]> {
        let bytes = self.bytes(at)?;
        bytes.try_into().map_err(|_| LedgerError::Damaged { length: bytes.len(), expected: N }.into())
    }
}
