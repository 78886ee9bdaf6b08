//! Features: what the customer may use. A feature may have a value, and may end before the licence does.

use crate::{
    cbor::{self, Reader},
    code::Code,
    time::timestamp::Timestamp,
};

/// The value of a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FeatureValue<'a> {
    /// The feature is licensed, and that is all.
    True,
    /// A number, such as a size limit; its magnitude is at most 2^53 - 1.
    Int(i64),
    /// A text, such as a service level.
    Text(&'a str),
}

/// One feature of a licence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Feature<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: FeatureValue<'a>,
    /// When it ends, if before the licence does.
    pub expires: Option<Timestamp>,
}

impl<'a> Feature<'a> {
    /// Whether the feature has ended at `now`.
    pub fn is_expired(&self, now: impl Into<Timestamp>) -> bool {
        has_ended(self.expires, now.into())
    }

    /// Reads `true / int / tstr / [value, exp uint]`.
    pub(crate) fn read(name: &'a str, reader: &mut Reader<'a>) -> cbor::Result<Self> {
        if reader.at_array() {
            reader.array_within(2, 2)?;
            let value = FeatureValue::read(reader)?;
            return Ok(Self { name, value, expires: Some(reader.timestamp()?) });
        }
        Ok(Self { name, value: FeatureValue::read(reader)?, expires: None })
    }
}

/// Whether something with this end, if it has one, has ended at `now`.
pub(crate) fn has_ended(expires: Option<Timestamp>, now: Timestamp) -> bool {
    expires.is_some_and(|expires| now >= expires)
}

/// Reads when a feature that was checked before ends, over its value; none if it ends with the licence.
pub(crate) fn end(reader: &mut Reader<'_>) -> cbor::Result<Option<Timestamp>> {
    if !reader.at_array() {
        return Ok(None);
    }
    reader.array()?;
    match reader.pass() {
        Some(()) => reader.uint().map(Timestamp::from_seconds).map(Some),
        None => reader.malformed(Code::Truncated),
    }
}

impl<'a> FeatureValue<'a> {
    fn read(reader: &mut Reader<'a>) -> cbor::Result<Self> {
        if reader.at_int() {
            reader.int().map(Self::Int)
        } else if reader.at_text() {
            reader.short_text().map(Self::Text)
        } else {
            reader.only_true().map(|()| Self::True)
        }
    }
}
