//! What a key of a keyset may sign for.

use std::{collections::BTreeMap, path::Path};

use ciborium::Value as Cbor;
use licentia_core::{Kind, Policy};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use toml::Value as Toml;

use crate::{
    canonical::{labelled, uints},
    error::{Error, KeysetError, Result},
    file::read_text,
    grant::{PolicyTable, Quota, Rate, check_name, policy_to_cbor},
    time::Span,
};

/// What a key may sign for. A field that is `None` limits nothing.
///
/// `longest_lead` and everything after it needs a keyset of schema 2: upgrade every gate before you sign one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyScope {
    /// These issuers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuers: Option<Vec<String>>,
    /// These audiences. A licence must name at least one, and no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audiences: Option<Vec<String>>,
    /// These tiers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiers: Option<Vec<String>>,
    /// Licences that last no longer than this, such as `30 days`: from the start if there is a `longest_lead`, else
    /// from the issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_term: Option<String>,
    /// Licences that start no later than this after they are issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_lead: Option<String>,
    /// The most seats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<u64>,
    /// These kinds: `paid`, `trial`, `developer`, `internal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<String>>,
    /// The first and the last index. A licence without an index is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indices: Option<[u64; 2]>,
    /// These streams of indices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<Vec<u64>>,
    /// These features, each with its bound: `true`, a greatest number, a text or a list of texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<BTreeMap<String, Toml>>,
    /// These meters, each with the greatest quota, written as in a tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quotas: Option<BTreeMap<String, Toml>>,
    /// These rates, each with the fastest, written as in a tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rates: Option<BTreeMap<String, Toml>>,
    /// The most lenient policy, written as in a tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Toml>,
}

impl KeyScope {
    /// Loads a scope from a TOML file with these fields.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::Content`] with what is wrong and on which line.
    pub fn load(path: &Path) -> Result<Self> {
        let text = read_text(path)?;
        let scope = toml::from_str(&text).map_err(|error| KeysetError::Syntax(error.to_string()).into());
        scope.map_err(Error::content(path))
    }

    /// Whether it has a bound that only schema 2 of a keyset can say.
    pub(super) fn needs_second_schema(&self) -> bool {
        let first = Self {
            issuers: self.issuers.clone(),
            audiences: self.audiences.clone(),
            tiers: self.tiers.clone(),
            longest_term: self.longest_term.clone(),
            ..Self::default()
        };
        *self != first
    }

    pub(super) fn to_cbor(&self) -> Result<Cbor> {
        let texts = |texts: &Option<Vec<String>>| {
            let texts = texts.as_ref()?.iter().map(|text| Cbor::from(text.as_str()));
            Some(Cbor::Array(texts.collect()))
        };
        let seconds = |field, span: &Option<String>| -> Result<Option<Cbor>> {
            let named = |error| match error {
                Error::Value { given, expected, .. } => Error::Value { field, given, expected },
                other => other,
            };
            let read = |span: &String| span.parse::<Span>().and_then(Span::seconds).map_err(named);
            Ok(span.as_ref().map(read).transpose()?.map(Cbor::from))
        };
        let policy = match &self.policy {
            None => None,
            Some(table) => Some(policy_to_cbor(&Policy::from(read::<PolicyTable>(table)?))),
        };
        let kinds = self.kinds.as_ref().map(|kinds| kinds.iter().map(|kind| kind_to_cbor(kind)).collect());
        let kinds: Option<Result<Vec<Cbor>>> = kinds;
        let streams = self.streams.as_ref();
        Ok(labelled([
            (0, texts(&self.issuers)),
            (1, texts(&self.audiences)),
            (2, texts(&self.tiers)),
            (3, seconds("longest_term", &self.longest_term)?),
            (4, seconds("longest_lead", &self.longest_lead)?),
            (5, bounds("feature", self.features.as_ref(), feature_to_cbor)?),
            (6, bounds("meter", self.quotas.as_ref(), |quota| Ok(read::<Quota>(quota)?.to_cbor()))?),
            (7, bounds("rate", self.rates.as_ref(), |rate| Ok(read::<Rate>(rate)?.to_cbor()))?),
            (8, self.seats.map(Cbor::from)),
            (9, policy),
            (10, kinds.transpose()?.map(Cbor::Array)),
            (11, self.indices.map(uints)),
            (
                12,
                streams
                    .map(|streams| Cbor::Array(streams.iter().map(|stream| Cbor::from(*stream)).collect())),
            ),
        ]))
    }
}

/// Reads a value as a tier has it.
fn read<T: DeserializeOwned>(written: &Toml) -> Result<T> {
    Ok(written.clone().try_into().map_err(|error: toml::de::Error| KeysetError::Syntax(error.to_string()))?)
}

/// A map of names with their bounds.
fn bounds(
    what: &'static str,
    map: Option<&BTreeMap<String, Toml>>,
    to_cbor: impl Fn(&Toml) -> Result<Cbor>,
) -> Result<Option<Cbor>> {
    let Some(map) = map else { return Ok(None) };
    let mut entries = Vec::new();
    for (name, bound) in map {
        check_name(what, name)?;
        entries.push((Cbor::from(name.as_str()), to_cbor(bound)?));
    }
    Ok(Some(Cbor::Map(entries)))
}

fn feature_to_cbor(bound: &Toml) -> Result<Cbor> {
    let expected = "a feature's bound is `true`, a greatest number, a text or a list of texts";
    let refused = || Error::value("scope", &bound.to_string(), expected);
    match bound {
        Toml::Boolean(true) => Ok(Cbor::Bool(true)),
        Toml::Integer(most) => Ok(Cbor::from(*most)),
        Toml::String(text) => Ok(Cbor::Array(vec![Cbor::from(text.as_str())])),
        Toml::Array(texts) => {
            let texts = texts.iter().map(|text| text.as_str().map(Cbor::from).ok_or_else(refused));
            Ok(Cbor::Array(texts.collect::<Result<_>>()?))
        }
        _ => Err(refused()),
    }
}

fn kind_to_cbor(name: &str) -> Result<Cbor> {
    let kinds = (0..).map_while(Kind::from_number);
    let named = kinds.into_iter().find(|kind| kind.name() == name);
    let kind = named.ok_or_else(|| Error::value("kind", name, "write paid, trial, developer or internal"))?;
    Ok(Cbor::from(kind.number()))
}
