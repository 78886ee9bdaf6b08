//! The holder's private key, which signs proofs of possession and receipts.

use std::{error, fmt};

use ed25519_dalek::{Signer, SigningKey, pkcs8::DecodePrivateKey};
use licentia_core::{
    Buffer, Code, Timestamp, Unverified, limits,
    proof::{self, UnsignedProof},
    text::{decode_base64url, decode_license},
};

use super::error::PemError;

/// The private key of a licence's holder, or of an instance that signs receipts. It is zeroised when dropped.
pub struct HolderKey(SigningKey);

impl HolderKey {
    /// The key of a 32-byte seed (RFC 8032, section 5.1.5). The seed is the secret.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Reads an Ed25519 key in PKCS#8 PEM, which is not encrypted.
    ///
    /// # Errors
    /// [`PemError`], which says what the text is instead.
    pub fn from_pem(pem: &str) -> Result<Self, PemError> {
        SigningKey::from_pkcs8_pem(pem).map(Self).map_err(|_| PemError::of(pem))
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

    /// Signs a proof for one request with a licence in its text form, at `now`.
    ///
    /// `body` is the SHA-256 of the request's body, if the service requires the proof to cover it.
    ///
    /// # Errors
    /// [`ProveError`], which names the argument.
    pub fn prove(
        &self,
        license: &str,
        method: &str,
        uri: &str,
        body: Option<&[u8; 32]>,
        now: impl Into<Timestamp>,
    ) -> Result<Vec<u8>, ProveError> {
        self.prove_with_nonce(license, method, uri, body, None, now)
    }

    /// As [`HolderKey::prove`], with the nonce that the service has handed out in `Licentia-Proof-Nonce`, if it has: the
    /// service then goes by its own clock, and not by `now`.
    ///
    /// # Errors
    /// [`ProveError`], which names the argument.
    pub fn prove_with_nonce(
        &self,
        license: &str,
        method: &str,
        uri: &str,
        body: Option<&[u8; 32]>,
        service_nonce: Option<&str>,
        now: impl Into<Timestamp>,
    ) -> Result<Vec<u8>, ProveError> {
        let mut space = Buffer::new();
        let service_nonce = match service_nonce {
            Some(text) => Some(decode_base64url(text, &mut space).map_err(|_| ProveError::Nonce)?),
            None => None,
        };
        if service_nonce.is_some_and(|nonce| !(1..=limits::TEXT_BYTES).contains(&nonce.len())) {
            return Err(ProveError::Nonce);
        }
        let mut buffer = Buffer::new();
        let token = decode_license(license, &mut buffer).map_err(ProveError::License)?;
        let id = Unverified::read(token).map_err(|malformed| ProveError::License(malformed.code))?.id();
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(ProveError::Random)?;
        let key = self.public();
        let proof = UnsignedProof {
            issued_at: now.into(),
            id,
            nonce: nonce.into(),
            key: &key,
            method,
            uri,
            body,
            service_nonce,
        };
        let sealed = proof.seal(&mut Buffer::new(), |parts| self.sign(parts)).map(<[u8]>::to_vec);
        sealed.map_err(|_| {
            if (1..=limits::TEXT_BYTES).contains(&method.len()) {
                ProveError::Uri
            } else {
                ProveError::Method
            }
        })
    }
}

impl fmt::Debug for HolderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HolderKey").field("public", &self.public()).finish_non_exhaustive()
    }
}

/// Why a proof was not signed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProveError {
    /// The licence is no licence in its text form.
    License(Code),
    /// The method is empty or too long.
    Method,
    /// The URI is too long.
    Uri,
    /// The service's nonce is not what a service sends.
    Nonce,
    /// The system has no random bytes.
    Random(getrandom::Error),
}

impl ProveError {
    /// Its code: why the licence was refused, [`Code::InvalidArgument`] for the method, the URI or the service's nonce,
    /// [`Code::StoreUnreachable`] if there are no random bytes.
    pub fn code(&self) -> Code {
        match self {
            Self::License(code) => *code,
            Self::Method | Self::Uri | Self::Nonce => Code::InvalidArgument,
            Self::Random(_) => Code::StoreUnreachable,
        }
    }
}

impl fmt::Display for ProveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::License(code) => write!(f, "`license` is no licence in its text form: {code}"),
            Self::Method => write!(f, "`method` is empty or longer than {} bytes", limits::TEXT_BYTES),
            Self::Uri => write!(f, "`uri` is longer than {} bytes", limits::URI_BYTES),
            Self::Nonce => f.write_str("the service's nonce is not a value of `Licentia-Proof-Nonce`"),
            Self::Random(error) => write!(f, "the system has no random bytes for the nonce: {error}"),
        }
    }
}

impl error::Error for ProveError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::License(code) => Some(code),
            Self::Method | Self::Uri | Self::Nonce => None,
            Self::Random(error) => Some(error),
        }
    }
}

impl From<ProveError> for Code {
    fn from(error: ProveError) -> Self {
        error.code()
    }
}
