//! A bundle before it is signed.

use std::collections::BTreeMap;

use ciborium::Value as Cbor;
use licentia_core::{
    Code, Keyring, Salt, Timestamp, TokenId,
    inner::{build, state_root},
    limits,
    revocation::{Bundle, RevocationTerms, Schema},
};

use super::{delta::sign_delta, payload::Payload, rule::RuleDraft, terms::check_terms};
use crate::{
    canonical::canonical,
    error::{BundleError, Result},
    key::SigningKey,
    time::plausible,
};

/// A bundle before it is signed.
#[derive(Clone, Debug, Default)]
pub struct BundleDraft {
    /// The issuer whose licences it is about.
    pub issuer: String,
    /// The issuer's stream of indices.
    pub stream: u64,
    /// Its sequence number, greater than that of the bundle before.
    pub sequence: u64,
    /// When it is issued.
    pub issued_at: Timestamp,
    /// When the next one follows at the latest.
    pub next_update: Timestamp,
    /// From when on it says nothing.
    pub expires: Timestamp,
    /// The key of its hashes: random, drawn after the identifiers were fixed, and kept by its deltas.
    pub salt: Salt,
    /// The revoked indices, each with its terms.
    pub indices: BTreeMap<u64, RevocationTerms>,
    /// The revoked identifiers of licences without an index, each with its terms.
    pub ids: BTreeMap<TokenId, RevocationTerms>,
    /// The rules.
    pub rules: Vec<RuleDraft>,
    /// Whether the bundle carries the pre-filter. If not, each gate derives it when it loads the bundle.
    pub with_bloom: bool,
}

impl BundleDraft {
    /// Signs the whole bundle, reads it as a gate would, and returns its bytes.
    ///
    /// # Errors
    /// [`BundleError`] for a bundle that no gate would accept, [`Error::Value`](crate::Error::Value) for a time that
    /// is not plausible.
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>> {
        if self.issuer.is_empty() {
            return Err(BundleError::NoIssuer.into());
        }
        let times =
            [("issued_at", self.issued_at), ("next_update", self.next_update), ("expires", self.expires)];
        for (field, time) in times {
            plausible(field, time)?;
        }
        self.rules.iter().try_for_each(RuleDraft::check)?;
        if self.issued_at > self.next_update || self.next_update >= self.expires {
            return Err(BundleError::Times.into());
        }
        let groups = self.groups()?;
        let rules = Cbor::Array(self.rules.iter().map(RuleDraft::to_cbor).collect());
        let rules = (!self.rules.is_empty()).then_some(rules);
        let encoded = rules.as_ref().map(canonical).unwrap_or_default();
        let root = state_root(&encoded, &groups);
        let bloom = if self.with_bloom {
            build::bloom(self.indices.keys().copied(), self.indices.len() as u64, &self.salt)
        } else {
            Vec::new()
        };
        let payload = Payload {
            issuer: &self.issuer,
            numbers: [self.stream, self.sequence],
            times: [self.issued_at, self.next_update, self.expires],
            root,
            schema: Schema::default(),
            salt: self.salt,
            rules,
            sections: [groups, bloom],
            base: None,
        };
        payload.sign(key)
    }

    /// Encodes the groups: the licences that are revoked on the same terms.
    fn groups(&self) -> Result<Vec<u8>> {
        let mut groups: BTreeMap<RevocationTerms, (Vec<u64>, Vec<TokenId>)> = BTreeMap::new();
        for (index, terms) in &self.indices {
            groups.entry(*terms).or_default().0.push(*index);
        }
        for (id, terms) in &self.ids {
            groups.entry(*terms).or_default().1.push(*id);
        }
        if groups.len() > limits::GROUPS {
            return Err(BundleError::TooManyGroups(groups.len()).into());
        }
        groups.keys().try_for_each(check_terms)?;
        let indices = self.indices.len() as u64;
        if indices > limits::REVOKED {
            return Err(BundleError::TooManyIndices(indices).into());
        }
        let parts = groups.iter().map(|(terms, (indices, ids))| (*terms, indices.iter().copied(), &ids[..]));
        let groups = build::groups(parts, &self.salt, Schema::default());
        // Keys of a map ascend, so that only an index beyond the greatest is refused.
        groups.ok_or_else(|| BundleError::Refused(Code::BundleMalformed).into())
    }

    /// Signs the delta that leads from `base` to this bundle, as [`sign_delta`] does.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn sign_delta(&self, base: &Self, key: &SigningKey) -> Result<Vec<u8>> {
        let keys = [key.public().for_revocation()];
        let (base, next) = (base.sign(key)?, self.sign(key)?);
        let (base, _) = Bundle::read(&base, Keyring::new(&keys)).map_err(BundleError::Refused)?;
        let (next, _) = Bundle::read(&next, Keyring::new(&keys)).map_err(BundleError::Refused)?;
        sign_delta(&base, &next, key)
    }
}
