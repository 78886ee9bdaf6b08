//! The envelope: COSE_Sign1 (RFC 9052, section 4.2) with an embedded payload.
//!
//! `#6.18([protected: bstr .cbor Header, {}, payload: bstr, signature: bstr .size 64])`.
//! Everything is signed: the unprotected header must be empty.

use crate::{
    cbor::{self, Malformed, MapKey, Reader, Span},
    code::Code,
    key::kid::Kid,
    limits,
};

/// The tag of COSE_Sign1.
const SIGN1: u64 = 18;
/// Start of `Sig_structure`: an array of four whose first element is "Signature1" (RFC 9052, section 4.4).
const CONTEXT: &[u8] = b"\x84\x6aSignature1";
/// The external additional data: an empty byte string.
const EXTERNAL_AAD: &[u8] = b"\x40";

/// Header labels (RFC 9052, section 3.1; RFC 9596).
mod label {
    pub(super) const ALG: i64 = 1;
    pub(super) const CRIT: i64 = 2;
    pub(super) const KID: i64 = 4;
    pub(super) const TYP: i64 = 16;
}

/// Kinds of signed object, by their `typ` (RFC 9596), so that none can be taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Typ {
    /// A licence.
    License,
    /// A set of issuer keys.
    Keyset,
    /// A proof of possession.
    Proof,
    /// A set of revocations.
    Bundle,
    /// A change from one set of revocations to another.
    Delta,
    /// A receipt of what an instance has counted.
    Receipt,
    /// A vendor's acknowledgement of a receipt.
    Acknowledgement,
}

impl Typ {
    /// The media type in the protected header.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::License => "application/vnd.licentia.license+cwt",
            Self::Keyset => "application/vnd.licentia.keyset+cbor",
            Self::Proof => "application/vnd.licentia.proof+cwt",
            Self::Bundle => "application/vnd.licentia.revocation+cbor",
            Self::Delta => "application/vnd.licentia.revocation-delta+cbor",
            Self::Receipt => "application/vnd.licentia.receipt+cbor",
            Self::Acknowledgement => "application/vnd.licentia.acknowledgement+cbor",
        }
    }

    /// Longest object of the kind, in bytes.
    pub const fn longest(self) -> usize {
        match self {
            Self::License | Self::Proof | Self::Acknowledgement => limits::TOKEN_BYTES,
            Self::Keyset => limits::KEYSET_BYTES,
            Self::Receipt => limits::RECEIPT_BYTES,
            Self::Bundle | Self::Delta => limits::BUNDLE_BYTES,
        }
    }
}

/// A signature algorithm, by its fully specified COSE name (RFC 9864).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Ed25519.
    Ed25519,
}

impl Algorithm {
    /// Its number in the COSE Algorithms registry.
    pub const fn id(self) -> i64 {
        match self {
            Self::Ed25519 => -19,
        }
    }
}

/// A signed object whose form is right and whose signature is not checked yet.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// COSE algorithm identifier of the protected header.
    pub algorithm: i64,
    /// Key identifier of the protected header.
    pub kid: Kid,
    /// Content of the payload's byte string.
    pub payload: Span,
    /// The signature.
    pub signature: &'a [u8; 64],
    /// The protected header and the payload, each with the head of its byte string.
    signed: [&'a [u8]; 2],
}

impl<'a> Frame<'a> {
    /// Reads the frame of a `typ` object from a whole token.
    ///
    /// # Errors
    /// A code of group 1xx and where it was seen.
    pub fn read(token: &'a [u8], typ: Typ) -> cbor::Result<Self> {
        if token.len() > typ.longest() {
            return Err(Malformed { code: Code::TokenTooLong, offset: typ.longest() });
        }
        let mut reader = Reader::new(token);
        let (protected, mut frame) = Self::read_parts(&mut reader, token).map_err(as_frame)?;
        reader.finish()?;
        (frame.algorithm, frame.kid) = read_header(&mut Reader::within(token, protected), typ)?;
        Ok(frame)
    }

    fn read_parts(reader: &mut Reader<'a>, token: &'a [u8]) -> cbor::Result<(Span, Self)> {
        reader.tag(SIGN1)?;
        if reader.array()? != 4 {
            return reader.malformed(Code::MalformedFrame);
        }
        let (protected_item, protected) = byte_string(reader)?;
        if reader.map()?.remaining() != 0 {
            return reader.malformed(Code::UnprotectedHeader);
        }
        let (payload_item, payload) = byte_string(reader)?;
        let at = reader.offset();
        let Ok(signature) = reader.bytes()?.try_into() else {
            return Err(Malformed { code: Code::MalformedFrame, offset: at });
        };
        let signed = [protected_item.of(token), payload_item.of(token)];
        let kid = Kid::new(&[0]).map_err(|code| Malformed { code, offset: at })?;
        Ok((protected, Self { algorithm: 0, kid, payload, signature, signed }))
    }

    /// The bytes that are signed, `Sig_structure`, in parts, so that nothing is copied.
    pub fn to_be_signed(&self) -> [&'a [u8]; 4] {
        let [protected, payload] = self.signed;
        [CONTEXT, protected, EXTERNAL_AAD, payload]
    }
}

/// The span of a byte string with its head, and of its content.
fn byte_string(reader: &mut Reader<'_>) -> cbor::Result<(Span, Span)> {
    let start = reader.offset();
    let length = reader.bytes()?.len();
    let item = reader.span_from(start);
    Ok((item, reader.span_from(reader.offset().saturating_sub(length))))
}

/// A wrong type outside header and payload means that this is no COSE_Sign1 at all.
fn as_frame(refusal: Malformed) -> Malformed {
    match refusal.code {
        Code::WrongType | Code::ForbiddenItem => Malformed { code: Code::MalformedFrame, ..refusal },
        _ => refusal,
    }
}

/// Reads the protected header: `{1: alg, ?2: crit, 4: kid, 16: typ, * unknown}`.
fn read_header(reader: &mut Reader<'_>, typ: Typ) -> cbor::Result<(i64, Kid)> {
    let (mut algorithm, mut kid, mut found) = (None, None, None);
    let mut map = reader.map()?;
    while let Some(key) = map.next_key(reader)? {
        let at = reader.offset();
        match key {
            MapKey::Int(label::ALG) => algorithm = Some(reader.int()?),
            MapKey::Int(label::CRIT) => read_critical(reader)?,
            MapKey::Int(label::KID) => {
                let bytes = reader.bytes()?;
                kid = Some(Kid::new(bytes).map_err(|_| Malformed { code: Code::InvalidValue, offset: at })?);
            }
            MapKey::Int(label::TYP) => found = Some((reader.text()?, at)),
            _ => reader.skip()?,
        }
    }
    let (Some(algorithm), Some(kid), Some((found, offset))) = (algorithm, kid, found) else {
        return reader.malformed(Code::MissingField);
    };
    reader.finish()?;
    if found == typ.media_type() {
        Ok((algorithm, kid))
    } else {
        Err(Malformed { code: Code::WrongTyp, offset })
    }
}

/// Reads `crit` (RFC 9052, section 3.1): every label in it must be one that is always processed here.
fn read_critical(reader: &mut Reader<'_>) -> cbor::Result<()> {
    for _ in 0..reader.array_within(1, limits::DEPTH)? {
        let at = reader.offset();
        let unknown = Malformed { code: Code::UnknownCritical, offset: at };
        if !reader.at_int() {
            reader.text()?;
            return Err(unknown);
        }
        match reader.int() {
            Ok(label::ALG | label::KID | label::TYP) => {}
            // A label beyond 2^53 is a label too; what is not well-formed is told as that.
            Ok(_) | Err(Malformed { code: Code::InvalidValue, .. }) => return Err(unknown),
            Err(malformed) => return Err(malformed),
        }
    }
    Ok(())
}
