//! Revocation bundles and deltas: what a vendor publishes.

use std::collections::{BTreeMap, BTreeSet};

use ciborium::Value as Cbor;
use licentia_core::{
    Keyring,
    cose::Typ,
    revocation::{Bundle, Effect, Terms, build, state_root},
};

use crate::{
    canonical::{encode, labelled},
    error::{Error, Result},
    key::SigningKey,
    sign1::sign,
};

/// A bundle before it is signed. Times are seconds since 1970.
#[derive(Clone, Debug, Default)]
pub struct BundleDraft {
    /// Whose licences it is about.
    pub issuer: String,
    /// The issuer's stream of indices.
    pub stream: u64,
    /// Its number; greater than that of the one before.
    pub sequence: u64,
    /// When it is issued.
    pub issued_at: u64,
    /// When the next one comes at the latest.
    pub next_update: u64,
    /// From when on it says nothing any more.
    pub expires: u64,
    /// The key of its hashes: drawn at random after the identifiers were fixed, and kept by its deltas.
    pub salt: [u8; 16],
    /// The revoked indices, and what each revocation says.
    pub indices: BTreeMap<u64, Terms>,
    /// The revoked identifiers of licences without an index.
    pub ids: BTreeSet<[u8; 16]>,
    /// The rules.
    pub rules: Vec<RuleDraft>,
    /// Whether the pre-filter is on the wire; else it is derived when the bundle is loaded.
    pub with_bloom: bool,
}

/// A rule: all of its conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleDraft {
    /// Signed with this key.
    pub kid: Option<Vec<u8>>,
    /// Issued to this subject.
    pub subject: Option<String>,
    /// Of this lineage.
    pub lineage: Option<[u8; 16]>,
    /// Of this tier, and of this version of it.
    pub tier: Option<(String, Option<u64>)>,
    /// Issued from the first to the second of these times.
    pub issued_at: Option<(u64, u64)>,
    /// With an index from the first to the second of these.
    pub index: Option<(u64, u64)>,
    /// Identifiers that the rule does not touch.
    pub exempt: Vec<[u8; 16]>,
    /// SHA-256 digests of whole tokens that the rule does not touch: with a stolen key, all that were good.
    pub allowed: BTreeSet<[u8; 32]>,
    /// What it says.
    pub terms: Terms,
}

/// What a bundle or delta has of its own, beside its state.
struct Own {
    typ: Typ,
    exact: Vec<u8>,
    hashes: Vec<u8>,
    bloom: Vec<u8>,
    base: Option<u64>,
}

impl BundleDraft {
    /// Signs the whole bundle, and gives its bytes. They were read as a gate reads them.
    ///
    /// # Errors
    /// [`Error::Bundle`] for one that no gate would take.
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>> {
        let count = self.indices.len() as u64;
        let bloom = if self.with_bloom {
            build::bloom(self.indices.keys().copied(), count, &self.salt)
        } else {
            Vec::new()
        };
        let own = Own { typ: Typ::Bundle, exact: self.exact(), hashes: self.hashes(), bloom, base: None };
        self.seal(key, own)
    }

    /// Signs what leads from `base` to this state. It keeps the base's salt, or no hash would fit.
    ///
    /// # Errors
    /// [`Error::Bundle`].
    pub fn sign_delta(&self, base: &Self, key: &SigningKey) -> Result<Vec<u8>> {
        if base.salt != self.salt || base.sequence >= self.sequence {
            return Err(Error::Bundle("a delta has the salt of its base and a greater number".into()));
        }
        let changed: Vec<u64> =
            build::difference(base.indices.keys().copied(), self.indices.keys().copied()).collect();
        let last = changed.last().copied().unwrap_or(0);
        let exact = build::exact(changed.iter().copied(), changed.len() as u64, last);
        let hashes = build::hashes(base.ids.symmetric_difference(&self.ids), &self.salt);
        self.seal(key, Own { typ: Typ::Delta, exact, hashes, bloom: Vec::new(), base: Some(base.sequence) })
    }

    fn exact(&self) -> Vec<u8> {
        let last = self.indices.keys().last().copied().unwrap_or(0);
        build::exact(self.indices.keys().copied(), self.indices.len() as u64, last)
    }

    fn hashes(&self) -> Vec<u8> {
        build::hashes(self.ids.iter(), &self.salt)
    }

    fn notes(&self) -> Vec<u8> {
        let more = self.indices.iter().filter(|(_, terms)| **terms != Terms::default());
        build::notes(more.map(|(index, terms)| (*index, *terms)))
    }

    fn seal(&self, key: &SigningKey, own: Own) -> Result<Vec<u8>> {
        let rules = Cbor::Array(self.rules.iter().map(RuleDraft::encode).collect());
        let rules = (!self.rules.is_empty()).then_some(rules);
        let notes = self.notes();
        let encoded = rules.as_ref().map(encode).unwrap_or_default();
        let root = state_root(&encoded, &self.exact(), &self.hashes(), &notes);
        let section = |bytes: Vec<u8>| (!bytes.is_empty()).then_some(Cbor::Bytes(bytes));
        let number = |value: u64| Some(Cbor::from(value));
        let payload = encode(&labelled([
            (0, number(1)),
            (1, Some(Cbor::from(self.issuer.as_str()))),
            (2, number(self.stream)),
            (3, number(self.sequence)),
            (4, number(self.issued_at)),
            (5, number(self.next_update)),
            (6, number(self.expires)),
            (7, section(root.to_vec())),
            (8, section(self.salt.to_vec())),
            (9, rules),
            (10, section(own.exact)),
            (11, section(own.hashes)),
            (12, section(notes)),
            (13, section(own.bloom)),
            (14, own.base.map(Cbor::from)),
        ]));
        let bytes = sign(key, own.typ, &payload);
        let keys = [key.public().for_revocation()];
        let refused = |code: licentia_core::Code| Error::Bundle(format!("no gate would take it: {code}"));
        Bundle::read(&bytes, Keyring::new(&keys)).map_err(refused)?;
        Ok(bytes)
    }
}

impl RuleDraft {
    fn encode(&self) -> Cbor {
        let bytes = |bytes: &[u8]| Cbor::Bytes(bytes.to_vec());
        let range = |(from, to): (u64, u64)| Cbor::Array(vec![Cbor::from(from), Cbor::from(to)]);
        let tier = |(name, version): &(String, Option<u64>)| {
            let version = version.iter().map(|version| Cbor::from(*version));
            Cbor::Array(std::iter::once(Cbor::from(name.as_str())).chain(version).collect())
        };
        let effect = match self.terms.effect {
            Effect::WarnUntil(until) => Some(Cbor::Array(vec![Cbor::from(1), Cbor::from(until)])),
            Effect::GraceUntil(until) => Some(Cbor::Array(vec![Cbor::from(2), Cbor::from(until)])),
            _ => None,
        };
        let allowed: Vec<u8> = self.allowed.iter().flatten().copied().collect();
        labelled([
            (0, self.kid.as_deref().map(bytes)),
            (1, self.subject.as_deref().map(Cbor::from)),
            (2, self.lineage.as_ref().map(|lineage| bytes(lineage))),
            (3, self.tier.as_ref().map(tier)),
            (4, self.issued_at.map(range)),
            (5, self.index.map(range)),
            (6, (!self.exempt.is_empty()).then(|| bytes(&self.exempt.concat()))),
            (7, (!allowed.is_empty()).then_some(Cbor::Bytes(allowed))),
            (8, Some(Cbor::from(self.terms.reason as u8))),
            (9, (self.terms.effective > 0).then(|| Cbor::from(self.terms.effective))),
            (10, effect),
        ])
    }
}
