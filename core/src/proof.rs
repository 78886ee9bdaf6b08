//! Proof of possession: the holder signs each request with the key that the licence is bound to.
//!
//! A COSE_Sign1 with its own `typ`, by the holder's key, over
//! `{6: iat uint, 7: cti bstr .size 16, ?8: {1: COSE_Key}, 10: nonce bstr .size 16,
//!   -65538: method tstr, -65539: uri tstr, ?-65540: SHA-256 of the body bstr .size 32,
//!   ?-65541: nonce of the service bstr}`.
//! The proof contains the holder's key; a licence that has only a thumbprint needs it.
//! A stolen licence is useless without the key, and so is a proof for another request.

use core::fmt;

use crate::{
    buffer::Buffer,
    cbor::write::Writer,
    cbor::{self, MapKey, Reader},
    code::Code,
    cose::{Algorithm, Frame, Typ},
    crypto::ed25519::PublicKey,
    id::{Nonce, TokenId},
    key::cose_key,
    license::claims::{Claims, Confirmation},
    limits,
    time::timestamp::Timestamp,
    uri,
};

pub use crate::service_nonce::{NONCE_BYTES, ServiceNonces};

/// Claim keys beside those of RFC 8392; `nonce` is of RFC 9711, section 4.1.
pub mod label {
    /// `iat`.
    pub const IAT: i64 = 6;
    /// `cti` of the licence.
    pub const CTI: i64 = 7;
    /// `cnf` with the holder's key.
    pub const CNF: i64 = 8;
    /// `nonce`.
    pub const NONCE: i64 = 10;
    /// Method of the request.
    pub const METHOD: i64 = -65_538;
    /// URI of the request.
    pub const URI: i64 = -65_539;
    /// SHA-256 of the request's body.
    pub const BODY: i64 = -65_540;
    /// Nonce that the service has handed out.
    pub const SERVICE_NONCE: i64 = -65_541;
}

/// The request that a proof was presented with, as the service sees it.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// The proof's bytes.
    pub proof: &'a [u8],
    /// The request's method.
    pub method: &'a str,
    /// The request's URI: the public origin, path and query. It is compared after normalisation (RFC 3986, sections
    /// 6.2.2 and 6.2.3). An empty one matches no proof.
    pub uri: &'a str,
    /// SHA-256 of its body, where the service requires that the body is signed too.
    pub body: Option<&'a [u8; 32]>,
    /// How old a proof may be, and how far in the future, in seconds.
    pub max_age: u64,
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, uri, max_age, .. } = self;
        f.debug_struct("Presented")
            .field("method", method)
            .field("uri", uri)
            .field("max_age", max_age)
            .finish_non_exhaustive() // neither the proof nor the body's digest
    }
}

/// A store of used nonces, each of one holder. When it is full it refuses, rather than forget a nonce that could still
/// be replayed.
pub trait Replay {
    /// Remembers a nonce of a holder, by the holder's public key, until `until`. Another holder's
    /// nonce is another one, whatever its bytes: nobody can use up a nonce for somebody else.
    ///
    /// # Errors
    /// [`Code::ProofReplayed`] if it is known, [`Code::ProofCacheFull`] if there is no room.
    fn remember(
        &self,
        holder: &[u8; 32],
        nonce: &Nonce,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), Code>;
}

/// What a proof says.
struct Proof<'a> {
    issued_at: Timestamp,
    id: &'a [u8; 16],
    nonce: Nonce,
    key: Option<&'a [u8; 32]>,
    method: &'a str,
    uri: &'a str,
    body: Option<&'a [u8; 32]>,
    service_nonce: Option<&'a [u8]>,
}

impl<'a> Proof<'a> {
    fn read(bytes: &'a [u8], frame: &Frame<'a>) -> cbor::Result<Self> {
        let mut reader = Reader::within(bytes, frame.payload);
        let (mut issued_at, mut id, mut nonce, mut key) = (None, None, None, None);
        let (mut method, mut uri, mut body, mut service_nonce) = (None, None, None, None);
        let mut map = reader.map()?;
        while let Some(label) = map.next_key(&mut reader)? {
            match label {
                MapKey::Int(label::IAT) => issued_at = Some(reader.timestamp()?),
                MapKey::Int(label::CTI) => id = Some(reader.array_of()?),
                MapKey::Int(label::CNF) => match Confirmation::read(&mut reader)? {
                    Confirmation::Key(x) => key = Some(x),
                    Confirmation::Thumbprint(_) => return reader.malformed(Code::UnsupportedConfirmation),
                },
                MapKey::Int(label::NONCE) => nonce = Some(Nonce::from(*reader.array_of::<16>()?)),
                MapKey::Int(label::METHOD) => method = Some(reader.short_text()?),
                MapKey::Int(label::URI) => uri = Some(reader.text()?),
                MapKey::Int(label::BODY) => body = Some(reader.array_of()?),
                MapKey::Int(label::SERVICE_NONCE) => service_nonce = Some(reader.bytes()?),
                _ => reader.skip()?,
            }
        }
        reader.finish()?;
        match (issued_at, id, nonce, method, uri) {
            (Some(issued_at), Some(id), Some(nonce), Some(method), Some(uri))
                if uri.len() <= limits::URI_BYTES =>
            {
                Ok(Self { issued_at, id, nonce, key, method, uri, body, service_nonce })
            }
            _ => reader.malformed(Code::MissingField),
        }
    }
}

/// SHA-256 thumbprint of an Ed25519 public key as a COSE_Key with its required parts only (RFC 9679, section 3).
pub fn thumbprint(public: &[u8; 32]) -> [u8; 32] {
    let mut key = Writer::new([0_u8; 40]);
    cose_key::write_required(&mut key, public);
    hmac_sha256::Hash::hash(key.written())
}

/// A proof before it is signed. The signer is a closure, so the key may be in hardware.
#[derive(Clone, Copy, Debug)]
pub struct UnsignedProof<'a> {
    /// The request's time.
    pub issued_at: Timestamp,
    /// The licence's identifier (`cti`).
    pub id: TokenId,
    /// 16 random bytes, drawn anew for each request.
    pub nonce: Nonce,
    /// The holder's public key.
    pub key: &'a [u8; 32],
    /// The request's method, 1 to 256 bytes.
    pub method: &'a str,
    /// The request's URI, 1 to 2,048 bytes.
    pub uri: &'a str,
    /// SHA-256 of the request's body.
    pub body: Option<&'a [u8; 32]>,
    /// The nonce that the service has handed out, of 1 to 256 bytes. The service then goes by its own clock, and not by
    /// `issued_at`.
    pub service_nonce: Option<&'a [u8]>,
}

impl UnsignedProof<'_> {
    /// Signs the proof into `out` and returns its bytes.
    ///
    /// `sign` gets the bytes to be signed in parts, as [`Frame::to_be_signed`] returns them, and returns the
    /// Ed25519 signature of their concatenation.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for a method, URI or service's nonce of a length that no service takes.
    pub fn seal<'b>(
        &self,
        out: &'b mut Buffer,
        sign: impl FnOnce(&[&[u8]; 4]) -> [u8; 64],
    ) -> Result<&'b [u8], Code> {
        if self.method.is_empty()
            || self.method.len() > limits::TEXT_BYTES
            || self.uri.is_empty()
            || self.uri.len() > limits::URI_BYTES
            || self.service_nonce.is_some_and(|nonce| !(1..=limits::TEXT_BYTES).contains(&nonce.len()))
        {
            return Err(Code::InvalidArgument);
        }
        let print = thumbprint(self.key);
        let kid = print.first_chunk::<4>().ok_or(Code::InvalidArgument)?;
        let mut header = Writer::new([0_u8; 64]);
        header.map(3).int(1).int(Algorithm::Ed25519.id()).int(4).bytes(kid);
        header.int(16).text(Typ::Proof.media_type());

        let mut payload = Writer::new([0_u8; limits::TOKEN_BYTES]);
        let optional = [self.body.is_some(), self.service_nonce.is_some()].into_iter().map(u64::from);
        payload.map(optional.fold(6, u64::saturating_add));
        payload.int(6).uint(self.issued_at.as_seconds()).int(7).bytes(self.id.as_bytes());
        cose_key::write_required(payload.int(8).map(1).int(1), self.key);
        payload.int(10).bytes(self.nonce.as_bytes());
        payload.int(-65_538).text(self.method).int(-65_539).text(self.uri);
        if let Some(body) = self.body {
            payload.int(-65_540).bytes(body);
        }
        if let Some(nonce) = self.service_nonce {
            payload.int(-65_541).bytes(nonce);
        }

        // Once with the signature left blank, to have the parts that are signed, and once with it.
        let mut unsigned = Writer::new([0_u8; limits::TOKEN_BYTES]);
        unsigned.sign1(header.written(), payload.written(), &[0; 64]);
        let frame = Frame::read(unsigned.written(), Typ::Proof).map_err(|_| Code::InvalidArgument)?;
        let signature = sign(&frame.to_be_signed());
        let mut signed = Writer::new(out.bytes_mut());
        signed.sign1(header.written(), payload.written(), &signature);
        let length = signed.written().len();
        out.bytes_mut().get(..length).ok_or(Code::InvalidArgument)
    }
}

/// Checks the proof that was presented with a licence that is bound to `confirmation`.
///
/// # Errors
/// A code from 431 to 441.
pub(crate) fn check(
    claims: &Claims<'_>,
    confirmation: Confirmation<'_>,
    presented: &Presented<'_>,
    (nonces, replay): (Option<ServiceNonces<'_>>, Option<&dyn Replay>),
    now: Timestamp,
) -> Result<(), Code> {
    let malformed = |_| Code::ProofMalformed;
    let frame = Frame::read(presented.proof, Typ::Proof).map_err(malformed)?;
    let proof = Proof::read(presented.proof, &frame).map_err(malformed)?;
    let holder = match (confirmation, proof.key) {
        (Confirmation::Key(key), _) => key,
        (Confirmation::Thumbprint(print), Some(key)) if thumbprint(key) == *print => key,
        (Confirmation::Thumbprint(_), Some(_)) => return Err(Code::ProofBadSignature),
        (Confirmation::Thumbprint(_), None) => return Err(Code::ProofMalformed),
    };
    let key = PublicKey::from_bytes(holder).map_err(|_| Code::ProofBadSignature)?;
    if frame.algorithm != Algorithm::Ed25519.id() || !key.verify(&frame.to_be_signed(), frame.signature) {
        return Err(Code::ProofBadSignature);
    }
    let oldest = now.saturating_sub(presented.max_age);
    let latest = now.saturating_add(presented.max_age);
    // The body is compared where either side has one: a signed body must be there, and a body must be signed.
    let code = if proof.id != claims.id().as_bytes() {
        Code::ProofWrongLicense
    } else if proof.method != presented.method {
        Code::ProofWrongMethod
    } else if !uri::same(proof.uri, presented.uri) {
        Code::ProofWrongUri
    } else if proof.body != presented.body {
        Code::ProofWrongBody
    } else {
        Code::Allowed
    };
    if !code.is_allowed() {
        return Err(code);
    }
    // When the request was made: by the clock of the service that handed out a nonce, or else by the holder's.
    let made_at = match (nonces, proof.service_nonce) {
        (Some(nonces), Some(nonce)) => {
            // Another machine of the service may be a little ahead.
            let handed_out = nonces.time_of(nonce).filter(|time| (oldest..=latest).contains(time));
            handed_out.ok_or(Code::ProofNonceRequired)?
        }
        (Some(nonces), None) if nonces.is_required => return Err(Code::ProofNonceRequired),
        _ if proof.issued_at < oldest => return Err(Code::ProofStale),
        _ if proof.issued_at > latest => return Err(Code::ProofInFuture),
        _ => proof.issued_at,
    };
    // One second more than it is accepted, so that no proof is forgotten while it could be used again.
    let until = made_at.saturating_add(presented.max_age).saturating_add(1);
    replay.map_or(Ok(()), |replay| replay.remember(holder, &proof.nonce, until, now))
}
