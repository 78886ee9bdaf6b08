//! Signs payloads (COSE_Sign1, RFC 9052, section 4.2).

use ciborium::Value as Cbor;
use licentia_core::{Algorithm, Kid, inner::Typ};

use super::signing_key::SigningKey;
use crate::canonical::{bytes, canonical, labelled};

/// Signs a payload as an object of the kind `typ`.
pub(crate) fn sign(key: &SigningKey, typ: Typ, payload: &[u8]) -> Vec<u8> {
    let protected = protected(key.kid(), typ);
    let to_be_signed = vec![Cbor::from("Signature1"), bytes(&protected), bytes(&[]), bytes(payload)];
    frame(&protected, payload, &key.sign(&canonical(&to_be_signed)))
}

/// A payload in the form of a signed object, with zeros for the signature: it can be read, and nothing accepts it.
#[cfg(feature = "ledger")]
pub(crate) fn unsigned(kid: &Kid, typ: Typ, payload: &[u8]) -> Vec<u8> {
    frame(&protected(kid, typ), payload, &[0; 64])
}

fn protected(kid: &Kid, typ: Typ) -> Vec<u8> {
    canonical(&labelled([
        (1, Some(Cbor::from(Algorithm::Ed25519.id()))),
        (4, Some(bytes(kid.as_bytes()))),
        (16, Some(Cbor::from(typ.media_type()))),
    ]))
}

fn frame(protected: &[u8], payload: &[u8], signature: &[u8; 64]) -> Vec<u8> {
    let parts = vec![bytes(protected), Cbor::Map(Vec::new()), bytes(payload), bytes(signature)];
    canonical(&Cbor::Tag(18, Box::new(Cbor::Array(parts))))
}
