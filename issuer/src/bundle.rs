//! Revocation bundles and deltas: what a vendor publishes.

use std::collections::{BTreeMap, BTreeSet};

use ciborium::Value as Cbor;
use licentia_core::{
    Keyring, TokenId,
    inner::{Typ, build, state_root},
    limits,
    revocation::{Bundle, Effect, RevocationTerms},
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
    pub indices: BTreeMap<u64, RevocationTerms>,
    /// The revoked identifiers of licences without an index, and what each revocation says.
    pub ids: BTreeMap<[u8; 16], RevocationTerms>,
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
    pub exempt: BTreeSet<[u8; 16]>,
    /// SHA-256 digests of whole tokens that the rule does not touch: with a stolen key, all that were good.
    pub allowed: BTreeSet<[u8; 32]>,
    /// What it says.
    pub terms: RevocationTerms,
}

impl BundleDraft {
    /// Signs the whole bundle, and gives its bytes. They were read as a gate reads them.
    ///
    /// # Errors
    /// [`Error::Bundle`] for one that no gate would take.
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>> {
        if self.issued_at > self.next_update || self.next_update >= self.expires {
            return Err(Error::Bundle(
                "a bundle is issued, then due to be replaced, and expires after that".into(),
            ));
        }
        let groups = self.groups()?;
        let rules = Cbor::Array(self.rules.iter().map(RuleDraft::encode).collect());
        let rules = (!self.rules.is_empty()).then_some(rules);
        let encoded = rules.as_ref().map(encode).unwrap_or_default();
        let root = state_root(&encoded, &groups);
        let bloom = if self.with_bloom {
            build::bloom(self.indices.keys().copied(), self.indices.len() as u64, &self.salt.into())
        } else {
            Vec::new()
        };
        let payload = Payload {
            issuer: &self.issuer,
            numbers: [self.stream, self.sequence, self.issued_at, self.next_update, self.expires],
            root,
            salt: self.salt,
            rules,
            sections: [groups, bloom],
            base: None,
        };
        seal(key, Typ::Bundle, payload)
    }

    /// The groups of its state: who is revoked on the same terms.
    fn groups(&self) -> Result<Vec<u8>> {
        let mut groups: BTreeMap<RevocationTerms, (Vec<u64>, Vec<TokenId>)> = BTreeMap::new();
        for (index, terms) in &self.indices {
            groups.entry(*terms).or_default().0.push(*index);
        }
        for (id, terms) in &self.ids {
            groups.entry(*terms).or_default().1.push((*id).into());
        }
        let most = limits::GROUPS;
        if groups.len() > most {
            return Err(Error::Bundle(format!(
                "{} different sets of reason, time and action, where a bundle can have {most}: round the times to days",
                groups.len()
            )));
        }
        if self.indices.len() as u64 > limits::REVOKED {
            return Err(Error::Bundle(format!("a bundle can revoke {} licences", limits::REVOKED)));
        }
        let parts = groups.iter().map(|(terms, (indices, ids))| (*terms, indices.iter().copied(), &ids[..]));
        Ok(build::groups(parts, &self.salt.into()))
    }

    /// Signs what leads from `base` to this state: [`delta`].
    ///
    /// # Errors
    /// [`Error::Bundle`].
    pub fn sign_delta(&self, base: &Self, key: &SigningKey) -> Result<Vec<u8>> {
        let keys = [key.public().for_revocation()];
        let read =
            |bytes| Bundle::read(bytes, Keyring::new(&keys)).map(|(bundle, _)| bundle).map_err(refused);
        let (base, next) = (base.sign(key)?, self.sign(key)?);
        delta(&read(&base)?, &read(&next)?, key)
    }
}

/// Signs what leads from the state of one whole bundle to that of a later one. Both have the same salt, or no
/// hash would fit. It has the later one's number, times and rules: a gate may load either.
///
/// # Errors
/// [`Error::Bundle`].
pub fn delta(base: &Bundle<'_>, next: &Bundle<'_>, key: &SigningKey) -> Result<Vec<u8>> {
    if base.base().or(next.base()).is_some() {
        return Err(Error::Bundle("a delta is made from two whole bundles".into()));
    }
    if base.salt() != next.salt()
        || base.sequence() >= next.sequence()
        || (base.issuer(), base.stream()) != (next.issuer(), next.stream())
    {
        return Err(Error::Bundle(
            "a delta leads to a later bundle of the same issuer with the same salt: build it with --since"
                .into(),
        ));
    }
    resign(key, next, build::group_difference(base, next), Some(base.sequence()))
}

/// Signs a state as a whole bundle, such as one that deltas led to: what it says is the same as that of the
/// bundle that was published under its number.
///
/// # Errors
/// [`Error::Bundle`].
pub fn whole(state: &Bundle<'_>, key: &SigningKey) -> Result<Vec<u8>> {
    resign(key, state, state.encoded_groups().to_vec(), None)
}

/// Signs what a bundle says, with these groups, as a whole one or as a delta on a base.
fn resign(key: &SigningKey, bundle: &Bundle<'_>, groups: Vec<u8>, base: Option<u64>) -> Result<Vec<u8>> {
    let rules = bundle.encoded_rules();
    let rules = if rules.is_empty() { None } else { Some(ciborium::from_reader(rules)) };
    let rules = rules.transpose().map_err(|_| refused(licentia_core::Code::BundleMalformed))?;
    let payload = Payload {
        issuer: bundle.issuer(),
        numbers: [
            bundle.stream(),
            bundle.sequence(),
            bundle.issued_at(),
            bundle.next_update(),
            bundle.expires(),
        ],
        root: *bundle.root(),
        salt: *bundle.salt().as_bytes(),
        rules,
        sections: [groups, Vec::new()],
        base,
    };
    seal(key, if base.is_some() { Typ::Delta } else { Typ::Bundle }, payload)
}

/// The payload of a bundle or delta.
struct Payload<'a> {
    issuer: &'a str,
    /// Stream, sequence, issued at, next update, expires.
    numbers: [u64; 5],
    root: [u8; 32],
    salt: [u8; 16],
    rules: Option<Cbor>,
    /// Groups, pre-filter. One that is empty is left out.
    sections: [Vec<u8>; 2],
    base: Option<u64>,
}

impl Payload<'_> {
    fn encode(self) -> Vec<u8> {
        let [stream, sequence, issued_at, next_update, expires] = self.numbers.map(|n| Some(Cbor::from(n)));
        let section = |bytes: Vec<u8>| (!bytes.is_empty()).then_some(Cbor::Bytes(bytes));
        let [groups, bloom] = self.sections.map(section);
        encode(&labelled([
            (0, Some(Cbor::from(1))),
            (1, Some(Cbor::from(self.issuer))),
            (2, stream),
            (3, sequence),
            (4, issued_at),
            (5, next_update),
            (6, expires),
            (7, Some(Cbor::Bytes(self.root.to_vec()))),
            (8, Some(Cbor::Bytes(self.salt.to_vec()))),
            (9, self.rules),
            (10, groups),
            (11, bloom),
            (12, self.base.map(Cbor::from)),
        ]))
    }
}

fn refused(code: licentia_core::Code) -> Error {
    Error::Bundle(format!("no gate would take it: {code}"))
}

/// Signs a payload, and reads it as a gate would.
fn seal(key: &SigningKey, typ: Typ, payload: Payload<'_>) -> Result<Vec<u8>> {
    let bytes = sign(key, typ, &payload.encode());
    let keys = [key.public().for_revocation()];
    Bundle::read(&bytes, Keyring::new(&keys)).map_err(refused)?;
    Ok(bytes)
}

impl RuleDraft {
    /// Checks that it has a condition, and that no range ends before it begins.
    ///
    /// # Errors
    /// [`Error::Bundle`].
    pub fn check(&self) -> Result<()> {
        let said = Self {
            exempt: BTreeSet::new(),
            allowed: BTreeSet::new(),
            terms: RevocationTerms::default(),
            ..self.clone()
        };
        if said == Self::default() {
            return Err(Error::Bundle("a rule needs a condition: it would revoke everything".into()));
        }
        if self.issued_at.into_iter().chain(self.index).any(|(from, to)| from > to) {
            return Err(Error::Bundle("a range of a rule ends before it begins: it would hit nobody".into()));
        }
        Ok(())
    }

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
        let exempt: Vec<u8> = self.exempt.iter().flatten().copied().collect();
        labelled([
            (0, self.kid.as_deref().map(bytes)),
            (1, self.subject.as_deref().map(Cbor::from)),
            (2, self.lineage.as_ref().map(|lineage| bytes(lineage))),
            (3, self.tier.as_ref().map(tier)),
            (4, self.issued_at.map(range)),
            (5, self.index.map(range)),
            (6, (!exempt.is_empty()).then_some(Cbor::Bytes(exempt))),
            (7, (!allowed.is_empty()).then_some(Cbor::Bytes(allowed))),
            (8, Some(Cbor::from(self.terms.reason.number()))),
            (9, (self.terms.effective > 0).then(|| Cbor::from(self.terms.effective))),
            (10, effect),
        ])
    }
}
