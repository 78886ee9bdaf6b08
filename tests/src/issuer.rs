//! An issuer that signs whatever it is given.

use ciborium::Value;
use ed25519_dalek::{Signer as _, SigningKey};
use licentia_core::{Key, inner::Typ};

use crate::canonical;

/// A key from a fixed seed, which is good for tests and nothing else.
#[derive(Debug)]
pub struct Issuer {
    kid: Vec<u8>,
    key: SigningKey,
}

impl Issuer {
    /// An issuer whose key identifier is `kid`.
    pub fn new(kid: &[u8], seed: u8) -> Self {
        Self { kid: kid.to_vec(), key: SigningKey::from_bytes(&[seed; 32]) }
    }

    /// The public key.
    ///
    /// # Panics
    /// Where the identifier is not 1 to 32 bytes.
    pub fn public(&self) -> Key {
        Key::ed25519(&self.kid, self.key.verifying_key().as_bytes()).expect("the key is good")
    }

    /// A token with these claims.
    pub fn issue(&self, claims: &Value) -> Vec<u8> {
        self.issue_bytes(&canonical(claims))
    }

    /// A token around any payload.
    pub fn issue_bytes(&self, payload: &[u8]) -> Vec<u8> {
        self.sign(Typ::License, payload)
    }

    /// Any payload under a type.
    pub fn sign(&self, typ: Typ, payload: &[u8]) -> Vec<u8> {
        let header = canonical(&Value::Map(vec![
            (1.into(), (-19).into()),
            (4.into(), self.kid.clone().into()),
            (16.into(), typ.media_type().into()),
        ]));
        let (header, payload) = (Value::Bytes(header), Value::Bytes(payload.to_vec()));
        let parts = vec!["Signature1".into(), header.clone(), Value::Bytes(Vec::new()), payload.clone()];
        let signature = self.key.sign(&canonical(&Value::Array(parts))).to_bytes().to_vec();
        let elements = vec![header, Value::Map(Vec::new()), payload, Value::Bytes(signature)];
        canonical(&Value::Tag(18, Box::new(Value::Array(elements))))
    }
}
