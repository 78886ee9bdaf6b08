//! The licence in JSON: one shape for every language.

use core::fmt;

use super::{
    claims::{Claims, Confirmation},
    feature::FeatureValue,
    policy::Action,
    quota::Overage,
};
use crate::{
    json::{Hex, Optional, OptionalTime, Quoted, list},
    time::period::Period,
};

impl<'a> Claims<'a> {
    /// Shows the claims as a JSON object, in the one shape that is the same in every language.
    pub fn json(&self) -> impl fmt::Display + use<'_, 'a> {
        Object(self)
    }

    /// Shows one part of [`Self::json`] without the others: the JSON object that is the part's value.
    #[doc(hidden)]
    pub fn json_part(&self, part: JsonPart) -> impl fmt::Display + use<'_, 'a> {
        Part(self, part)
    }
}

/// A part of a licence's JSON that is a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonPart {
    /// The features by name.
    Features,
    /// The quotas by meter.
    Quotas,
    /// The rates by name.
    Rates,
    /// The free metadata.
    Meta,
}

/// Claims as a JSON object: the one shape in which every language shows them.
///
/// What the token does not say is there with its default; identifiers and fingerprints are hexadecimal.
struct Object<'c, 'a>(&'c Claims<'a>);

impl fmt::Display for Object<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let claims = self.0;
        write!(f, r#"{{"kid":"{}","iss":{},"#, claims.kid(), Quoted(claims.issuer()))?;
        write!(f, r#""sub":{},"aud":["#, Quoted(claims.subject()))?;
        list(f, claims.audiences(), |f, audience| Quoted(audience).fmt(f))?;
        write!(
            f,
            r#"],"exp":{},"nbf":{},"#,
            claims.expires().as_seconds(),
            OptionalTime(claims.not_before())
        )?;
        write!(f, r#""iat":{},"cti":{},"#, claims.issued_at().as_seconds(), Hex(claims.id().as_bytes()))?;
        match claims.confirmation() {
            None => f.write_str(r#""cnf":null,"#)?,
            Some(Confirmation::Key(key)) => write!(f, r#""cnf":{{"key":{}}},"#, Hex(key))?,
            Some(Confirmation::Thumbprint(print)) => write!(f, r#""cnf":{{"thumbprint":{}}},"#, Hex(print))?,
        }
        let tier = claims.tier();
        write!(f, r#""tier":{{"name":{},"version":{}}},"#, Quoted(tier.name), tier.version)?;
        write!(f, r#""features":{},"#, Part(claims, JsonPart::Features))?;
        write!(f, r#""quotas":{},"#, Part(claims, JsonPart::Quotas))?;
        write!(
            f,
            r#""rates":{},"term_end":{},"#,
            Part(claims, JsonPart::Rates),
            OptionalTime(claims.term_end())
        )?;
        write!(f, r#""seats":{},"policy":{{"#, Optional(claims.seats()))?;
        let policy = claims.policy();
        write!(
            f,
            r#""stale_revocation":{},"clock_doubt":{},"#,
            JsonAction(policy.stale_revocation),
            JsonAction(policy.clock_doubt)
        )?;
        write!(f, r#""store_unreachable":{},"#, JsonAction(policy.store_unreachable))?;
        write!(f, r#""max_revocation_age":{}}},"node_locks":["#, Optional(policy.max_revocation_age))?;
        list(f, claims.node_locks(), |f, lock| Hex(lock).fmt(f))?;
        write!(f, r#"],"maintained_until":{},"#, OptionalTime(claims.maintained_until()))?;
        write!(f, r#""kind":"{}","meta":{},"#, claims.kind().name(), Part(claims, JsonPart::Meta))?;
        write!(
            f,
            r#""lineage":{},"index":{},"stream":{}}}"#,
            Hex(claims.lineage().as_bytes()),
            Optional(claims.index()),
            claims.stream()
        )
    }
}

/// One map of the claims as a JSON object.
struct Part<'c, 'a>(&'c Claims<'a>, JsonPart);

impl fmt::Display for Part<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(claims, part) = *self;
        f.write_str("{")?;
        match part {
            JsonPart::Features => list(f, claims.features(), |f, feature| {
                write!(f, r#"{}:{{"value":"#, Quoted(feature.name))?;
                match feature.value {
                    FeatureValue::True => f.write_str("true")?,
                    FeatureValue::Int(number) => number.fmt(f)?,
                    FeatureValue::Text(text) => Quoted(text).fmt(f)?,
                }
                write!(f, r#","expires":{}}}"#, OptionalTime(feature.expires))
            }),
            JsonPart::Quotas => list(f, claims.quotas(), |f, quota| {
                let (meter, limit) = (Quoted(quota.meter), quota.limit);
                write!(f, r#"{meter}:{{"limit":{limit},"period":{},"overage":"#, JsonPeriod(quota.period))?;
                match quota.overage {
                    Overage::Deny => f.write_str(r#""deny"}"#),
                    Overage::UpTo(hard) => write!(f, r#"{{"up_to":{hard}}}}}"#),
                    Overage::Unlimited => f.write_str(r#""unlimited"}"#),
                }
            }),
            JsonPart::Rates => list(f, claims.rates(), |f, rate| {
                let (name, count, per_ms, burst) = (Quoted(rate.name), rate.count, rate.per_ms, rate.burst);
                write!(f, r#"{name}:{{"count":{count},"per_ms":{per_ms},"burst":{burst}}}"#)
            }),
            JsonPart::Meta => {
                list(f, claims.meta(), |f, (key, value)| write!(f, "{}:{}", Quoted(key), Quoted(value)))
            }
        }?;
        f.write_str("}")
    }
}

/// A period in JSON: a name, or an object with the anchor.
struct JsonPeriod(Period);

impl fmt::Display for JsonPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Period::Fixed { seconds, anchor } => {
                write!(f, r#"{{"seconds":{seconds},"anchor":{}}}"#, anchor.as_seconds())
            }
            Period::MonthFrom { anchor } => write!(f, r#"{{"month_from":{}}}"#, anchor.as_seconds()),
            Period::YearFrom { anchor } => write!(f, r#"{{"year_from":{}}}"#, anchor.as_seconds()),
            named => write!(f, r#""{named}""#),
        }
    }
}

impl Period {
    /// The period as the JSON of a licence has it: `"month"` or `{"month_from":1706659200}`.
    pub fn json(self) -> impl fmt::Display {
        JsonPeriod(self)
    }
}

/// An action in JSON.
struct JsonAction(Action);

impl fmt::Display for JsonAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Action::Deny => f.write_str(r#""deny""#),
            Action::Warn(seconds) => write!(f, r#"{{"warn":{seconds}}}"#),
            Action::Allow => f.write_str(r#""allow""#),
        }
    }
}
