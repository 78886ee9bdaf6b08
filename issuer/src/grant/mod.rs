//! What a tier or a licence grants: features, quotas, rates, seats and policy, as a vendor writes them.
//!
//! Each has a short form, for a TOML value or a command line, and a table if
//! the short form cannot say everything:
//!
//! | what | short | table |
//! |---|---|---|
//! | feature | `true`, `100000`, `"gold"` | `{ value = true, expires = "2027-01-31" }` |
//! | quota | `"100000/month"`, `"100000/month@term"` | `{ limit = 100000, per = "month", anchor = "term", overage = 120000 }` |
//! | rate | `"10/1s"` | `{ count = 10, per = "1s", burst = 20 }` |

mod feature;
mod policy;
mod quota;
mod rate;
mod short_form;

use std::collections::BTreeMap;

use ciborium::Value as Cbor;
use licentia_core::{Claims, Kind, Policy, inner::is_valid_name};

use crate::error::{Error, Result};

pub use feature::{Feature, FeatureValue};
pub use policy::read_policy;
pub(crate) use policy::{PolicyTable, bound_to_cbor as policy_to_cbor};
pub use quota::{Anchor, Quota, WrittenQuota};
pub use rate::Rate;

/// What a tier or a licence grants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grant {
    /// Features by name.
    pub features: BTreeMap<String, Feature>,
    /// Quotas by meter.
    pub quotas: BTreeMap<String, Quota>,
    /// Rates by name.
    pub rates: BTreeMap<String, Rate>,
    /// How many may use it at once.
    pub seats: Option<u64>,
    /// What a gate does when it cannot know something.
    pub policy: Policy,
    /// The kind of licence.
    pub kind: Kind,
}

/// Checks a name of a tier, feature, meter or rate.
pub(crate) fn check_name(field: &'static str, given: &str) -> Result<()> {
    if is_valid_name(given) {
        Ok(())
    } else {
        Err(Error::value(field, given, "use 1 to 64 of a-z 0-9 . _ : -"))
    }
}

impl Grant {
    /// What a signed licence grants.
    pub(crate) fn of(claims: &Claims<'_>) -> Self {
        Self {
            features: claims.features().map(|feature| (feature.name.to_owned(), (&feature).into())).collect(),
            quotas: claims.quotas().map(|quota| (quota.meter.to_owned(), quota.into())).collect(),
            rates: claims.rates().map(|rate| (rate.name.to_owned(), rate.into())).collect(),
            seats: claims.seats(),
            policy: claims.policy(),
            kind: claims.kind(),
        }
    }

    /// Checks every name and time, so that a mistake is reported before anything is signed.
    pub(crate) fn check(&self) -> Result<()> {
        self.features.keys().try_for_each(|name| check_name("feature", name))?;
        self.quotas.keys().try_for_each(|name| check_name("meter", name))?;
        self.rates.keys().try_for_each(|name| check_name("rate", name))?;
        self.features.values().try_for_each(Feature::check)?;
        self.quotas.values().try_for_each(Quota::check)
    }

    /// Features, quotas, rates, seats, policy and kind, in their encoded form.
    pub(crate) fn to_cbor(&self) -> [Option<Cbor>; 6] {
        [
            map(&self.features, Feature::to_cbor),
            map(&self.quotas, |quota| quota.to_cbor()),
            map(&self.rates, |rate| rate.to_cbor()),
            self.seats.map(Cbor::from),
            policy::to_cbor(&self.policy),
            (self.kind != Kind::Paid).then(|| Cbor::from(self.kind.number())),
        ]
    }
}

fn map<T>(entries: &BTreeMap<String, T>, encode: impl Fn(&T) -> Cbor) -> Option<Cbor> {
    let pairs = entries.iter().map(|(name, entry)| (Cbor::from(name.as_str()), encode(entry)));
    (!entries.is_empty()).then(|| Cbor::Map(pairs.collect()))
}
