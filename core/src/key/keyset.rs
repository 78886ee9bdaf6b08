//! Keysets: the keys that licences may be signed with, themselves signed by a pinned root key.
//!
//! A COSE_Sign1 with its own `typ`, whose payload is
//! `{0: schema = 1 / 2, 1: sequence uint, 2: issued_at uint, 3: expires uint, 4: [+ Entry]}` with
//! `Entry = {0: COSE_Key, ?1: not_before uint, ?2: not_after uint, ?3: state, ?4: Scope, ?5: purpose}`.
//!
//! In both schemas no key and no identifier is there twice. Schema 2 adds bounds to scopes, and each identifier is the
//! start of its key's thumbprint, so that nobody chooses it.
//!
//! A newer sequence replaces an older one and an older one is refused, so
//! that an attacker cannot bring back a key that was revoked.

use crate::{
    cbor::{self, Malformed, MapKey, Reader, Span},
    code::Code,
    cose::{Frame, Typ},
    key::cose_key::CoseKey,
    key::key::{Key, KeyPurpose, KeyStatus, Validity},
    key::kid::Kid,
    key::scope::Scope,
    limits,
    proof::thumbprint,
    time::timestamp::Timestamp,
};

/// The schemas that are read.
const SCHEMAS: core::ops::RangeInclusive<u64> = 1..=2;
/// Longest keyset of schema 1, in bytes, and most data items in it: what every version reads.
const FIRST_BYTES: usize = 16_384;
const FIRST_ITEMS: u16 = limits::ITEMS;
/// Shortest identifier of a key in schema 2, in bytes.
const KID_BYTES: usize = 4;

/// A keyset whose signature was verified.
#[derive(Clone, Debug)]
pub struct Keyset<'a> {
    bytes: &'a [u8],
    schema: u64,
    sequence: u64,
    issued_at: Timestamp,
    expires: Timestamp,
    entries: Span,
    /// SHA-256 thumbprint of the root key.
    root: [u8; 32],
}

/// The newest keyset that was accepted before, to tell a rollback. Persist it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeysetMark {
    /// SHA-256 thumbprint of the root key that signed it (RFC 9679). Numbers count for one root: a thief of an old one
    /// cannot lock out the next.
    pub root: [u8; 32],
    /// Its sequence number.
    pub sequence: u64,
    /// SHA-256 of its bytes.
    pub digest: [u8; 32],
}

impl<'a> Keyset<'a> {
    /// Verifies a keyset with the pinned root key and reads it wholly.
    ///
    /// # Errors
    /// A code of group 1xx or 2xx, in particular [`Code::AmbiguousKey`] if a key or an identifier is in it twice; or 8xx
    /// for a key in it that is weak, malformed, or has an identifier that its schema does not allow.
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
        let keyset = Self {
            root: thumbprint(root.public().as_bytes()),
            ..Self::read_payload(bytes, frame.payload).map_err(|malformed| malformed.code)?
        };
        keyset.check_keys(root)?;
        Ok(keyset)
    }

    /// Reports a key that cannot be loaded now, and not when a licence names it. It is not inlined, so that its stack
    /// frame is gone while the signature is checked.
    #[inline(never)]
    fn check_keys(&self, root: &Key) -> Result<(), Code> {
        let mut known: [Option<Name<'_>>; limits::KEYSET_KEYS] = [None; limits::KEYSET_KEYS];
        for (at, (key, name)) in self.keys().zip(self.names()).enumerate() {
            let key = key?;
            let (earlier, rest) = known.split_at_mut_checked(at).ok_or(Code::InvalidValue)?;
            let same = |other: &Name<'_>| name.is_some_and(|(kid, x)| other.0 == kid || other.1 == x);
            if earlier.iter().flatten().any(same) {
                return Err(Code::AmbiguousKey);
            }
            if self.schema >= 2 {
                check_second(root, &key)?;
            }
            if let Some(slot) = rest.first_mut() {
                *slot = name;
            }
        }
        Ok(())
    }

    /// The key with an identifier, of which there is one at most. Only that one is decoded.
    pub fn key(&self, kid: &Kid) -> Option<Key> {
        let mut reader = Self::reader(self.bytes, self.entries, self.schema);
        for _ in 0..reader.array().ok()? {
            let mut ahead = reader.clone();
            let name = read_name(&mut ahead).ok()?;
            if name.is_some_and(|(named, _)| named == kid.as_bytes()) {
                return read_entry(&mut reader, self.schema).ok();
            }
            reader = ahead;
        }
        None
    }

    /// Identifiers and public keys, where they lie.
    fn names(&self) -> impl Iterator<Item = Option<Name<'a>>> + use<'a> {
        let mut reader = Self::reader(self.bytes, self.entries, self.schema);
        let left = reader.array().unwrap_or_default();
        (0..left).map(move |_| read_name(&mut reader).ok().flatten())
    }

    /// The reader of the payload, or of a part of it, with the bound on data items of the schema.
    fn reader(bytes: &'a [u8], part: Span, schema: u64) -> Reader<'a> {
        Reader::within(bytes, part).with_items(if schema == 1 { FIRST_ITEMS } else { limits::KEYSET_ITEMS })
    }

    /// Reads the schema, which has the first of all keys.
    fn read_schema(bytes: &'a [u8], payload: Span) -> cbor::Result<u64> {
        let mut reader = Reader::within(bytes, payload);
        let mut map = reader.map()?;
        let Some(MapKey::Int(0)) = map.next_key(&mut reader)? else { return Ok(1) };
        let offset = reader.offset();
        match reader.uint()? {
            1 if bytes.len() > FIRST_BYTES => {
                Err(Malformed { code: Code::TokenTooLong, offset: FIRST_BYTES })
            }
            schema if SCHEMAS.contains(&schema) => Ok(schema),
            _ => Err(Malformed { code: Code::UnsupportedSchema, offset }),
        }
    }

    fn read_payload(bytes: &'a [u8], payload: Span) -> cbor::Result<Self> {
        let number = Self::read_schema(bytes, payload)?;
        let mut reader = Self::reader(bytes, payload, number);
        let (mut sequence, mut issued_at, mut expires, mut entries) = (None, None, None, None);
        let mut schema = false;
        let mut map = reader.map()?;
        while let Some(key) = map.next_key(&mut reader)? {
            let start = reader.offset();
            match key {
                MapKey::Int(0) => schema = SCHEMAS.contains(&reader.uint()?),
                MapKey::Int(1) => sequence = Some(reader.uint_to(limits::INTEGER)?),
                MapKey::Int(2) => issued_at = Some(reader.timestamp()?),
                MapKey::Int(3) => expires = Some(reader.timestamp()?),
                MapKey::Int(4) => {
                    for _ in 0..reader.array_within(1, limits::KEYSET_KEYS)? {
                        read_entry(&mut reader, number)?;
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
        Ok(Self { bytes, schema: number, sequence, issued_at, expires, entries, root: [0; 32] })
    }

    /// Its keys, in their order.
    pub fn keys(&self) -> impl Iterator<Item = Result<Key, Code>> + use<'a> {
        let schema = self.schema;
        let mut reader = Self::reader(self.bytes, self.entries, schema);
        let mut left = reader.array().unwrap_or_default();
        core::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let key = read_entry(&mut reader, schema).map_err(|malformed| malformed.code);
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

    /// The schema that it is written in: 1 or 2.
    pub fn schema(&self) -> u64 {
        self.schema
    }

    /// Its number in the order of keysets.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// When it was issued.
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// When it expires. It bounds how long an attacker can withhold a newer one.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// What to persist once this keyset is in use.
    pub fn mark(&self) -> KeysetMark {
        KeysetMark { root: self.root, sequence: self.sequence, digest: digest(self.bytes) }
    }

    /// Whether this keyset may replace the last one, whose mark is given: `false` if it is the same one. What another
    /// root signed binds no more.
    ///
    /// # Errors
    /// [`Code::KeysetRollback`] for an older one, [`Code::KeysetEquivocation`] for another one of the same number.
    pub fn replaces(&self, mark: Option<&KeysetMark>) -> Result<bool, Code> {
        match mark.filter(|mark| mark.root == self.root) {
            Some(mark) if self.sequence < mark.sequence => Err(Code::KeysetRollback),
            Some(mark) if self.sequence == mark.sequence && self.mark() != *mark => {
                Err(Code::KeysetEquivocation)
            }
            Some(mark) => Ok(self.sequence > mark.sequence),
            None => Ok(true),
        }
    }
}

/// What schema 2 requires of a key beyond schema 1.
fn check_second(root: &Key, key: &Key) -> Result<(), Code> {
    let (kid, (not_before, not_after)) = (key.kid().as_bytes(), key.window());
    let named = kid.len() >= KID_BYTES && thumbprint(key.public().as_bytes()).starts_with(kid);
    if !named || key.public() == root.public() {
        Err(Code::InvalidKey)
    } else if not_before > not_after {
        Err(Code::InvalidValue)
    } else {
        Ok(())
    }
}

/// SHA-256 of a signed object's bytes.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    hmac_sha256::Hash::hash(bytes)
}

/// The identifier and the public key of an entry.
type Name<'a> = (&'a [u8], &'a [u8; 32]);

/// Reads no more of an entry than its identifier and public key.
fn read_name<'a>(reader: &mut Reader<'a>) -> cbor::Result<Option<Name<'a>>> {
    let mut name = None;
    let mut map = reader.map()?;
    while let Some(label) = map.next_key(reader)? {
        match label {
            MapKey::Int(0) => {
                let key = CoseKey::read(reader)?;
                name = key.kid.map(|kid| (kid, key.x));
            }
            _ => reader.skip()?,
        }
    }
    Ok(name)
}

/// Reads an entry and loads its key.
fn read_entry(reader: &mut Reader<'_>, schema: u64) -> cbor::Result<Key> {
    let (mut key, mut validity) = (None, Validity::default());
    let mut map = reader.map()?;
    while let Some(label) = map.next_key(reader)? {
        match label {
            MapKey::Int(0) => key = Some(Key::read(reader)?),
            MapKey::Int(1) => validity.not_before = reader.timestamp()?,
            MapKey::Int(2) => validity.not_after = reader.timestamp()?,
            MapKey::Int(3) => {
                let offset = reader.offset();
                validity.status = KeyStatus::from_number(reader.uint()?)
                    .ok_or(Malformed { code: Code::InvalidValue, offset })?;
            }
            MapKey::Int(4) => validity.scope = Scope::read(reader, schema)?,
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
