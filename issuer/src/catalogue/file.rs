//! The catalogue as it is written in TOML.

use std::collections::BTreeMap;

use licentia_core::Kind;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::tier::Tier;
use crate::{
    grant::{Feature, Grant, PolicyTable, Rate, WrittenQuota},
    time::Span,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CatalogueFile {
    tier: Vec<TierTable>,
}

impl From<CatalogueFile> for Vec<Tier> {
    fn from(file: CatalogueFile) -> Self {
        file.tier.into_iter().map(Tier::from).collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TierTable {
    name: String,
    version: u64,
    #[serde(default)]
    retired: bool,
    #[serde(deserialize_with = "term")]
    term: Option<Span>,
    grace: Option<Span>,
    maintenance: Option<Span>,
    #[serde(default)]
    kind: KindName,
    seats: Option<u64>,
    #[serde(default)]
    features: BTreeMap<String, Feature>,
    #[serde(default)]
    quotas: BTreeMap<String, WrittenQuota>,
    #[serde(default)]
    rates: BTreeMap<String, Rate>,
    #[serde(default)]
    policy: PolicyTable,
}

impl From<TierTable> for Tier {
    fn from(table: TierTable) -> Self {
        let TierTable { name, version, retired, term, grace, maintenance, kind, .. } = table;
        let TierTable { seats, features, quotas, rates, policy, .. } = table;
        let anchors =
            quotas.iter().filter_map(|(meter, written)| Some((meter.clone(), written.anchor.clone()?)));
        let anchors = anchors.collect();
        let quotas = quotas.into_iter().map(|(meter, written)| (meter, written.quota)).collect();
        let grant = Grant { features, quotas, rates, seats, policy: policy.into(), kind: kind.into() };
        Self { name, version, retired, term, grace, maintenance, grant, anchors }
    }
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindName {
    #[default]
    Paid,
    Trial,
    Developer,
    Internal,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Paid => Self::Paid,
            KindName::Trial => Self::Trial,
            KindName::Developer => Self::Developer,
            KindName::Internal => Self::Internal,
        }
    }
}

/// Reads the contract's length, or `perpetual`.
fn term<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Span>, D::Error> {
    match String::deserialize(input)?.as_str() {
        "perpetual" => Ok(None),
        text => text.parse().map(Some).map_err(D::Error::custom),
    }
}
