//! What a licence shall say.

use std::collections::BTreeMap;

use licentia_core::{PublicKey, Timestamp};
use licentia_issuer::{
    Catalogue, Confirmation, Draft, Feature, Rate, WrittenQuota, read_public_key, time::Span,
};
use serde::{Deserialize, Serialize};

use crate::http::{Problem, hex};

/// A licence that is wanted.
#[derive(Clone, Debug, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewLicense)]
pub(crate) struct Wanted {
    /// The customer: an identifier of your own, because everybody can read a token.
    #[schema(min_length = 1, max_length = 256)]
    pub(crate) subject: String,
    /// The tier of the active catalogue: `pro` for its newest version, or `pro@3`.
    pub(crate) tier: String,
    /// When it starts, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) starts: Option<u64>,
    /// When it ends, instead of after the tier's term and grace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<u64>,
    /// How long it lasts, instead of the tier's term and grace: `1 year`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub(crate) term: Option<String>,
    /// Your own name of the order. The same reference again gives the same licence again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256)]
    pub(crate) reference: Option<String>,
    /// The lineage that it belongs to, of the same subject. Its usage counts continue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub(crate) lineage: Option<String>,
    #[serde(flatten)]
    pub(crate) overrides: Overrides,
}

/// What one customer gets beside or instead of what the tier says.
#[derive(Clone, Debug, Default, Deserialize, Serialize, utoipa::ToSchema)]
pub(crate) struct Overrides {
    /// The services that it is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) audiences: Vec<String>,
    /// Features: `true`, a number, a text, or `{"value": …, "expires": "2027-01-31"}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub(crate) features: BTreeMap<String, serde_json::Value>,
    /// Quotas: `"100000/month"`, or a table as in a catalogue.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub(crate) quotas: BTreeMap<String, serde_json::Value>,
    /// Rates: `"10/1s"`, or a table as in a catalogue.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub(crate) rates: BTreeMap<String, serde_json::Value>,
    /// How many may use it at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seats: Option<u64>,
    /// The holder's public key, which makes a stolen copy useless: `licpub1_…`, or 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) holder: Option<String>,
    /// SHA-256 of a machine's fingerprint, in hexadecimal digits. Only these machines may use it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) node_locks: Vec<String>,
    /// Free metadata, which everybody can read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) meta: BTreeMap<String, String>,
}

/// Reads `NAME` or `NAME@VERSION` of a tier.
pub(crate) fn tier(text: &str) -> Result<(&str, Option<u64>), Problem> {
    let Some((name, version)) = text.split_once('@') else { return Ok((text, None)) };
    let wrong = |_| Problem::value("tier", "write NAME or NAME@VERSION, where VERSION is a number");
    Ok((name, Some(version.parse().map_err(wrong)?)))
}

/// Reads a holder's public key.
pub(crate) fn holder(text: &str) -> Result<[u8; 32], Problem> {
    let wrong = |said: String| Problem::value("holder", said);
    let key = match hex::<32>(text) {
        Some(bytes) => PublicKey::from_bytes(&bytes).map_err(|code| wrong(code.to_string()))?,
        None => read_public_key(text).map_err(|error| wrong(error.to_string()))?.public().clone(),
    };
    Ok(*key.as_bytes())
}

fn read<T: serde::de::DeserializeOwned>(
    field: &str,
    name: &str,
    value: &serde_json::Value,
) -> Result<T, Problem> {
    T::deserialize(value.clone())
        .map_err(|error| Problem::value(&format!("{field}.{name}"), error.to_string()))
}

impl Overrides {
    /// Adds them to a draft whose term begins at `start`. A list that is given replaces the draft's.
    pub(crate) fn apply(&self, draft: &mut Draft, start: Timestamp) -> Result<(), Problem> {
        for (name, value) in &self.features {
            draft.grant.features.insert(name.clone(), read::<Feature>("features", name, value)?);
        }
        for (meter, value) in &self.quotas {
            let quota: WrittenQuota = read("quotas", meter, value)?;
            draft.grant.quotas.insert(meter.clone(), quota.starting(start));
        }
        for (name, value) in &self.rates {
            draft.grant.rates.insert(name.clone(), read::<Rate>("rates", name, value)?);
        }
        draft.grant.seats = self.seats.or(draft.grant.seats);
        if let Some(text) = &self.holder {
            draft.holder = Some(Confirmation::thumbprint_of(&holder(text)?));
        }
        if !self.audiences.is_empty() {
            draft.audiences.clone_from(&self.audiences);
        }
        if !self.node_locks.is_empty() {
            let lock = |text: &String| {
                hex(text).ok_or_else(|| Problem::value("node_locks", "write 64 hexadecimal digits"))
            };
            draft.node_locks = self.node_locks.iter().map(lock).collect::<Result<_, _>>()?;
        }
        draft.meta.retain(|(name, _)| !self.meta.contains_key(name));
        draft.meta.extend(self.meta.iter().map(|(name, value)| (name.clone(), value.clone())));
        Ok(())
    }
}

impl Wanted {
    /// The draft of it.
    pub(crate) fn draft(&self, catalogue: &Catalogue, now: Timestamp) -> Result<Draft, Problem> {
        let (name, version) = tier(&self.tier)?;
        let tier = catalogue.tier(name, version)?;
        let start = self.starts.map_or(now, Timestamp::from_seconds);
        let mut draft = tier.draft(&self.subject, start)?;
        let end = match (self.expires, &self.term) {
            (Some(_), Some(_)) => return Err(Problem::value("term", "write `term` or `expires`, not both")),
            (Some(expires), None) => Some(Timestamp::from_seconds(expires)),
            (None, Some(term)) => {
                let term: Span = term.parse().map_err(|_| Problem::value("term", "write `1 year`"))?;
                Some(term.after(start)?)
            }
            (None, None) => None,
        };
        if let Some(end) = end {
            (draft.expires, draft.term_end) = (end, None);
        }
        if start > now {
            (draft.issued_at, draft.not_before) = (now, Some(start));
        }
        if let Some(lineage) = &self.lineage {
            let lineage = hex::<16>(lineage);
            let wrong = || Problem::value("lineage", "write 32 hexadecimal digits");
            draft.lineage = Some(lineage.ok_or_else(wrong)?.into());
        }
        self.overrides.apply(&mut draft, start)?;
        Ok(draft)
    }
}
