//! The payload of a bundle or delta, and its signature.

use ciborium::Value as Cbor;
use licentia_core::{
    Keyring, Salt, Timestamp,
    inner::Typ,
    revocation::{Bundle, Schema},
};

use crate::{
    canonical::{bytes, canonical, labelled, time},
    error::{BundleError, Result},
    key::{SigningKey, sign},
};

/// The payload of a bundle or delta.
pub(super) struct Payload<'a> {
    pub(super) issuer: &'a str,
    /// Stream and sequence.
    pub(super) numbers: [u64; 2],
    /// Issued at, next update, expires.
    pub(super) times: [Timestamp; 3],
    pub(super) root: [u8; 32],
    pub(super) schema: Schema,
    pub(super) salt: Salt,
    pub(super) rules: Option<Cbor>,
    /// Groups and pre-filter. An empty one is left out.
    pub(super) sections: [Vec<u8>; 2],
    /// The sequence that a delta changes; `None` for a whole bundle.
    pub(super) base: Option<u64>,
}

impl Payload<'_> {
    /// Signs the payload, and reads the result as a gate would.
    pub(super) fn sign(self, key: &SigningKey) -> Result<Vec<u8>> {
        let typ = if self.base.is_some() { Typ::Delta } else { Typ::Bundle };
        let bytes = sign(key, typ, &self.encode());
        let keys = [key.public().for_revocation()];
        Bundle::read(&bytes, Keyring::new(&keys)).map_err(BundleError::Refused)?;
        Ok(bytes)
    }

    fn encode(self) -> Vec<u8> {
        let [stream, sequence] = self.numbers.map(|number| Some(Cbor::from(number)));
        let [issued_at, next_update, expires] = self.times.map(|at| Some(time(at)));
        let section = |section: Vec<u8>| (!section.is_empty()).then_some(Cbor::Bytes(section));
        let [groups, bloom] = self.sections.map(section);
        canonical(&labelled([
            (0, Some(Cbor::from(self.schema.number()))),
            (1, Some(Cbor::from(self.issuer))),
            (2, stream),
            (3, sequence),
            (4, issued_at),
            (5, next_update),
            (6, expires),
            (7, Some(bytes(&self.root))),
            (8, Some(bytes(self.salt.as_bytes()))),
            (9, self.rules),
            (10, groups),
            (11, bloom),
            (12, self.base.map(Cbor::from)),
        ]))
    }
}
