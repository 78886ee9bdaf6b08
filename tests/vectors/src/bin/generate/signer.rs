//! Issuer keys from fixed seeds. Everybody knows them: they are good for tests and nothing else.

use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};

use crate::{
    cbor::{self, Item},
    encoding,
};

/// COSE algorithm identifier of Ed25519.
pub(crate) const ED25519: i64 = -19;

/// A private key with its identifier.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) kid: Vec<u8>,
    key: SigningKey,
}

impl Signer {
    pub(crate) fn new(kid: &[u8], seed: u8) -> Self {
        Self { kid: kid.to_vec(), key: SigningKey::from_bytes(&[seed; 32]) }
    }

    /// A key whose identifier is the start of its thumbprint (RFC 9679): SHA-256 of its required parts.
    pub(crate) fn named(seed: u8) -> Self {
        let mut signer = Self::new(&[0], seed);
        let required = [
            (cbor::int(1), cbor::int(1)),
            (cbor::int(-1), cbor::int(6)),
            (cbor::int(-2), cbor::bytes(&signer.public())),
        ];
        signer.kid = Sha256::digest(cbor::map(&required))[..4].to_vec();
        signer
    }

    /// The key of nearly all tokens.
    pub(crate) fn main() -> Self {
        Self::new(b"main", 1)
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// The secret scalar, for signatures that no signer makes.
    pub(crate) fn scalar(&self) -> curve25519_dalek::Scalar {
        self.key.to_scalar()
    }

    /// The public key in its text form.
    pub(crate) fn text(&self) -> String {
        public_key(&self.kid, &self.public())
    }

    pub(crate) fn sign(&self, protected: &[u8], payload: &[u8]) -> [u8; 64] {
        self.sign_bytes(&to_be_signed(protected, payload))
    }

    pub(crate) fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

/// `Sig_structure` (RFC 9052, section 4.4).
pub(crate) fn to_be_signed(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    cbor::array(&[cbor::text("Signature1"), cbor::bytes(protected), cbor::bytes(&[]), cbor::bytes(payload)])
}

/// A public key in its text form.
pub(crate) fn public_key(kid: &[u8], public: &[u8; 32]) -> String {
    encoding::key_text(&cbor::map(&cose_key(kid, public)))
}

/// The parameters of the COSE_Key of an issuer.
pub(crate) fn cose_key(kid: &[u8], public: &[u8; 32]) -> Vec<(Item, Item)> {
    vec![
        (cbor::int(1), cbor::int(1)),
        (cbor::int(2), cbor::bytes(kid)),
        (cbor::int(3), cbor::int(ED25519)),
        (cbor::int(-1), cbor::int(6)),
        (cbor::int(-2), cbor::bytes(public)),
    ]
}
