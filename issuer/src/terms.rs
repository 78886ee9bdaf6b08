//! What a tier grants: features, quotas, rates, seats and policy, as a vendor writes them.
//!
//! Each has a short form, for a TOML value or a command line, and where that
//! cannot say everything, a table:
//!
//! | what | short | table |
//! |---|---|---|
//! | feature | `true`, `100000`, `"gold"` | `{ value = true, expires = "2027-01-31" }` |
//! | quota | `"100000/month"` | `{ limit = 100000, per = "month", overage = 120000 }` |
//! | rate | `"10/1s"` | `{ count = 10, per = "1s", burst = 20 }` |

use std::{collections::BTreeMap, str::FromStr};

use ciborium::Value as Cbor;
use licentia_core::{Action, Kind, Overage, Period, inner::is_valid_name};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    canonical::labelled,
    error::{Error, Result},
    moment::{self, Span},
};

pub use licentia_core::Policy;

const NAME: &str = "use 1 to 64 of a-z 0-9 . _ : -";
const QUOTA: &str = "write LIMIT/PERIOD, such as 100000/month; periods: lifetime, minute, hour, day, week, month, year, a duration such as 30d";
const RATE: &str = "write COUNT/DURATION, such as 10/1s or 600/1min";

/// What is granted by a tier, or by one licence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    /// Features by name.
    pub features: BTreeMap<String, Feature>,
    /// Quotas by meter.
    pub quotas: BTreeMap<String, Quota>,
    /// Rates by name.
    pub rates: BTreeMap<String, Rate>,
    /// How many may use it at once.
    pub seats: Option<u64>,
    /// What to do when something cannot be known.
    pub policy: Policy,
    /// What kind of licence it is.
    pub kind: Kind,
}

/// The value of a feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// The feature is licensed, and that is all.
    True,
    /// A number, of a magnitude of at most 2^53 - 1.
    Int(i64),
    /// A text of 1 to 256 bytes.
    Text(String),
}

/// A feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its value.
    pub value: Value,
    /// When it ends, in seconds since 1970, if before the licence does.
    pub expires: Option<u64>,
}

/// A quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Units per period.
    pub limit: u64,
    /// The period.
    pub period: Period,
    /// What happens beyond the limit.
    pub overage: Overage,
}

/// A rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests per interval.
    pub count: u64,
    /// The interval, in milliseconds.
    pub per_ms: u64,
    /// Requests that may come at once; `count` where it is not said.
    pub burst: Option<u64>,
}

/// Checks a name of a tier, feature, meter or rate.
///
/// # Errors
/// [`Error::Value`].
pub fn check_name(what: &'static str, given: &str) -> Result<()> {
    if is_valid_name(given) { Ok(()) } else { Err(Error::value(what, given, NAME)) }
}

impl Terms {
    /// Checks every name, so that a mistake is named before anything is signed.
    pub(crate) fn check(&self) -> Result<()> {
        self.features.keys().try_for_each(|name| check_name("feature", name))?;
        self.quotas.keys().try_for_each(|name| check_name("meter", name))?;
        self.rates.keys().try_for_each(|name| check_name("rate", name))
    }

    /// The fields 2, 3, 4, 6, 7 and 10 of a grant.
    pub(crate) fn fields(&self) -> [(i64, Option<Cbor>); 6] {
        [
            (2, map(&self.features, Feature::encode)),
            (3, map(&self.quotas, Quota::encode)),
            (4, map(&self.rates, Rate::encode)),
            (6, self.seats.map(Cbor::from)),
            (7, encode_policy(&self.policy)),
            (10, (self.kind != Kind::Paid).then(|| Cbor::from(self.kind.number()))),
        ]
    }
}

fn map<T>(entries: &BTreeMap<String, T>, encode: impl Fn(&T) -> Cbor) -> Option<Cbor> {
    let pairs = entries.iter().map(|(name, entry)| (Cbor::from(name.as_str()), encode(entry)));
    (!entries.is_empty()).then(|| Cbor::Map(pairs.collect()))
}

fn array<const N: usize>(items: [u64; N]) -> Cbor {
    Cbor::Array(items.map(Cbor::from).to_vec())
}

impl Feature {
    fn encode(&self) -> Cbor {
        let value = match &self.value {
            Value::True => Cbor::Bool(true),
            Value::Int(number) => Cbor::from(*number),
            Value::Text(text) => Cbor::from(text.as_str()),
        };
        match self.expires {
            Some(expires) => Cbor::Array(vec![value, Cbor::from(expires)]),
            None => value,
        }
    }
}

impl Quota {
    fn encode(&self) -> Cbor {
        let mut items = vec![Cbor::from(self.limit), encode_period(self.period)];
        match self.overage {
            Overage::UpTo(hard) => items.push(array([1, hard])),
            Overage::Unlimited => items.push(Cbor::from(2)),
            _ => {}
        }
        Cbor::Array(items)
    }
}

impl Rate {
    fn encode(&self) -> Cbor {
        match self.burst.filter(|burst| *burst != self.count) {
            Some(burst) => array([self.count, self.per_ms, burst]),
            None => array([self.count, self.per_ms]),
        }
    }
}

fn encode_period(period: Period) -> Cbor {
    let anchored = |unit: i64, anchor: u64| Cbor::Array(vec![Cbor::from(unit), Cbor::from(anchor)]);
    match period {
        Period::Minute => Cbor::from(1),
        Period::Hour => Cbor::from(2),
        Period::Day => Cbor::from(3),
        Period::Week => Cbor::from(4),
        Period::Month => Cbor::from(5),
        Period::Year => Cbor::from(6),
        Period::Fixed { seconds, anchor } => Cbor::Array(vec![Cbor::from(seconds), Cbor::from(anchor)]),
        Period::MonthFrom { anchor } => anchored(-5, anchor),
        Period::YearFrom { anchor } => anchored(-6, anchor),
        _ => Cbor::from(0),
    }
}

fn encode_policy(policy: &Policy) -> Option<Cbor> {
    let action = |action| match action {
        Action::Warn(seconds) => Some(array([1, seconds])),
        Action::Allow => Some(Cbor::from(2)),
        _ => None,
    };
    (*policy != Policy::default()).then(|| {
        labelled([
            (0, action(policy.stale_revocation)),
            (1, action(policy.clock_doubt)),
            (2, action(policy.store_unreachable)),
            (3, policy.max_revocation_age.map(Cbor::from)),
        ])
    })
}

impl FromStr for Feature {
    type Err = Error;

    /// Reads `VALUE` or `VALUE@EXPIRES`, where the value is `true`, a number or a text.
    fn from_str(text: &str) -> Result<Self> {
        let (value, expires) = match text.rsplit_once('@') {
            Some((value, expires)) => (value, Some(moment::parse(expires)?)),
            None => (text, None),
        };
        let value = match value {
            "true" => Value::True,
            "" | "false" => {
                return Err(Error::value(
                    "feature value",
                    value,
                    "write `true`, a number or a text; leave out a feature that is not granted",
                ));
            }
            value => value.parse().map_or_else(|_| Value::Text(value.into()), Value::Int),
        };
        Ok(Self { value, expires })
    }
}

impl FromStr for Quota {
    type Err = Error;

    /// Reads `LIMIT/PERIOD`.
    fn from_str(text: &str) -> Result<Self> {
        let invalid = || Error::value("quota", text, QUOTA);
        let (limit, period) = text.split_once('/').ok_or_else(invalid)?;
        let limit = limit.trim().replace('_', "").parse().map_err(|_| invalid())?;
        let period = parse_period(period).map_err(|_| invalid())?;
        Ok(Self { limit, period, overage: Overage::Deny })
    }
}

impl FromStr for Rate {
    type Err = Error;

    /// Reads `COUNT/DURATION`.
    fn from_str(text: &str) -> Result<Self> {
        let invalid = || Error::value("rate", text, RATE);
        let (count, per) = text.split_once('/').ok_or_else(invalid)?;
        let count = count.trim().replace('_', "").parse().map_err(|_| invalid())?;
        let per_ms = per.parse::<Span>().and_then(Span::millis).map_err(|_| invalid())?;
        Ok(Self { count, per_ms, burst: None })
    }
}

/// Reads the name of a calendar period, or the length of a fixed one that counts from 1970.
///
/// # Errors
/// [`Error::Value`].
pub fn parse_period(text: &str) -> Result<Period> {
    if let Some(period) = Period::named(text.trim()) {
        return Ok(period);
    }
    match text.trim().parse::<Span>()?.seconds()? {
        0 => Err(Error::value("period", text, QUOTA)),
        seconds => Ok(Period::Fixed { seconds, anchor: 0 }),
    }
}

/// Deserialises a value that is either a short text or a table.
fn short_or_table<'de, D, S, T>(
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

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        match toml::Value::deserialize(input)? {
            toml::Value::Boolean(true) => Ok(Self::True),
            toml::Value::Integer(number) => Ok(Self::Int(number)),
            toml::Value::String(text) => Ok(Self::Text(text)),
            other => Err(D::Error::custom(format!(
                "a feature is `true`, an integer, a text or a table {{ value, expires }}, and not `{other}`"
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for Feature {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            value: Value,
            expires: Option<Moment>,
        }
        let value = toml::Value::deserialize(input)?;
        if value.is_table() {
            let table: Table = value.try_into().map_err(D::Error::custom)?;
            return Ok(Self { value: table.value, expires: table.expires.map(|moment| moment.0) });
        }
        Ok(Self { value: value.try_into().map_err(D::Error::custom)?, expires: None })
    }
}

impl<'de> Deserialize<'de> for Quota {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            limit: u64,
            per: String,
            anchor: Option<Moment>,
            overage: Option<toml::Value>,
        }
        short_or_table(input, |table: Table| {
            let period = match (parse_period(&table.per)?, table.anchor) {
                (period, None) => period,
                (Period::Month, Some(Moment(anchor))) => Period::MonthFrom { anchor },
                (Period::Year, Some(Moment(anchor))) => Period::YearFrom { anchor },
                (Period::Fixed { seconds, .. }, Some(Moment(anchor))) => Period::Fixed { seconds, anchor },
                _ => {
                    let expected = "an anchor goes with a month, a year or a duration";
                    return Err(Error::value("period", &table.per, expected));
                }
            };
            let overage = match table.overage {
                None => Overage::Deny,
                Some(toml::Value::Integer(hard))
                    if u64::try_from(hard).is_ok_and(|hard| hard >= table.limit) =>
                {
                    Overage::UpTo(hard.unsigned_abs())
                }
                Some(toml::Value::String(word)) if word == "deny" => Overage::Deny,
                Some(toml::Value::String(word)) if word == "unlimited" => Overage::Unlimited,
                Some(other) => {
                    let expected = "write a hard limit that is not below the limit, `deny` or `unlimited`";
                    return Err(Error::value("overage", &other.to_string(), expected));
                }
            };
            Ok(Self { limit: table.limit, period, overage })
        })
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            count: u64,
            per: String,
            burst: Option<u64>,
        }
        short_or_table(input, |table: Table| {
            let per_ms = table.per.parse::<Span>()?.millis()?;
            Ok(Self { count: table.count, per_ms, burst: table.burst })
        })
    }
}

/// A time in TOML: a date, a date and time with an offset, or a text as [`moment::parse`] reads it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(pub(crate) u64);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        let text = match toml::Value::deserialize(input)? {
            toml::Value::String(text) => text,
            other => other.to_string(),
        };
        moment::parse(&text).map(Self).map_err(D::Error::custom)
    }
}
