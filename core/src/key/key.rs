//! Issuer keys.
//!
//! A key is a byte-match look-up by `kid`, never a path or a query, and says
//! itself which algorithm it is for.

use core::fmt;

use super::{
    cose_key::{self, CoseKey},
    kid::Kid,
    scope::{KeyScope, Scope},
};
use crate::{
    cbor::{self, Malformed, Reader},
    code::Code,
    cose::{self, Algorithm},
    crypto::ed25519::PublicKey,
    text,
    time::timestamp::Timestamp,
};

/// Whether a key of a keyset is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum KeyStatus {
    /// It signs new licences.
    #[default]
    Active = 0,
    /// It signs no more; what it signed within its time stays good.
    Retired = 1,
    /// It is in the wrong hands: nothing that it signed is good any more.
    Revoked = 2,
}

impl KeyStatus {
    /// Its number in a keyset.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The status of a number.
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Active),
            1 => Some(Self::Retired),
            2 => Some(Self::Revoked),
            _ => None,
        }
    }
}

/// What a key of a keyset signs. No key signs both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum KeyPurpose {
    /// Licences.
    #[default]
    License = 0,
    /// Revocation bundles.
    Revocation = 1,
}

impl KeyPurpose {
    /// Its number in a keyset.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The purpose of a number.
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::License),
            1 => Some(Self::Revocation),
            _ => None,
        }
    }
}

/// When and for what a key may sign. The default permits every licence at any time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Validity {
    pub(crate) status: KeyStatus,
    pub(crate) purpose: KeyPurpose,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) scope: Scope,
}

impl Default for Validity {
    fn default() -> Self {
        Self {
            status: KeyStatus::Active,
            purpose: KeyPurpose::License,
            not_before: Timestamp::EPOCH,
            not_after: Timestamp::MAX,
            scope: Scope::default(),
        }
    }
}

/// A public key that licences may be signed with.
#[derive(Clone, Debug)]
pub struct Key {
    pub(super) kid: Kid,
    algorithm: Algorithm,
    public: PublicKey,
    pub(super) validity: Validity,
}

impl Key {
    /// An Ed25519 key from its identifier and its 32 bytes.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for a `kid` that is not 1 to 32 bytes, else as [`PublicKey::from_bytes`].
    pub fn ed25519(kid: &[u8], public: &[u8; 32]) -> Result<Self, Code> {
        Ok(Self::new(Kid::new(kid)?, PublicKey::from_bytes(public)?))
    }

    fn new(kid: Kid, public: PublicKey) -> Self {
        Self { kid, algorithm: Algorithm::Ed25519, public, validity: Validity::default() }
    }

    /// Reads the text form, `licpub1_` and the base64url of a COSE_Key.
    ///
    /// # Errors
    /// [`Code::InvalidKey`] or [`Code::WeakKey`].
    pub fn from_text(key: &str) -> Result<Self, Code> {
        let digits = key.strip_prefix(text::KEY_PREFIX).ok_or(Code::InvalidKey)?;
        let mut buffer = [0; cose_key::BYTES];
        Self::from_cose(text::decode(digits, &mut buffer).map_err(|_| Code::InvalidKey)?)
    }

    /// Reads a COSE_Key (RFC 9053, section 7.2): exactly
    /// `{1: 1 (OKP), 2: kid, 3: -19 (Ed25519), -1: 6 (Ed25519), -2: x}`.
    ///
    /// # Errors
    /// [`Code::InvalidKey`] or [`Code::WeakKey`].
    pub fn from_cose(cose_key: &[u8]) -> Result<Self, Code> {
        let mut reader = Reader::new(cose_key);
        let read = Self::read(&mut reader).and_then(|key| reader.finish().map(|()| key));
        read.map_err(|malformed| match malformed.code {
            Code::WeakKey => Code::WeakKey,
            _ => Code::InvalidKey,
        })
    }

    /// Reads a COSE_Key that names its `kid` and algorithm.
    pub(crate) fn read(reader: &mut Reader<'_>) -> cbor::Result<Self> {
        let offset = reader.offset();
        let CoseKey { kid: Some(kid), has_algorithm: true, x } = CoseKey::read(reader)? else {
            return reader.malformed(Code::MissingField);
        };
        let kid = Kid::new(kid).map_err(|_| Malformed { code: Code::InvalidValue, offset })?;
        let public = PublicKey::from_bytes(x).map_err(|code| Malformed { code, offset })?;
        Ok(Self::new(kid, public))
    }

    pub(crate) fn with_validity(self, validity: Validity) -> Self {
        Self { validity, ..self }
    }

    /// Writes the COSE_Key that [`Key::from_cose`] reads and returns its bytes.
    pub fn write_cose<'b>(&self, out: &'b mut [u8; cose_key::BYTES]) -> &'b [u8] {
        cose_key::write(&self.kid, self.public.as_bytes(), out)
    }

    /// The key's identifier.
    pub fn kid(&self) -> &Kid {
        &self.kid
    }

    /// The algorithm that the key is for.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key, for signing revocation bundles and no licences.
    #[must_use]
    pub fn for_revocation(mut self) -> Self {
        self.validity.purpose = KeyPurpose::Revocation;
        self
    }

    /// Whether it is in use.
    pub fn status(&self) -> KeyStatus {
        self.validity.status
    }

    /// What it signs.
    pub fn purpose(&self) -> KeyPurpose {
        self.validity.purpose
    }

    /// First and last `iat` of what it may sign.
    pub fn window(&self) -> (Timestamp, Timestamp) {
        (self.validity.not_before, self.validity.not_after)
    }

    /// What it may sign for. `keyset` is the bytes of the keyset that the key was read from.
    pub fn scope<'k>(&self, keyset: &'k [u8]) -> KeyScope<'k> {
        KeyScope::new(keyset, self.validity.scope)
    }

    #[cfg(feature = "prepared")]
    pub(crate) fn with_public(self, public: PublicKey) -> Self {
        Self { public, ..self }
    }

    /// The public key.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Whether the frame's signature is this key's.
    pub(crate) fn verifies(&self, frame: &cose::Frame<'_>) -> bool {
        match self.algorithm {
            Algorithm::Ed25519 => self.public.verify(&frame.to_be_signed(), frame.signature),
        }
    }
}

impl fmt::Display for Key {
    /// The text form that [`Key::from_text`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::Text::key(self.write_cose(&mut [0; cose_key::BYTES])).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    const PUBLIC: [u8; 32] = [
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e,
        0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
    ];

    #[test]
    fn text_form_round_trips_for_every_kid_length() {
        for length in 1..=32 {
            let key = Key::ed25519(&[7; 32][..length], &PUBLIC).unwrap();
            let again = Key::from_text(&key.to_string()).unwrap();
            assert_eq!((again.kid(), again.public()), (key.kid(), key.public()));
        }
        assert_eq!(Kid::new(&[]), Err(Code::InvalidArgument));
        assert_eq!(Kid::new(&[0; 33]), Err(Code::InvalidArgument));
    }

    #[test]
    fn weak_and_malformed_keys_are_refused_at_load() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(Key::ed25519(b"k", &identity).map(|_| ()), Err(Code::WeakKey));
        let mut off_curve = [0; 32];
        off_curve[0] = 2;
        assert_eq!(Key::ed25519(b"k", &off_curve).map(|_| ()), Err(Code::InvalidKey));

        let key = Key::ed25519(b"k", &PUBLIC).unwrap();
        let mut space = [0; cose_key::BYTES];
        let good = key.write_cose(&mut space).to_vec();
        for at in 0..good.len() {
            assert_eq!(Key::from_cose(&good[..at]).map(|_| ()), Err(Code::InvalidKey), "cut at {at}");
        }
        assert_eq!(Key::from_text("licpub1_").map(|_| ()), Err(Code::InvalidKey));
        assert_eq!(Key::from_text(&"licpub1_".repeat(99)).map(|_| ()), Err(Code::InvalidKey));
    }

    #[test]
    fn no_key_bytes_are_shown_by_debug() {
        let shown = std::format!("{:?}", Key::ed25519(b"k", &PUBLIC).unwrap());
        assert!(!shown.contains("215") && !shown.contains("d75a"), "{shown}");
    }
}
