//! What a key of a keyset may sign for.

use ciborium::Value as Cbor;
use serde::{Deserialize, Serialize};

use crate::{canonical::labelled, error::Result, time::Span};

/// What a key may sign for. A field that is `None` limits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Licences that last no longer than this, such as `30 days`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_term: Option<String>,
}

impl KeyScope {
    pub(super) fn to_cbor(&self) -> Result<Cbor> {
        let texts = |texts: &Option<Vec<String>>| {
            let texts = texts.as_ref()?.iter().map(|text| Cbor::from(text.as_str()));
            Some(Cbor::Array(texts.collect()))
        };
        let longest = match &self.longest_term {
            Some(span) => Some(Cbor::from(span.parse::<Span>()?.seconds()?)),
            None => None,
        };
        let (issuers, audiences, tiers) = (texts(&self.issuers), texts(&self.audiences), texts(&self.tiers));
        Ok(labelled([(0, issuers), (1, audiences), (2, tiers), (3, longest)]))
    }
}
