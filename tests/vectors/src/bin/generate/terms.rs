//! The terms of a grant in plain words: features, quotas, rates and actions.

use serde_json::{Value, json};

use crate::cbor::{self, Item};

/// The value of a feature.
#[derive(Clone)]
pub(crate) enum FeatureValue {
    True,
    Int(i64),
    Text(String),
}

/// A feature: its value, and when it ends.
#[derive(Clone)]
pub(crate) struct Feature(pub(crate) FeatureValue, pub(crate) Option<u64>);

impl Feature {
    pub(crate) fn on() -> Self {
        Self(FeatureValue::True, None)
    }

    pub(crate) fn int(value: i64) -> Self {
        Self(FeatureValue::Int(value), None)
    }

    pub(crate) fn text(value: &str) -> Self {
        Self(FeatureValue::Text(value.to_owned()), None)
    }

    pub(crate) fn until(self, expires: u64) -> Self {
        Self(self.0, Some(expires))
    }

    pub(crate) fn encode(&self) -> Item {
        let value = match &self.0 {
            FeatureValue::True => cbor::simple(cbor::TRUE),
            FeatureValue::Int(value) => cbor::int(*value),
            FeatureValue::Text(value) => cbor::text(value),
        };
        match self.1 {
            None => value,
            Some(expires) => cbor::array(&[value, cbor::uint(expires)]),
        }
    }

    pub(crate) fn json(&self) -> Value {
        let value = match &self.0 {
            FeatureValue::True => json!(true),
            FeatureValue::Int(value) => json!(value),
            FeatureValue::Text(value) => json!(value),
        };
        json!({ "value": value, "expires": self.1 })
    }
}

/// The period of a quota.
#[derive(Clone, Copy)]
pub(crate) enum Period {
    /// One with a number: the number and the name.
    Named(u64, &'static str),
    /// Seconds and anchor.
    Fixed(u64, u64),
    MonthFrom(u64),
    YearFrom(u64),
}

/// The periods that have a number.
pub(crate) const NAMED: [Period; 7] = [
    Period::Named(0, "lifetime"),
    Period::Named(1, "minute"),
    Period::Named(2, "hour"),
    Period::Named(3, "day"),
    Period::Named(4, "week"),
    Period::Named(5, "month"),
    Period::Named(6, "year"),
];

impl Period {
    fn encode(self) -> Item {
        match self {
            Self::Named(number, _) => cbor::uint(number),
            Self::Fixed(seconds, anchor) => cbor::array(&[cbor::uint(seconds), cbor::uint(anchor)]),
            Self::MonthFrom(anchor) => cbor::array(&[cbor::int(-5), cbor::uint(anchor)]),
            Self::YearFrom(anchor) => cbor::array(&[cbor::int(-6), cbor::uint(anchor)]),
        }
    }

    pub(crate) fn json(self) -> Value {
        match self {
            Self::Named(_, name) => json!(name),
            Self::Fixed(seconds, anchor) => json!({ "seconds": seconds, "anchor": anchor }),
            Self::MonthFrom(anchor) => json!({ "month_from": anchor }),
            Self::YearFrom(anchor) => json!({ "year_from": anchor }),
        }
    }
}

/// What happens beyond a quota.
#[derive(Clone, Copy)]
pub(crate) enum Overage {
    /// Not said, which means deny.
    Default,
    Deny,
    UpTo(u64),
    Unlimited,
}

/// A quota.
#[derive(Clone)]
pub(crate) struct Quota(pub(crate) u64, pub(crate) Period, pub(crate) Overage);

impl Quota {
    pub(crate) fn encode(&self) -> Item {
        let mut items = vec![cbor::uint(self.0), self.1.encode()];
        match self.2 {
            Overage::Default => {}
            Overage::Deny => items.push(cbor::uint(0)),
            Overage::UpTo(hard) => items.push(cbor::array(&[cbor::uint(1), cbor::uint(hard)])),
            Overage::Unlimited => items.push(cbor::uint(2)),
        }
        cbor::array(&items)
    }

    pub(crate) fn json(&self) -> Value {
        let overage = match self.2 {
            Overage::Default | Overage::Deny => json!("deny"),
            Overage::UpTo(hard) => json!({ "up_to": hard }),
            Overage::Unlimited => json!("unlimited"),
        };
        json!({ "limit": self.0, "period": self.1.json(), "overage": overage })
    }
}

/// A rate: count, milliseconds, and the burst where it is said.
#[derive(Clone)]
pub(crate) struct Rate(pub(crate) u64, pub(crate) u64, pub(crate) Option<u64>);

impl Rate {
    pub(crate) fn encode(&self) -> Item {
        let mut items = vec![cbor::uint(self.0), cbor::uint(self.1)];
        items.extend(self.2.map(cbor::uint));
        cbor::array(&items)
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "count": self.0, "per_ms": self.1, "burst": self.2.unwrap_or(self.0) })
    }
}

/// What to do in doubt.
#[derive(Clone, Copy)]
pub(crate) enum Action {
    Deny,
    Warn(u64),
    Allow,
}

impl Action {
    pub(crate) fn encode(self) -> Item {
        match self {
            Self::Deny => cbor::uint(0),
            Self::Warn(seconds) => cbor::array(&[cbor::uint(1), cbor::uint(seconds)]),
            Self::Allow => cbor::uint(2),
        }
    }

    pub(crate) fn json(self) -> Value {
        match self {
            Self::Deny => json!("deny"),
            Self::Warn(seconds) => json!({ "warn": seconds }),
            Self::Allow => json!("allow"),
        }
    }
}
