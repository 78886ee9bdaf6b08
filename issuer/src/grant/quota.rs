//! Quotas.

use std::str::FromStr;

use ciborium::Value as Cbor;
use licentia_core::{Overage, Period, Timestamp};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::short_form::{count, short_or_table};
use crate::{
    canonical::{time, uints},
    error::{Error, Result},
    time::{Span, parse_start, plausible, written},
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
    /// The quota with periods that begin at `anchor`. A period that cannot be moved stays.
    pub(crate) fn anchored(self, anchor: Timestamp) -> Self {
        Self { period: anchored(self.period, anchor).unwrap_or(self.period), ..self }
    }

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
        Period::Fixed { seconds, anchor } => uints([seconds, anchor.as_seconds()]),
        Period::MonthFrom { anchor } => anchored(-5, anchor),
        Period::YearFrom { anchor } => anchored(-6, anchor),
        named => Cbor::from(named.number().unwrap_or(0)),
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

/// Where the periods of a quota begin, if not with the calendar's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Anchor {
    /// With each customer's term: the month begins on the day they bought.
    Term,
    /// At this time, as it was written. Its zone is only for people: the months and years of a quota are counted in UTC.
    Written(String),
}

/// A quota as a tier or a command says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenQuota {
    /// The quota; one that begins with the term has its calendar period.
    pub(crate) quota: Quota,
    /// Where its periods begin.
    pub(crate) anchor: Option<Anchor>,
}

impl WrittenQuota {
    fn new(quota: Quota, anchor: Option<&str>, written: &str) -> Result<Self> {
        let Some(text) = anchor else { return Ok(Self { quota, anchor: None }) };
        let expected = "only a month, a year or a duration can have an anchor";
        let cannot = || Error::value("period", written, expected);
        if text.trim() == "term" {
            anchored(quota.period, Timestamp::EPOCH).ok_or_else(cannot)?;
            return Ok(Self { quota, anchor: Some(Anchor::Term) });
        }
        let period = anchored(quota.period, parse_start(text)?).ok_or_else(cannot)?;
        Ok(Self { quota: Quota { period, ..quota }, anchor: Some(Anchor::Written(text.trim().to_owned())) })
    }

    /// The quota of a licence whose term starts at `start`.
    pub fn starting(&self, start: Timestamp) -> Quota {
        match self.anchor {
            Some(Anchor::Term) => self.quota.anchored(start),
            _ => self.quota,
        }
    }
}

impl FromStr for WrittenQuota {
    type Err = Error;

    /// Reads `LIMIT/PERIOD` or `LIMIT/PERIOD@ANCHOR`. The anchor is `term` or a time.
    fn from_str(text: &str) -> Result<Self> {
        let (quota, anchor) = match text.split_once('@') {
            Some((quota, anchor)) => (quota, Some(anchor)),
            None => (text, None),
        };
        Self::new(quota.parse()?, anchor, quota)
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

impl<'de> Deserialize<'de> for WrittenQuota {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            limit: u64,
            per: String,
            #[serde(default, deserialize_with = "written")]
            anchor: Option<String>,
            overage: Option<toml::Value>,
        }
        short_or_table(input, |Table { limit, per, anchor, overage }: Table| {
            let quota = Quota { limit, period: parse_period(&per)?, overage: read_overage(overage, limit)? };
            Self::new(quota, anchor.as_deref(), &per)
        })
    }
}

impl<'de> Deserialize<'de> for Quota {
    /// Reads a quota that is the same for every licence.
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        match WrittenQuota::deserialize(input)? {
            WrittenQuota { anchor: Some(Anchor::Term), .. } => Err(D::Error::custom(
                "`anchor = \"term\"` belongs into a tier: here there is no term; write a time",
            )),
            WrittenQuota { quota, .. } => Ok(quota),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_with_the_calendar_the_term_or_a_time() {
        let starting = |text: &str| {
            text.parse::<WrittenQuota>().unwrap().starting(Timestamp::from_seconds(1_800_000_000)).period
        };
        assert_eq!(starting("5/month"), Period::Month);
        assert_eq!(starting("5/month@term"), Period::MonthFrom { anchor: 1_800_000_000.into() });
        assert_eq!(
            starting("5/30d@term"),
            Period::Fixed { seconds: 2_592_000, anchor: 1_800_000_000.into() }
        );
        assert_eq!(starting("5/year@2024-01-31"), Period::YearFrom { anchor: 1_706_659_200.into() });
        let zoned: WrittenQuota = "5/month@2024-01-31T09:00:00+09:00".parse().unwrap();
        assert_eq!(
            zoned.starting(Timestamp::EPOCH).period,
            Period::MonthFrom { anchor: 1_706_659_200.into() }
        );
        assert_eq!(zoned.anchor, Some(Anchor::Written("2024-01-31T09:00:00+09:00".into())));
        for wrong in ["5/day@term", "5/lifetime@2024-01-31", "5/month@", "5/month@soon", "5@term"] {
            assert!(wrong.parse::<WrittenQuota>().is_err(), "{wrong}");
        }
    }
}
