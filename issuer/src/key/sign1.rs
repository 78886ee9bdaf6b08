//! Signs payloads (COSE_Sign1, RFC 9052, section 4.2).

use ciborium::Value as Cbor;
use licentia_core::{Algorithm, inner::Typ};

use super::signing_key::SigningKey;
use crate::canonical::{bytes, canonical, labelled};

/// Signs a payload as an object of the kind `typ`.
pub(crate) fn sign(key: &SigningKey, typ: Typ, payload: &[u8]) -> Vec<u8> {
    let protected = canonical(&labelled([
        (1, Some(Cbor::from(Algorithm::Ed25519.id()))),
        (4, Some(bytes(key.kid().as_bytes()))),
        (16, Some(Cbor::from(typ.media_type()))),
    ]));
    let to_be_signed = vec![Cbor::from("Signature1"), bytes(&protected), bytes(&[]), bytes(payload)];
    let signature = key.sign(&canonical(&to_be_signed));
    let parts = vec![bytes(&protected), Cbor::Map(Vec::new()), bytes(payload), bytes(&signature)];
    canonical(&Cbor::Tag(18, Box::new(Cbor::Array(parts))))
}
