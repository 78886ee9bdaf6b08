//! The holder's side of proofs of possession: signs each request with the key that the licence is bound to.

use ed25519_dalek::{Signer, SigningKey, pkcs8::DecodePrivateKey};
use licentia_core::{
    Buffer, Code, Unverified,
    proof::{self, UnsignedProof},
    text::decode_license,
};

/// A holder's private key. It is zeroised when dropped.
pub struct Holder(SigningKey);

impl Holder {
    /// The key of a 32-byte seed (RFC 8032, section 5.1.5). The seed is the secret.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Reads an Ed25519 key in PKCS#8 PEM, which is not encrypted.
    ///
    /// # Errors
    /// [`Code::InvalidKey`].
    pub fn from_pem(pem: &str) -> Result<Self, Code> {
        SigningKey::from_pkcs8_pem(pem).map(Self).map_err(|_| Code::InvalidKey)
    }

    /// The public key, for the issuer to bind a licence to.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// The public key's thumbprint (RFC 9679).
    pub fn thumbprint(&self) -> [u8; 32] {
        proof::thumbprint(&self.public())
    }

    /// Signs the concatenation of these parts.
    pub(crate) fn sign(&self, parts: &[&[u8]; 4]) -> [u8; 64] {
        self.0.sign(&parts.concat()).to_bytes()
    }

    /// Makes a proof for one request with a licence in its text form, at `now` (seconds since 1970).
    ///
    /// `body` is the SHA-256 of the request's body, where the service wants the body signed.
    ///
    /// # Errors
    /// A code of group 1xx for a text that is no licence, [`Code::InvalidArgument`] for a method or URI that
    /// is too long, [`Code::StoreUnreachable`] where the system gives no random bytes.
    pub fn prove(
        &self,
        license: &str,
        method: &str,
        uri: &str,
        body: Option<&[u8; 32]>,
        now: u64,
    ) -> Result<Vec<u8>, Code> {
        let mut buffer = Buffer::new();
        let token = decode_license(license, &mut buffer)?;
        let id = Unverified::read(token).map_err(|malformed| malformed.code)?.id();
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|_| Code::StoreUnreachable)?;
        let key = self.public();
        let proof = UnsignedProof { issued_at: now, id, nonce: nonce.into(), key: &key, method, uri, body };
        Ok(proof.seal(&mut Buffer::new(), |parts| self.sign(parts))?.to_vec())
    }
}
