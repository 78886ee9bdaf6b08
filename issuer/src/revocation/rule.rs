//! Rules of a bundle.

use std::collections::BTreeSet;

use ciborium::Value as Cbor;
use licentia_core::{
    Lineage, Timestamp, TokenId,
    revocation::{Effect, RevocationTerms},
};

use super::terms::check_terms;
use crate::{
    canonical::{bytes, labelled, time, uints},
    error::{BundleError, Result},
    time::plausible,
};

/// A rule. All of its conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleDraft {
    /// Signed with this key.
    pub kid: Option<Vec<u8>>,
    /// Issued to this subject.
    pub subject: Option<String>,
    /// Of this lineage.
    pub lineage: Option<Lineage>,
    /// Of this tier, and if there is one, of this version of it.
    pub tier: Option<(String, Option<u64>)>,
    /// Issued from the first to the second of these times.
    pub issued_at: Option<(Timestamp, Timestamp)>,
    /// With an index from the first to the second of these.
    pub index: Option<(u64, u64)>,
    /// Identifiers that the rule spares.
    pub exempt: BTreeSet<TokenId>,
    /// SHA-256 digests of whole tokens that the rule spares. After a theft of the key: all the good ones.
    pub allowed: BTreeSet<[u8; 32]>,
    /// Reason, time and effect.
    pub terms: RevocationTerms,
}

impl RuleDraft {
    /// Checks that the rule has a condition, that no range ends before it begins, and that its times are plausible. A
    /// range of times may begin at 1970.
    ///
    /// # Errors
    /// [`BundleError::NoCondition`], [`BundleError::EmptyRange`] or [`Error::Value`](crate::Error::Value).
    pub fn check(&self) -> Result<()> {
        let conditions = Self {
            exempt: BTreeSet::new(),
            allowed: BTreeSet::new(),
            terms: RevocationTerms::default(),
            ..self.clone()
        };
        if conditions == Self::default() {
            return Err(BundleError::NoCondition.into());
        }
        let is_empty = |(from, to)| from > to;
        let issued_at = self.issued_at.is_some_and(|(from, to)| from > to);
        for (field, is_empty) in [("issued_at", issued_at), ("index", self.index.is_some_and(is_empty))] {
            if is_empty {
                return Err(BundleError::EmptyRange(field).into());
            }
        }
        if let Some((from, to)) = self.issued_at {
            if from > Timestamp::EPOCH {
                plausible("issued from", from)?;
            }
            plausible("issued to", to)?;
        }
        check_terms(&self.terms)
    }

    pub(super) fn to_cbor(&self) -> Cbor {
        let times = |(from, to): (Timestamp, Timestamp)| uints([from.as_seconds(), to.as_seconds()]);
        let tier = |(name, version): &(String, Option<u64>)| {
            let version = version.iter().map(|version| Cbor::from(*version));
            Cbor::Array(std::iter::once(Cbor::from(name.as_str())).chain(version).collect())
        };
        let effect = match self.terms.effect {
            Effect::WarnUntil(until) => Some(uints([1, until.as_seconds()])),
            Effect::GraceUntil(until) => Some(uints([2, until.as_seconds()])),
            _ => None,
        };
        let allowed: Vec<u8> = self.allowed.iter().flatten().copied().collect();
        let exempt: Vec<u8> = self.exempt.iter().flat_map(TokenId::as_bytes).copied().collect();
        labelled([
            (0, self.kid.as_deref().map(bytes)),
            (1, self.subject.as_deref().map(Cbor::from)),
            (2, self.lineage.as_ref().map(|lineage| bytes(lineage.as_bytes()))),
            (3, self.tier.as_ref().map(tier)),
            (4, self.issued_at.map(times)),
            (5, self.index.map(|(from, to)| uints([from, to]))),
            (6, (!exempt.is_empty()).then_some(Cbor::Bytes(exempt))),
            (7, (!allowed.is_empty()).then_some(Cbor::Bytes(allowed))),
            (8, Some(Cbor::from(self.terms.reason.number()))),
            (9, (self.terms.effective > Timestamp::EPOCH).then(|| time(self.terms.effective))),
            (10, effect),
        ])
    }
}
