//! A licence before it is signed.

use ciborium::Value as Cbor;
use licentia_core::{PublicKey, limits, proof::thumbprint};

use crate::{
    canonical::{encode, labelled},
    error::{Error, Result},
    terms::{Terms, check_name},
};

/// Who holds the key that a licence is bound to (`cnf`, RFC 8747).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// An Ed25519 public key, in full.
    Key([u8; 32]),
    /// Its COSE_Key thumbprint (RFC 9679), which takes less room.
    Thumbprint([u8; 32]),
}

impl Holder {
    /// The thumbprint of an Ed25519 public key.
    pub fn thumbprint_of(public: &[u8; 32]) -> Self {
        Self::Thumbprint(thumbprint(public))
    }
}

/// Everything that a licence says but who issues it. All times are seconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Whom it is for: 1 to 256 bytes. Use an identifier and not a name: everybody can read a token.
    pub subject: String,
    /// Which services it is for; empty for all of the issuer's.
    pub audiences: Vec<String>,
    /// When it is issued.
    pub issued_at: u64,
    /// When it starts, if later.
    pub not_before: Option<u64>,
    /// When the contract ends, if the licence goes on in grace.
    pub term_end: Option<u64>,
    /// When everything ends.
    pub expires: u64,
    /// The token's identifier; drawn at random where there is none.
    pub id: Option<[u8; 16]>,
    /// The licence that this one renews or upgrades.
    pub lineage: Option<[u8; 16]>,
    /// Name of the tier.
    pub tier: String,
    /// Version of the tier.
    pub version: u64,
    /// What is granted.
    pub terms: Terms,
    /// Releases up to this time stay licensed for ever.
    pub maintained_until: Option<u64>,
    /// The holder's key, where a stolen copy shall be useless.
    pub holder: Option<Holder>,
    /// SHA-256 fingerprints of the machines that may use it; empty for any.
    pub node_locks: Vec<[u8; 32]>,
    /// Free metadata.
    pub meta: Vec<(String, String)>,
    /// Place in the issuer's revocation stream.
    pub index: Option<u64>,
}

impl Draft {
    /// A licence of a tier that starts at once and has no terms yet.
    pub fn new(
        subject: impl Into<String>,
        tier: impl Into<String>,
        version: u64,
        issued_at: u64,
        expires: u64,
    ) -> Self {
        Self {
            subject: subject.into(),
            audiences: Vec::new(),
            issued_at,
            not_before: None,
            term_end: None,
            expires,
            id: None,
            lineage: None,
            tier: tier.into(),
            version,
            terms: Terms::default(),
            maintained_until: None,
            holder: None,
            node_locks: Vec::new(),
            meta: Vec::new(),
            index: None,
        }
    }

    /// Checks what the encoding cannot show: names, and times that contradict each other.
    pub(crate) fn check(&self) -> Result<()> {
        check_name("tier", &self.tier)?;
        self.terms.check()?;
        if let Some(Holder::Key(key)) = &self.holder {
            PublicKey::from_bytes(key).map_err(Error::Refused)?;
        }
        let start = self.not_before.unwrap_or(self.issued_at);
        let contradiction = |given: u64, expected| Err(Error::value("time", &given.to_string(), expected));
        if self.expires <= start {
            return contradiction(self.expires, "a licence must end after it starts");
        }
        match self.term_end {
            Some(end) if end > self.expires => {
                contradiction(end, "the contract must not end after the licence")
            }
            _ => Ok(()),
        }
    }

    /// Encodes the claims deterministically.
    pub(crate) fn encode(&self, issuer: &str, id: [u8; 16]) -> Vec<u8> {
        let text = |text: &str| Some(Cbor::from(text));
        let bytes = |bytes: &[u8]| Cbor::Bytes(bytes.to_vec());
        let audience = match self.audiences.as_slice() {
            [] => None,
            [one] => text(one),
            several => Some(Cbor::Array(several.iter().map(|one| Cbor::from(one.as_str())).collect())),
        };
        let holder = self.holder.map(|holder| match holder {
            Holder::Key(key) => {
                let key =
                    labelled([(1, Some(Cbor::from(1))), (-1, Some(Cbor::from(6))), (-2, Some(bytes(&key)))]);
                labelled([(1, Some(key))])
            }
            Holder::Thumbprint(print) => labelled([(5, Some(bytes(&print)))]),
        });
        let locks = self.node_locks.iter().map(|lock| bytes(lock)).collect::<Vec<_>>();
        let meta =
            self.meta.iter().map(|(key, value)| (Cbor::from(key.as_str()), Cbor::from(value.as_str())));
        let tier = Cbor::Array(vec![Cbor::from(self.tier.as_str()), Cbor::from(self.version)]);
        let [features, quotas, rates, seats, policy, kind] = self.terms.fields();
        let grant = labelled([
            (0, Some(Cbor::from(1))),
            (1, Some(tier)),
            features,
            quotas,
            rates,
            (5, self.term_end.map(Cbor::from)),
            seats,
            policy,
            (8, (!locks.is_empty()).then_some(Cbor::Array(locks))),
            (9, self.maintained_until.map(Cbor::from)),
            kind,
            (11, (!self.meta.is_empty()).then(|| Cbor::Map(meta.collect()))),
            (12, self.lineage.filter(|lineage| *lineage != id).map(|lineage| bytes(&lineage))),
            (13, self.index.map(Cbor::from)),
        ]);
        encode(&labelled([
            (1, text(issuer)),
            (2, text(&self.subject)),
            (3, audience),
            (4, Some(Cbor::from(self.expires.min(limits::TIME)))),
            (5, self.not_before.map(Cbor::from)),
            (6, Some(Cbor::from(self.issued_at))),
            (7, Some(bytes(&id))),
            (8, holder),
            (-65_537, Some(grant)),
        ]))
    }
}
