//! Proofs of possession, built by hand.

use licentia_vectors::Proof;

use crate::{
    cbor::{self, Item},
    encoding::{base64url, hex},
    fields::Fields,
    licence::{Licence, NOW},
    signer::{ED25519, Signer},
    token::Frame,
};

pub(crate) const TYP: &str = "application/vnd.licentia.proof+cwt";

/// Claim keys.
pub(crate) const METHOD: i64 = -65_538;
pub(crate) const URI: i64 = -65_539;
pub(crate) const BODY: i64 = -65_540;

/// The holder of the licences that are bound.
pub(crate) fn holder() -> Signer {
    Signer::new(b"hold", 6)
}

/// A proof and the request that it is presented with.
#[derive(Clone)]
pub(crate) struct Presented {
    pub(crate) signer: Signer,
    pub(crate) header: Fields,
    pub(crate) claims: Fields,
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) body: Option<[u8; 32]>,
}

impl Presented {
    /// A good proof for the base licence.
    pub(crate) fn base() -> Self {
        let header = Fields::default()
            .set(1, cbor::int(ED25519))
            .set(4, cbor::bytes(b"hold"))
            .set(16, cbor::text(TYP));
        let claims = Fields::default()
            .set(6, cbor::uint(NOW))
            .set(7, cbor::bytes(&Licence::base().id))
            .set(10, cbor::bytes(b"a nonce, used 1x"))
            .set(METHOD, cbor::text("POST"))
            .set(URI, cbor::text("https://api.acme.example/v1/jobs?x=1"));
        Self {
            signer: holder(),
            header,
            claims,
            method: "POST".to_owned(),
            uri: "https://api.acme.example/v1/jobs?x=1".to_owned(),
            body: None,
        }
    }

    /// The base proof with one claim set.
    pub(crate) fn with(key: i64, value: Item) -> Self {
        let base = Self::base();
        Self { claims: base.claims.set(key, value), ..base }
    }

    /// The base proof without one of its claims.
    pub(crate) fn without(key: i64) -> Self {
        let base = Self::base();
        Self { claims: base.claims.without(key), ..base }
    }

    /// The base proof with the key of `signer` in it.
    pub(crate) fn with_key(signer: &Signer) -> Self {
        let key = cbor::map(&[
            (cbor::int(1), cbor::int(1)),
            (cbor::int(-1), cbor::int(6)),
            (cbor::int(-2), cbor::bytes(&signer.public())),
        ]);
        Self::with(8, cbor::map(&[(cbor::int(1), key)]))
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        Frame::signed(&self.signer, &self.header.encode(), &self.claims.encode()).encode()
    }

    /// The proof as it is presented.
    pub(crate) fn present(&self) -> Proof {
        self.present_bytes(&self.bytes())
    }

    /// Other bytes, presented with the same request.
    pub(crate) fn present_bytes(&self, bytes: &[u8]) -> Proof {
        Proof {
            proof: base64url(bytes),
            method: self.method.clone(),
            uri: self.uri.clone(),
            body: self.body.map(|digest| hex(&digest)),
            max_age: 60,
        }
    }
}
