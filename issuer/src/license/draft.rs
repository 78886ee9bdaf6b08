//! A licence before it is signed.

use ciborium::Value as Cbor;
use licentia_core::{Claims, Lineage, Timestamp, TokenId};

use super::confirmation::Confirmation;
use crate::{
    canonical::{bytes, canonical, labelled, time},
    error::{Error, Result},
    grant::{Grant, check_name},
    time::plausible,
};

/// Everything that a licence says, except who issues it.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Who it is for: 1 to 256 bytes. Use an identifier, not a name: everybody can read a token.
    pub subject: String,
    /// The services it is for; empty for all of the issuer's.
    pub audiences: Vec<String>,
    /// When it is issued.
    pub issued_at: Timestamp,
    /// When it starts, if later.
    pub not_before: Option<Timestamp>,
    /// When the contract ends, if the licence goes on in grace.
    pub term_end: Option<Timestamp>,
    /// When everything ends.
    pub expires: Timestamp,
    /// The token's identifier; random if it is `None`.
    pub id: Option<TokenId>,
    /// The licence that this one renews or upgrades.
    pub lineage: Option<Lineage>,
    /// Name of the tier.
    pub tier: String,
    /// Version of the tier.
    pub version: u64,
    /// What is granted.
    pub grant: Grant,
    /// Releases up to this time stay licensed for ever.
    pub maintained_until: Option<Timestamp>,
    /// The holder's key. A stolen copy of the licence is useless without it.
    pub holder: Option<Confirmation>,
    /// SHA-256 fingerprints of the machines that may use it; empty for all.
    pub node_locks: Vec<[u8; 32]>,
    /// Free metadata.
    pub meta: Vec<(String, String)>,
    /// Its index in the issuer's revocation stream.
    pub index: Option<u64>,
    /// Which of the issuer's revocation streams the index is in. The first is 0. Before you use another one, upgrade
    /// every verifier: earlier versions take each stream for the first.
    pub stream: u64,
}

impl Draft {
    /// A licence of a tier that starts at once and grants nothing yet.
    pub fn new(
        subject: impl Into<String>,
        tier: impl Into<String>,
        version: u64,
        issued_at: impl Into<Timestamp>,
        expires: impl Into<Timestamp>,
    ) -> Self {
        Self {
            subject: subject.into(),
            audiences: Vec::new(),
            issued_at: issued_at.into(),
            not_before: None,
            term_end: None,
            expires: expires.into(),
            id: None,
            lineage: None,
            tier: tier.into(),
            version,
            grant: Grant::default(),
            maintained_until: None,
            holder: None,
            node_locks: Vec::new(),
            meta: Vec::new(),
            index: None,
            stream: 0,
        }
    }

    /// The draft that a licence was signed from. Signing it with the same key makes the same token.
    pub fn of(claims: &Claims<'_>) -> Self {
        let (tier, id, lineage) = (claims.tier(), claims.id(), claims.lineage());
        Self {
            audiences: claims.audiences().map(str::to_owned).collect(),
            not_before: claims.not_before(),
            term_end: claims.term_end(),
            id: Some(id),
            lineage: Some(lineage).filter(|lineage| *lineage != id.into()),
            grant: Grant::of(claims),
            maintained_until: claims.maintained_until(),
            holder: claims.confirmation().map(Confirmation::of),
            node_locks: claims.node_locks().copied().collect(),
            meta: claims.meta().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            index: claims.index(),
            stream: claims.stream(),
            ..Self::new(claims.subject(), tier.name, tier.version, claims.issued_at(), claims.expires())
        }
    }

    /// Checks what the encoding cannot: names, and times that are implausible or contradict each other.
    pub(super) fn check(&self) -> Result<()> {
        check_name("tier", &self.tier)?;
        self.grant.check()?;
        self.holder.map_or(Ok(()), |holder| holder.check())?;
        plausible("issued_at", self.issued_at)?;
        plausible("expires", self.expires)?;
        let optional = [
            ("not_before", self.not_before),
            ("term_end", self.term_end),
            ("maintained_until", self.maintained_until),
        ];
        for (field, time) in optional {
            time.map(|time| plausible(field, time)).transpose()?;
        }
        let start = self.not_before.unwrap_or(self.issued_at);
        let contradiction = |field, given: Timestamp, expected| {
            Err(Error::value(field, &given.as_seconds().to_string(), expected))
        };
        if self.expires <= start {
            return contradiction("expires", self.expires, "a licence must end after it starts");
        }
        match self.term_end {
            Some(end) if end > self.expires => {
                contradiction("term_end", end, "the contract must not end after the licence")
            }
            _ => Ok(()),
        }
    }

    /// Encodes the claims deterministically.
    pub(super) fn encode(&self, issuer: &str, id: TokenId) -> Vec<u8> {
        let text = |text: &str| Some(Cbor::from(text));
        let audience = match self.audiences.as_slice() {
            [] => None,
            [one] => text(one),
            several => Some(Cbor::Array(several.iter().map(|one| Cbor::from(one.as_str())).collect())),
        };
        let locks = self.node_locks.iter().map(|lock| bytes(lock)).collect::<Vec<_>>();
        let meta =
            self.meta.iter().map(|(key, value)| (Cbor::from(key.as_str()), Cbor::from(value.as_str())));
        let tier = Cbor::Array(vec![Cbor::from(self.tier.as_str()), Cbor::from(self.version)]);
        let lineage = self.lineage.filter(|lineage| *lineage != Lineage::from(id));
        let [features, quotas, rates, seats, policy, kind] = self.grant.to_cbor();
        let grant = labelled([
            (0, Some(Cbor::from(1))),
            (1, Some(tier)),
            (2, features),
            (3, quotas),
            (4, rates),
            (5, self.term_end.map(time)),
            (6, seats),
            (7, policy),
            (8, (!locks.is_empty()).then_some(Cbor::Array(locks))),
            (9, self.maintained_until.map(time)),
            (10, kind),
            (11, (!self.meta.is_empty()).then(|| Cbor::Map(meta.collect()))),
            (12, lineage.map(|lineage| bytes(lineage.as_bytes()))),
            (13, self.index.map(Cbor::from)),
            (14, (self.stream > 0).then(|| Cbor::from(self.stream))),
        ]);
        canonical(&labelled([
            (1, text(issuer)),
            (2, text(&self.subject)),
            (3, audience),
            (4, Some(time(self.expires))),
            (5, self.not_before.map(time)),
            (6, Some(time(self.issued_at))),
            (7, Some(bytes(id.as_bytes()))),
            (8, self.holder.map(Confirmation::to_cbor)),
            (-65_537, Some(grant)),
        ]))
    }
}
