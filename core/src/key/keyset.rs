//! Keysets: the keys that licences may be signed with, themselves signed by a pinned root key.
//!
//! A COSE_Sign1 with its own `typ`, whose payload is
//! `{0: schema = 1, 1: sequence uint, 2: issued_at uint, 3: expires uint, 4: [+ Entry]}` with
//! `Entry = {0: COSE_Key, ?1: not_before uint, ?2: not_after uint, ?3: state, ?4: Scope, ?5: purpose}`.
//!
//! A newer sequence replaces an older one and an older one is refused, so
//! that an attacker cannot bring back a key that was revoked.

use crate::{
    cbor::{self, Malformed, MapKey, Reader, Span},
    code::Code,
    cose::{Frame, Typ},
    key::key::{Key, KeyPurpose, KeyStatus, Validity},
    key::scope::Scope,
    limits,
};

const SCHEMA: u64 = 1;

/// A keyset whose signature was verified.
#[derive(Clone, Debug)]
pub struct Keyset<'a> {
    bytes: &'a [u8],
    sequence: u64,
    issued_at: u64,
    expires: u64,
    entries: Span,
}

/// The newest keyset that was accepted before, to tell a rollback. Persist it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeysetMark {
    /// Its sequence number.
    pub sequence: u64,
    /// SHA-256 of its bytes.
    pub digest: [u8; 32],
}

impl<'a> Keyset<'a> {
    /// Verifies a keyset with the pinned root key and reads it wholly.
    ///
    /// # Errors
    /// A code of group 1xx or 2xx, or 8xx for a key in it that is weak or malformed.
    pub fn read(bytes: &'a [u8], root: &Key) -> Result<Self, Code> {
        let frame = Frame::read(bytes, Typ::Keyset).map_err(|malformed| malformed.code)?;
        if frame.kid != *root.kid() {
            return Err(Code::UnknownKey);
        }
        if frame.algorithm != root.algorithm().id() {
            return Err(Code::AlgorithmMismatch);
        }
        if !root.verifies(&frame) {
            return Err(Code::BadSignature);
        }
        Self::read_payload(bytes, frame.payload).map_err(|malformed| malformed.code)
    }

    fn read_payload(bytes: &'a [u8], payload: Span) -> cbor::Result<Self> {
        let mut reader = Reader::within(bytes, payload);
        let (mut sequence, mut issued_at, mut expires, mut entries) = (None, None, None, None);
        let mut schema = false;
        let mut map = reader.map()?;
        while let Some(key) = map.next_key(&mut reader)? {
            let start = reader.offset();
            match key {
                MapKey::Int(0) if reader.uint()? == SCHEMA => schema = true,
                MapKey::Int(0) => return Err(Malformed { code: Code::UnsupportedSchema, offset: start }),
                MapKey::Int(1) => sequence = Some(reader.uint_to(limits::INTEGER)?),
                MapKey::Int(2) => issued_at = Some(reader.uint_to(limits::TIME)?),
                MapKey::Int(3) => expires = Some(reader.uint_to(limits::TIME)?),
                MapKey::Int(4) => {
                    for _ in 0..reader.array_within(1, limits::KEYSET_KEYS)? {
                        read_entry(&mut reader)?;
                    }
                    entries = Some(reader.span_from(start));
                }
                MapKey::Int(..0) => return reader.malformed(Code::UnknownCriticalField),
                _ => reader.skip()?,
            }
        }
        let (true, Some(sequence), Some(issued_at), Some(expires), Some(entries)) =
            (schema, sequence, issued_at, expires, entries)
        else {
            return reader.malformed(Code::MissingField);
        };
        reader.finish()?;
        Ok(Self { bytes, sequence, issued_at, expires, entries })
    }

    /// Its keys, in their order.
    pub fn keys(&self) -> impl Iterator<Item = Result<Key, Code>> + use<'a> {
        let mut reader = Reader::within(self.bytes, self.entries);
        let mut left = reader.array().unwrap_or_default();
        core::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let key = read_entry(&mut reader).map_err(|malformed| malformed.code);
            if key.is_err() {
                left = 0;
            }
            Some(key)
        })
    }

    /// The signed bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Its number in the order of keysets.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// When it was issued, in seconds since 1970.
    pub fn issued_at(&self) -> u64 {
        self.issued_at
    }

    /// When it expires, in seconds since 1970. It bounds how long an attacker can withhold a newer one.
    pub fn expires(&self) -> u64 {
        self.expires
    }

    /// What to persist once this keyset is in use.
    pub fn mark(&self) -> KeysetMark {
        KeysetMark { sequence: self.sequence, digest: digest(self.bytes) }
    }

    /// Whether this keyset may replace the last one, whose mark is given: `false` if it is the same one.
    ///
    /// # Errors
    /// [`Code::KeysetRollback`] for an older one, [`Code::KeysetEquivocation`] for another one of the same number.
    pub fn replaces(&self, mark: Option<&KeysetMark>) -> Result<bool, Code> {
        match mark {
            Some(mark) if self.sequence < mark.sequence => Err(Code::KeysetRollback),
            Some(mark) if self.sequence == mark.sequence && self.mark() != *mark => {
                Err(Code::KeysetEquivocation)
            }
            Some(mark) => Ok(self.sequence > mark.sequence),
            None => Ok(true),
        }
    }
}

/// SHA-256 of a signed object's bytes.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    hmac_sha256::Hash::hash(bytes)
}

/// Reads an entry and loads its key.
fn read_entry(reader: &mut Reader<'_>) -> cbor::Result<Key> {
    let (mut key, mut validity) = (None, Validity::default());
    let mut map = reader.map()?;
    while let Some(label) = map.next_key(reader)? {
        match label {
            MapKey::Int(0) => key = Some(Key::read(reader)?),
            MapKey::Int(1) => validity.not_before = reader.uint_to(limits::TIME)?,
            MapKey::Int(2) => validity.not_after = reader.uint_to(limits::TIME)?,
            MapKey::Int(3) => {
                let offset = reader.offset();
                validity.status = KeyStatus::from_number(reader.uint()?)
                    .ok_or(Malformed { code: Code::InvalidValue, offset })?;
            }
            MapKey::Int(4) => validity.scope = Scope::read(reader)?,
            MapKey::Int(5) => {
                let offset = reader.offset();
                validity.purpose = KeyPurpose::from_number(reader.uint()?)
                    .ok_or(Malformed { code: Code::InvalidValue, offset })?;
            }
            // A restriction that is not understood must not be ignored.
            _ => return reader.malformed(Code::UnknownCriticalField),
        }
    }
    match key {
        Some(key) => Ok(key.with_validity(validity)),
        None => reader.malformed(Code::MissingField),
    }
}
