//! Features.

use std::str::FromStr;

use ciborium::Value as Cbor;
use licentia_core::{Feature as Signed, FeatureValue as SignedValue};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    error::{Error, Result},
    time,
};

/// A feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its value.
    pub value: FeatureValue,
    /// When it ends, in seconds since 1970, if it ends before the licence.
    pub expires: Option<u64>,
}

/// The value of a feature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FeatureValue {
    /// The feature is licensed and has no other value.
    True,
    /// A number from -(2^53 - 1) to 2^53 - 1.
    Int(i64),
    /// A text of 1 to 256 bytes.
    Text(String),
}

impl Feature {
    /// Refuses an end that is not plausible.
    pub(super) fn check(&self) -> Result<()> {
        self.expires.map_or(Ok(()), |expires| time::plausible("feature expires", expires).map(drop))
    }

    pub(super) fn to_cbor(&self) -> Cbor {
        let value = match &self.value {
            FeatureValue::True => Cbor::Bool(true),
            FeatureValue::Int(number) => Cbor::from(*number),
            FeatureValue::Text(text) => Cbor::from(text.as_str()),
        };
        match self.expires {
            Some(expires) => Cbor::Array(vec![value, Cbor::from(expires)]),
            None => value,
        }
    }
}

impl From<&Signed<'_>> for Feature {
    fn from(signed: &Signed<'_>) -> Self {
        let value = match signed.value {
            SignedValue::Int(number) => FeatureValue::Int(number),
            SignedValue::Text(text) => FeatureValue::Text(text.to_owned()),
            _ => FeatureValue::True,
        };
        Self { value, expires: signed.expires }
    }
}

impl FromStr for Feature {
    type Err = Error;

    /// Reads `VALUE` or `VALUE@EXPIRES`. The value is `true`, a number or a text.
    fn from_str(text: &str) -> Result<Self> {
        let (value, expires) = match text.rsplit_once('@') {
            Some((value, expires)) => (value, Some(time::parse_end(expires)?)),
            None => (text, None),
        };
        let value = match value {
            "true" => FeatureValue::True,
            "" | "false" => {
                return Err(Error::value(
                    "feature value",
                    value,
                    "write `true`, a number or a text; leave out a feature that is not granted",
                ));
            }
            value => value.parse().map_or_else(|_| FeatureValue::Text(value.into()), FeatureValue::Int),
        };
        Ok(Self { value, expires })
    }
}

impl<'de> Deserialize<'de> for FeatureValue {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        match toml::Value::deserialize(input)? {
            toml::Value::Boolean(true) => Ok(Self::True),
            toml::Value::Integer(number) => Ok(Self::Int(number)),
            toml::Value::String(text) => Ok(Self::Text(text)),
            other => Err(D::Error::custom(format!(
                "a feature is `true`, an integer, a text or a table {{ value, expires }}, not `{other}`"
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for Feature {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            value: FeatureValue,
            #[serde(default, deserialize_with = "time::end")]
            expires: Option<u64>,
        }
        let value = toml::Value::deserialize(input)?;
        if value.is_table() {
            let Table { value, expires } = value.try_into().map_err(D::Error::custom)?;
            return Ok(Self { value, expires });
        }
        Ok(Self { value: value.try_into().map_err(D::Error::custom)?, expires: None })
    }
}
