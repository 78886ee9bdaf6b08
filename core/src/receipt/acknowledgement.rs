//! Acknowledgements: the vendor says which receipt of an instance is the newest one that arrived.
//!
//! A COSE_Sign1 by a vendor's key, with its own `typ`, whose payload is
//! `{0: schema = 1, 1: instance bstr .size 32, 2: sequence uint, 3: digest bstr .size 32, 4: issued_at uint}`.
//!
//! An instance that keeps the last one cannot be set back behind it without being seen: what it goes on with
//! then is no longer what the vendor has.

use super::receipt::{Instance, ReceiptLink, read_sequence};
use crate::{
    cbor::{self, Malformed, MapKey, Reader, Span},
    code::Code,
    cose::{Frame, Typ},
    key::key::{Key, KeyPurpose, KeyStatus},
    key::keyring::Keyring,
    time::timestamp::Timestamp,
};

const SCHEMA: u64 = 1;

/// An acknowledgement whose signature was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The instance.
    pub instance: Instance,
    /// The receipt.
    pub receipt: ReceiptLink,
    /// When it was given.
    pub issued_at: Timestamp,
}

impl Acknowledgement {
    /// Verifies an acknowledgement with the vendor's keys and reads it.
    ///
    /// # Errors
    /// [`Code::ReceiptMalformed`], [`Code::UnknownKey`], [`Code::AmbiguousKey`], or [`Code::ReceiptForged`] if the signature does
    /// not fit.
    pub fn read(bytes: &[u8], keys: &[Key]) -> Result<Self, Code> {
        let malformed = |_: Malformed| Code::ReceiptMalformed;
        let frame = Frame::read(bytes, Typ::Acknowledgement).map_err(malformed)?;
        let key = Keyring::new(keys).find(&frame.kid, KeyPurpose::License)?;
        if key.status() == KeyStatus::Revoked {
            return Err(Code::UnknownKey);
        }
        if key.algorithm().id() != frame.algorithm || !key.verifies(&frame) {
            return Err(Code::ReceiptForged);
        }
        Self::read_payload(bytes, frame.payload).map_err(malformed)
    }

    fn read_payload(bytes: &[u8], payload: Span) -> cbor::Result<Self> {
        let mut reader = Reader::within(bytes, payload);
        let (mut schema, mut instance, mut sequence) = (false, None, None);
        let (mut digest, mut issued_at) = (None, None);
        let mut map = reader.map()?;
        while let Some(key) = map.next_key(&mut reader)? {
            let offset = reader.offset();
            match key {
                MapKey::Int(0) if reader.uint()? == SCHEMA => schema = true,
                MapKey::Int(0) => return Err(Malformed { code: Code::UnsupportedSchema, offset }),
                MapKey::Int(1) => instance = Some(*reader.array_of()?),
                MapKey::Int(2) => sequence = Some(read_sequence(&mut reader)?),
                MapKey::Int(3) => digest = Some(*reader.array_of()?),
                MapKey::Int(4) => issued_at = Some(reader.timestamp()?),
                MapKey::Int(..0) => return Err(Malformed { code: Code::UnknownCriticalField, offset }),
                _ => reader.skip()?,
            }
        }
        reader.finish()?;
        match (schema, instance, sequence, digest, issued_at) {
            (true, Some(instance), Some(sequence), Some(digest), Some(issued_at)) => {
                Ok(Self { instance, receipt: ReceiptLink { sequence, digest }, issued_at })
            }
            _ => reader.malformed(Code::MissingField),
        }
    }
}
