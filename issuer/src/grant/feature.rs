//! Features.

use std::str::FromStr;

use ciborium::Value as Cbor;
use licentia_core::{Feature as Signed, FeatureValue as SignedValue, Timestamp, limits};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    canonical,
    error::{Error, Result},
    time,
};

/// A feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its value.
    pub value: FeatureValue,
    /// When it ends, if it ends before the licence.
    pub expires: Option<Timestamp>,
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
            Some(expires) => Cbor::Array(vec![value, canonical::time(expires)]),
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

    /// Reads `VALUE` or `VALUE@EXPIRES`. The value is `true`, a number, a text, or `text:` and any text.
    fn from_str(text: &str) -> Result<Self> {
        if let Some(text) = text.strip_prefix("text:") {
            // The text itself may contain `@`.
            let ended = text.rsplit_once('@').and_then(|(value, expires)| {
                Some((value, time::parse_end(expires).ok()?)).filter(|(value, _)| !value.is_empty())
            });
            let (value, expires) = ended.map_or((text, None), |(value, expires)| (value, Some(expires)));
            return Ok(Self { value: FeatureValue::Text(value.into()), expires });
        }
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
            value if is_number(value) => FeatureValue::Int(whole(value)?),
            value => FeatureValue::Text(value.into()),
        };
        Ok(Self { value, expires })
    }
}

/// Whether a text is a whole number, which may have underscores between its digits.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text).as_bytes();
    let ends = |c: Option<&u8>| c.is_some_and(u8::is_ascii_digit);
    digits.iter().all(|c| c.is_ascii_digit() || *c == b'_') && ends(digits.first()) && ends(digits.last())
}

/// Reads a whole number.
fn whole(text: &str) -> Result<i64> {
    let expected = "a number is from -(2^53 - 1) to 2^53 - 1; if a text is meant, write `text:` before it";
    let number = text.replace('_', "").parse().ok();
    let number = number.filter(|number: &i64| number.unsigned_abs() <= limits::INTEGER);
    number.ok_or_else(|| Error::value("feature value", text, expected))
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
            expires: Option<Timestamp>,
        }
        let value = toml::Value::deserialize(input)?;
        if value.is_table() {
            let Table { value, expires } = value.try_into().map_err(D::Error::custom)?;
            return Ok(Self { value, expires });
        }
        Ok(Self { value: value.try_into().map_err(D::Error::custom)?, expires: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbers_texts_or_what_is_forced_to_be_a_text() {
        let value = |text: &str| text.parse::<Feature>().map(|feature| feature.value);
        for (text, number) in [
            ("100_000", 100_000),
            ("7", 7),
            ("007", 7),
            ("-1_0", -10),
            ("9007199254740991", 9_007_199_254_740_991),
        ] {
            assert_eq!(value(text).unwrap(), FeatureValue::Int(number), "{text}");
        }
        for text in ["gold", "1.5", "_1", "1_", "-", "0x10", "1e6"] {
            assert_eq!(value(text).unwrap(), FeatureValue::Text(text.into()));
        }
        for text in ["9007199254740992", "-9007199254740992", "99999999999999999999", "9_007_199_254_740_992"]
        {
            let said = value(text).unwrap_err().to_string();
            assert!(said.contains("2^53") && said.contains("`text:`"), "{said}");
        }
        for (text, forced) in
            [("text:007", "007"), ("text:true", "true"), ("text:a@b", "a@b"), ("text:text:x", "text:x")]
        {
            assert_eq!(value(text).unwrap(), FeatureValue::Text(forced.into()), "{text}");
        }
        let ends = "text:007@2027-01-31".parse::<Feature>().unwrap();
        assert_eq!(
            ends,
            Feature { value: FeatureValue::Text("007".into()), expires: Some(1_801_440_000.into()) }
        );
    }
}
