//! Rates.

use std::str::FromStr;

use ciborium::Value as Cbor;
use serde::{Deserialize, Deserializer};

use super::short_form::{count, short_or_table};
use crate::{
    canonical::uints,
    error::{Error, Result},
    time::Span,
};

const EXPECTED: &str = "write COUNT/DURATION, such as 10/1s or 600/1min";

/// A rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests per interval.
    pub count: u64,
    /// The interval, in milliseconds.
    pub per_ms: u64,
    /// Requests that may come at once; `count` if it is `None`.
    pub burst: Option<u64>,
}

impl Rate {
    pub(crate) fn to_cbor(self) -> Cbor {
        match self.burst.filter(|burst| *burst != self.count) {
            Some(burst) => uints([self.count, self.per_ms, burst]),
            None => uints([self.count, self.per_ms]),
        }
    }
}

impl From<licentia_core::Rate<'_>> for Rate {
    fn from(signed: licentia_core::Rate<'_>) -> Self {
        let burst = Some(signed.burst).filter(|burst| *burst != signed.count);
        Self { count: signed.count, per_ms: signed.per_ms, burst }
    }
}

impl FromStr for Rate {
    type Err = Error;

    /// Reads `COUNT/DURATION`.
    fn from_str(text: &str) -> Result<Self> {
        let invalid = || Error::value("rate", text, EXPECTED);
        let (number, per) = text.split_once('/').ok_or_else(invalid)?;
        let count = count(number).ok_or_else(invalid)?;
        let per_ms = per.parse::<Span>().and_then(Span::millis).map_err(|_| invalid())?;
        Ok(Self { count, per_ms, burst: None })
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            count: u64,
            per: Span,
            burst: Option<u64>,
        }
        short_or_table(input, |Table { count, per, burst }: Table| {
            Ok(Self { count, per_ms: per.millis()?, burst })
        })
    }
}
