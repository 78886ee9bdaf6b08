//! Tokens of every shape, most of them with a good signature.

use crate::{
    cbor::{self, Item, Major},
    fields::Fields,
    licence::Licence,
    signer::{ED25519, Signer},
};

pub(crate) const TYP: &str = "application/vnd.licentia.license+cwt";

/// The four elements of a COSE_Sign1, each of which a test may replace.
#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) protected: Item,
    pub(crate) unprotected: Item,
    pub(crate) payload: Item,
    pub(crate) signature: Item,
}

impl Frame {
    /// A frame around the content of the two byte strings, signed by `signer`.
    pub(crate) fn signed(signer: &Signer, header: &[u8], claims: &[u8]) -> Self {
        Self {
            protected: cbor::bytes(header),
            unprotected: cbor::map(&[]),
            payload: cbor::bytes(claims),
            signature: cbor::bytes(&signer.sign(header, claims)),
        }
    }

    /// The frame of the base licence.
    pub(crate) fn base() -> Self {
        let licence = Licence::base();
        Self::signed(&licence.signer, &licence.header().encode(), &licence.claims().encode())
    }

    pub(crate) fn elements(&self) -> Vec<Item> {
        [&self.protected, &self.unprotected, &self.payload, &self.signature].map(Clone::clone).to_vec()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        cbor::tag(18, &cbor::array(&self.elements()))
    }
}

/// The header of tokens signed by `signer`.
pub(crate) fn header(signer: &Signer) -> Fields {
    Fields::default().set(1, cbor::int(ED25519)).set(4, cbor::bytes(&signer.kid)).set(16, cbor::text(TYP))
}

/// A token whose protected header has this content.
pub(crate) fn with_header(content: &[u8]) -> Vec<u8> {
    let licence = Licence::base();
    Frame::signed(&licence.signer, content, &licence.claims().encode()).encode()
}

/// A token with one header parameter set.
pub(crate) fn with_parameter(label: i64, value: Item) -> Vec<u8> {
    with_header(&Licence::base().header().set(label, value).encode())
}

/// A token whose payload has this content.
pub(crate) fn with_payload(content: &[u8]) -> Vec<u8> {
    let licence = Licence::base();
    Frame::signed(&licence.signer, &licence.header().encode(), content).encode()
}

/// A token with one claim set.
pub(crate) fn with_claim(key: i64, value: Item) -> Vec<u8> {
    with_payload(&Licence::base().claims().set(key, value).encode())
}

/// A token without one of its claims.
pub(crate) fn without_claim(key: i64) -> Vec<u8> {
    with_payload(&Licence::base().claims().without(key).encode())
}

/// A token whose grant is this item.
pub(crate) fn with_grant(grant: Item) -> Vec<u8> {
    with_claim(GRANT, grant)
}

/// A token with one field of the grant set.
pub(crate) fn with_field(key: i64, value: Item) -> Vec<u8> {
    with_grant(Licence::base().grant().set(key, value).encode())
}

/// A token with this one feature.
pub(crate) fn with_feature(value: Item) -> Vec<u8> {
    with_field(2, cbor::map(&[(cbor::text("f"), value)]))
}

/// A token with this one quota.
pub(crate) fn with_quota(value: Item) -> Vec<u8> {
    with_field(3, cbor::map(&[(cbor::text("q"), value)]))
}

/// A token with this one rate.
pub(crate) fn with_rate(value: Item) -> Vec<u8> {
    with_field(4, cbor::map(&[(cbor::text("r"), value)]))
}

/// A token whose policy has these entries.
pub(crate) fn with_policy(entries: &[(Item, Item)]) -> Vec<u8> {
    with_field(7, cbor::map(entries))
}

/// A token with an unknown claim, which is to be read over.
pub(crate) fn with_ignored(value: Item) -> Vec<u8> {
    with_claim(100, value)
}

/// A token of exactly `size` bytes: an unknown claim fills it up.
pub(crate) fn of_size(size: usize) -> Vec<u8> {
    let filled = |count| with_ignored(cbor::bytes(&vec![0; count]));
    let most = size - with_ignored(cbor::bytes(&[])).len();
    (0..=most).rev().map(filled).find(|token| token.len() == size).expect("heads take a few bytes")
}

/// The claim key of the grant.
pub(crate) const GRANT: i64 = -65_537;

/// A byte string whose head takes `width` bytes.
pub(crate) fn wide_bytes(content: &[u8], width: usize) -> Item {
    [&cbor::wide_head(Major::Bytes, content.len() as u64, width), content].concat()
}
