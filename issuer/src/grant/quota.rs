//! Quotas.

use std::str::FromStr;

use ciborium::Value as Cbor;
use licentia_core::{Overage, Period, Timestamp};
use serde::{Deserialize, Deserializer};

use super::short_form::{count, short_or_table};
use crate::{
    canonical::{time, uints},
    error::{Error, Result},
    time::{Span, plausible, start},
};

const EXPECTED: &str = "write LIMIT/PERIOD, such as 100000/month; periods: lifetime, minute, hour, day, week, month, year, a duration such as 30d";

/// A quota of one meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Units per period.
    pub limit: u64,
    /// The period.
    pub period: Period,
    /// What happens beyond the limit.
    pub overage: Overage,
}

impl Quota {
    /// Refuses an anchor of months or years that is not plausible. Fixed periods count from any second.
    pub(super) fn check(&self) -> Result<()> {
        match self.period {
            Period::MonthFrom { anchor } | Period::YearFrom { anchor } if anchor > Timestamp::EPOCH => {
                plausible("quota anchor", anchor).map(drop)
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn to_cbor(self) -> Cbor {
        let mut items = vec![Cbor::from(self.limit), period_to_cbor(self.period)];
        match self.overage {
            Overage::UpTo(hard) => items.push(uints([1, hard])),
            Overage::Unlimited => items.push(Cbor::from(2)),
            _ => {}
        }
        Cbor::Array(items)
    }
}

fn period_to_cbor(period: Period) -> Cbor {
    let anchored = |unit: i64, anchor: Timestamp| Cbor::Array(vec![Cbor::from(unit), time(anchor)]);
    match period {
        Period::Minute => Cbor::from(1),
        Period::Hour => Cbor::from(2),
        Period::Day => Cbor::from(3),
        Period::Week => Cbor::from(4),
        Period::Month => Cbor::from(5),
        Period::Year => Cbor::from(6),
        Period::Fixed { seconds, anchor } => uints([seconds, anchor.as_seconds()]),
        Period::MonthFrom { anchor } => anchored(-5, anchor),
        Period::YearFrom { anchor } => anchored(-6, anchor),
        _ => Cbor::from(0),
    }
}

/// Reads the name of a calendar period, or the length of a fixed one that counts from 1970.
fn parse_period(text: &str) -> Result<Period> {
    if let Some(period) = Period::named(text.trim()) {
        return Ok(period);
    }
    match text.parse::<Span>()?.seconds()? {
        0 => Err(Error::value("period", text, EXPECTED)),
        seconds => Ok(Period::Fixed { seconds, anchor: Timestamp::EPOCH }),
    }
}

/// Moves the start of a period to `anchor`.
fn anchored(period: Period, anchor: Timestamp) -> Option<Period> {
    match period {
        Period::Month => Some(Period::MonthFrom { anchor }),
        Period::Year => Some(Period::YearFrom { anchor }),
        Period::Fixed { seconds, .. } => Some(Period::Fixed { seconds, anchor }),
        _ => None,
    }
}

impl From<licentia_core::Quota<'_>> for Quota {
    fn from(signed: licentia_core::Quota<'_>) -> Self {
        Self { limit: signed.limit, period: signed.period, overage: signed.overage }
    }
}

impl FromStr for Quota {
    type Err = Error;

    /// Reads `LIMIT/PERIOD`.
    fn from_str(text: &str) -> Result<Self> {
        let invalid = || Error::value("quota", text, EXPECTED);
        let (limit, period) = text.split_once('/').ok_or_else(invalid)?;
        let limit = count(limit).ok_or_else(invalid)?;
        let period = parse_period(period).map_err(|_| invalid())?;
        Ok(Self { limit, period, overage: Overage::Deny })
    }
}

impl<'de> Deserialize<'de> for Quota {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            limit: u64,
            per: String,
            #[serde(default, deserialize_with = "start")]
            anchor: Option<Timestamp>,
            overage: Option<toml::Value>,
        }
        short_or_table(input, |Table { limit, per, anchor, overage }: Table| {
            let mut period = parse_period(&per)?;
            if let Some(anchor) = anchor {
                let expected = "only a month, a year or a duration can have an anchor";
                period = anchored(period, anchor).ok_or_else(|| Error::value("period", &per, expected))?;
            }
            Ok(Self { limit, period, overage: read_overage(overage, limit)? })
        })
    }
}

/// Reads `"deny"`, `"unlimited"` or a hard limit.
fn read_overage(written: Option<toml::Value>, limit: u64) -> Result<Overage> {
    match written {
        None => Ok(Overage::Deny),
        Some(toml::Value::Integer(hard)) if u64::try_from(hard).is_ok_and(|hard| hard >= limit) => {
            Ok(Overage::UpTo(hard.unsigned_abs()))
        }
        Some(toml::Value::String(word)) if word == "deny" => Ok(Overage::Deny),
        Some(toml::Value::String(word)) if word == "unlimited" => Ok(Overage::Unlimited),
        Some(other) => {
            let expected = "write a hard limit that is at least the limit, `deny` or `unlimited`";
            Err(Error::value("overage", &other.to_string(), expected))
        }
    }
}
