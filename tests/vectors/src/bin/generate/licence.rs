//! A licence in plain words, from which its bytes and its JSON are written, each on its own.

use serde_json::{Map, Value, json};

use crate::{
    cbor::{self, Item},
    encoding::hex,
    fields::Fields,
    signer::Signer,
    terms::{Action, Feature, Quota, Rate},
    token::{self, Frame, GRANT},
};

/// The greatest integer of a grant: 2^53 - 1.
pub(crate) const GREATEST: u64 = 9_007_199_254_740_991;
/// The end of the year 9999, which says "perpetual".
pub(crate) const PERPETUAL: u64 = 253_402_300_799;
/// When the base licence was issued.
pub(crate) const ISSUED: u64 = 1_700_000_000;
/// When most tests check.
pub(crate) const NOW: u64 = 1_800_000_000;
/// When the base licence ends.
pub(crate) const EXPIRES: u64 = 2_000_000_000;

/// How a licence names its audiences.
#[derive(Clone)]
pub(crate) enum Audience {
    Everybody,
    One(String),
    Many(Vec<String>),
}

/// How a licence is bound to its holder.
#[derive(Clone)]
pub(crate) enum Confirmation {
    /// A key, and the entries of its COSE_Key.
    Key([u8; 32], Vec<(Item, Item)>),
    Thumbprint([u8; 32]),
}

/// The failure policy.
#[derive(Clone, Default)]
pub(crate) struct Policy {
    pub(crate) stale_revocation: Option<Action>,
    pub(crate) clock_doubt: Option<Action>,
    pub(crate) store_unreachable: Option<Action>,
    pub(crate) max_revocation_age: Option<u64>,
    /// Entries that are to be ignored.
    pub(crate) more: Vec<(Item, Item)>,
}

/// A licence.
#[derive(Clone)]
pub(crate) struct Licence {
    pub(crate) signer: Signer,
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) audience: Audience,
    pub(crate) expires: u64,
    pub(crate) not_before: Option<u64>,
    pub(crate) issued_at: u64,
    pub(crate) id: [u8; 16],
    pub(crate) confirmation: Option<Confirmation>,
    pub(crate) status: Option<Item>,
    pub(crate) tier: (String, u64),
    pub(crate) features: Vec<(String, Feature)>,
    pub(crate) quotas: Vec<(String, Quota)>,
    pub(crate) rates: Vec<(String, Rate)>,
    pub(crate) term_end: Option<u64>,
    pub(crate) seats: Option<u64>,
    pub(crate) policy: Option<Policy>,
    pub(crate) node_locks: Vec<[u8; 32]>,
    pub(crate) maintained_until: Option<u64>,
    /// The number of the kind and its name.
    pub(crate) kind: Option<(u64, &'static str)>,
    pub(crate) meta: Vec<(String, String)>,
    pub(crate) lineage: Option<[u8; 16]>,
    pub(crate) index: Option<u64>,
    pub(crate) stream: u64,
    /// Header parameters, claims and grant fields that are to be ignored.
    pub(crate) more: [Vec<(Item, Item)>; 3],
}

impl Licence {
    /// What is required and nothing else.
    pub(crate) fn base() -> Self {
        Self {
            signer: Signer::main(),
            issuer: "acme".to_owned(),
            subject: "cus_42".to_owned(),
            audience: Audience::Everybody,
            expires: EXPIRES,
            not_before: None,
            issued_at: ISSUED,
            id: *b"vector licence 1",
            confirmation: None,
            status: None,
            tier: ("pro".to_owned(), 3),
            features: Vec::new(),
            quotas: Vec::new(),
            rates: Vec::new(),
            term_end: None,
            seats: None,
            policy: None,
            node_locks: Vec::new(),
            maintained_until: None,
            kind: None,
            meta: Vec::new(),
            lineage: None,
            index: None,
            stream: 0,
            more: [Vec::new(), Vec::new(), Vec::new()],
        }
    }

    /// The base licence with something changed.
    pub(crate) fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut licence = Self::base();
        change(&mut licence);
        licence
    }

    pub(crate) fn header(&self) -> Fields {
        add(token::header(&self.signer), &self.more[0])
    }

    pub(crate) fn claims(&self) -> Fields {
        let audience = match &self.audience {
            Audience::Everybody => None,
            Audience::One(name) => Some(cbor::text(name)),
            Audience::Many(names) => {
                Some(cbor::array(&names.iter().map(|name| cbor::text(name)).collect::<Vec<_>>()))
            }
        };
        let confirmation = self.confirmation.as_ref().map(|confirmation| match confirmation {
            Confirmation::Key(_, entries) => cbor::map(&[(cbor::int(1), cbor::map(entries))]),
            Confirmation::Thumbprint(print) => cbor::map(&[(cbor::int(5), cbor::bytes(print))]),
        });
        let fields = Fields::default()
            .set(1, cbor::text(&self.issuer))
            .set(2, cbor::text(&self.subject))
            .set_some(3, audience)
            .set(4, cbor::uint(self.expires))
            .set_some(5, self.not_before.map(cbor::uint))
            .set(6, cbor::uint(self.issued_at))
            .set(7, cbor::bytes(&self.id))
            .set_some(8, confirmation)
            .set_some(65_535, self.status.clone())
            .set(GRANT, self.grant().encode());
        add(fields, &self.more[1])
    }

    pub(crate) fn grant(&self) -> Fields {
        let locks: Vec<Item> = self.node_locks.iter().map(|lock| cbor::bytes(lock)).collect();
        let meta: Vec<_> =
            self.meta.iter().map(|(key, value)| (cbor::text(key), cbor::text(value))).collect();
        let fields = Fields::default()
            .set(0, cbor::uint(1))
            .set(1, cbor::array(&[cbor::text(&self.tier.0), cbor::uint(self.tier.1)]))
            .set_some(2, entries(&self.features, Feature::encode))
            .set_some(3, entries(&self.quotas, Quota::encode))
            .set_some(4, entries(&self.rates, Rate::encode))
            .set_some(5, self.term_end.map(cbor::uint))
            .set_some(6, self.seats.map(cbor::uint))
            .set_some(7, self.policy.as_ref().map(Policy::encode))
            .set_some(8, (!locks.is_empty()).then(|| cbor::array(&locks)))
            .set_some(9, self.maintained_until.map(cbor::uint))
            .set_some(10, self.kind.map(|(number, _)| cbor::uint(number)))
            .set_some(11, (!meta.is_empty()).then(|| cbor::map(&meta)))
            .set_some(12, self.lineage.map(|lineage| cbor::bytes(&lineage)))
            .set_some(13, self.index.map(cbor::uint))
            .set_some(14, (self.stream > 0).then(|| cbor::uint(self.stream)));
        add(fields, &self.more[2])
    }

    /// The token, signed by the licence's own key.
    pub(crate) fn token(&self) -> Vec<u8> {
        Frame::signed(&self.signer, &self.header().encode(), &self.claims().encode()).encode()
    }

    /// The claims as every language shows them: what the licence does not say is there with its default.
    pub(crate) fn json(&self) -> Value {
        let audiences = match &self.audience {
            Audience::Everybody => Vec::new(),
            Audience::One(name) => vec![name.clone()],
            Audience::Many(names) => names.clone(),
        };
        let confirmation = match &self.confirmation {
            None => Value::Null,
            Some(Confirmation::Key(key, _)) => json!({ "key": hex(key) }),
            Some(Confirmation::Thumbprint(print)) => json!({ "thumbprint": hex(print) }),
        };
        json!({
            "kid": hex(&self.signer.kid),
            "iss": self.issuer,
            "sub": self.subject,
            "aud": audiences,
            "exp": self.expires,
            "nbf": self.not_before,
            "iat": self.issued_at,
            "cti": hex(&self.id),
            "cnf": confirmation,
            "tier": { "name": self.tier.0, "version": self.tier.1 },
            "features": object(&self.features, Feature::json),
            "quotas": object(&self.quotas, Quota::json),
            "rates": object(&self.rates, Rate::json),
            "term_end": self.term_end,
            "seats": self.seats,
            "policy": self.policy.clone().unwrap_or_default().json(),
            "node_locks": self.node_locks.iter().map(|lock| hex(lock)).collect::<Vec<_>>(),
            "maintained_until": self.maintained_until,
            "kind": self.kind.map_or("paid", |(_, name)| name),
            "meta": object(&self.meta, |value| json!(value)),
            "lineage": hex(&self.lineage.unwrap_or(self.id)),
            "index": self.index,
            "stream": self.stream,
        })
    }
}

impl Policy {
    fn encode(&self) -> Item {
        let fields = Fields::default()
            .set_some(0, self.stale_revocation.map(Action::encode))
            .set_some(1, self.clock_doubt.map(Action::encode))
            .set_some(2, self.store_unreachable.map(Action::encode))
            .set_some(3, self.max_revocation_age.map(cbor::uint));
        add(fields, &self.more).encode()
    }

    fn json(&self) -> Value {
        let action = |action: Option<Action>| action.unwrap_or(Action::Deny).json();
        json!({
            "stale_revocation": action(self.stale_revocation),
            "clock_doubt": action(self.clock_doubt),
            "store_unreachable": action(self.store_unreachable),
            "max_revocation_age": self.max_revocation_age,
        })
    }
}

fn add(fields: Fields, more: &[(Item, Item)]) -> Fields {
    more.iter().fold(fields, |fields, (key, value)| fields.set_raw(key.clone(), value.clone()))
}

/// A map of named entries; none where there are no entries.
fn entries<T>(list: &[(String, T)], encode: fn(&T) -> Item) -> Option<Item> {
    let encoded: Vec<_> = list.iter().map(|(name, entry)| (cbor::text(name), encode(entry))).collect();
    (!encoded.is_empty()).then(|| cbor::map(&encoded))
}

/// The members stand in the order of the token, which is that of the encoded names.
fn object<T>(list: &[(String, T)], json: impl Fn(&T) -> Value) -> Value {
    let mut list: Vec<_> = list.iter().collect();
    list.sort_by_key(|(name, _)| cbor::text(name));
    list.into_iter().map(|(name, entry)| (name.clone(), json(entry))).collect::<Map<_, _>>().into()
}
