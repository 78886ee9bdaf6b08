//! Receipts: what an instance has counted, signed with the instance's own key.
//!
//! A COSE_Sign1 with its own `typ` and the instance's identifier as `kid`, whose payload is
//! `{0: schema = 2, 1: instance's public key bstr .size 32, 2: sequence uint, 3: previous bstr .size 32,
//!   4: issued_at uint, 5: [* ReceiptEntry], ?6: [sequence uint, digest bstr .size 32], 7: since uint}` with
//! `ReceiptEntry = [issuer tstr, lineage bstr .size 16, meter tstr, start uint, end uint / null, count uint,
//! refunded uint]`, ascending. The identifier is the SHA-256 thumbprint of the public key (RFC 9679).
//!
//! Schema 1 has neither `since` nor an entry's issuer and refunds. It is read and no longer written.
//!
//! A count is everything that the instance has counted in the window, not what was new since the receipt before; it
//! never falls, and what was refunded is counted beside it. A receipt repeats the entries of all receipts after
//! `since`, so that losing one of those loses nothing. Each receipt holds the digest of the one before it, so that none
//! can be left out, inserted or exchanged unnoticed.

use crate::{
    cbor::{self, Malformed, MapKey, Reader, Span},
    code::Code,
    cose::{Algorithm, Frame, Typ},
    crypto::ed25519::PublicKey,
    id::Lineage,
    license::name,
    limits,
    proof::thumbprint,
    time::{period::Window, timestamp::Timestamp},
};

const SCHEMA: u64 = 2;
/// Its entries have no issuer and no refunds.
const FIRST_SCHEMA: u64 = 1;

/// Identifier of an instance: the SHA-256 thumbprint of its public key (RFC 9679).
pub type Instance = [u8; 32];
/// SHA-256 of a receipt's bytes. The first receipt names zeros as the one before it.
pub type Digest = [u8; 32];

/// A receipt whose signature was verified, read in place.
#[derive(Clone, Copy, Debug)]
pub struct Receipt<'a> {
    bytes: &'a [u8],
    instance: Instance,
    sequence: u64,
    previous: &'a Digest,
    issued_at: Timestamp,
    schema: u64,
    since: u64,
    entries: Span,
    acknowledged: Option<ReceiptLink>,
}

/// Names a receipt of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptLink {
    /// Its sequence number, from 1.
    pub sequence: u64,
    /// Its digest.
    pub digest: Digest,
}

/// What an instance has counted of one meter of one licence in one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptEntry<'a> {
    /// The licence's issuer; empty if it was counted by a version that did not record it.
    pub issuer: &'a str,
    /// The licence, through its renewals and upgrades.
    pub lineage: Lineage,
    /// The meter.
    pub meter: &'a str,
    /// The window.
    pub window: Window,
    /// Everything that was counted so far.
    pub count: u64,
    /// Everything that was refunded so far. It may be more than `count`: another instance may have counted it.
    pub refunded: u64,
}

impl<'a> ReceiptEntry<'a> {
    /// Reads `[issuer, lineage, meter, start, end / null, count, refunded]`; without issuer and refunds in schema 1.
    fn read(reader: &mut Reader<'a>, schema: u64) -> cbor::Result<Self> {
        let first = schema == FIRST_SCHEMA;
        let length = if first { 5 } else { 7 };
        reader.array_within(length, length)?;
        let offset = reader.offset();
        let issuer = if first { "" } else { reader.text()? };
        if issuer.len() > limits::TEXT_BYTES {
            return Err(Malformed { code: Code::InvalidValue, offset });
        }
        let (lineage, meter) = (Lineage::from(*reader.array_of::<16>()?), name::read(reader)?);
        let start = read_bound(reader)?;
        let offset = reader.offset();
        let end = if reader.at_int() { Some(read_bound(reader)?) } else { reader.null()? };
        if end.is_some_and(|end| end <= start) {
            return Err(Malformed { code: Code::InvalidValue, offset });
        }
        let count = reader.uint_to(limits::INTEGER)?;
        let refunded = if first { 0 } else { reader.uint_to(limits::INTEGER)? };
        Ok(Self { issuer, lineage, meter, window: Window { start, end }, count, refunded })
    }

    /// What entries are ordered by, and what no two of them share.
    pub fn order(&self) -> (&'a str, Lineage, &'a str, Timestamp, Option<Timestamp>) {
        (self.issuer, self.lineage, self.meter, self.window.start, self.window.end)
    }
}

impl<'a> Receipt<'a> {
    /// Verifies a receipt with the key that is in it, and reads it wholly.
    ///
    /// That the signature fits says that the instance of this identifier signed it, and not whose instance
    /// it is: hold [`Receipt::instance`] against those that you know.
    ///
    /// # Errors
    /// [`Code::ReceiptMalformed`], or [`Code::ReceiptForged`] if the signature does not fit.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Code> {
        let malformed = |_: Malformed| Code::ReceiptMalformed;
        let frame = Frame::read(bytes, Typ::Receipt).map_err(malformed)?;
        let (receipt, public) = Self::read_payload(bytes, frame.payload).map_err(malformed)?;
        if frame.kid.as_bytes() != receipt.instance || frame.algorithm != Algorithm::Ed25519.id() {
            return Err(Code::ReceiptForged);
        }
        let key = PublicKey::from_bytes(public).map_err(|_| Code::ReceiptForged)?;
        if key.verify(&frame.to_be_signed(), frame.signature) {
            Ok(receipt)
        } else {
            Err(Code::ReceiptForged)
        }
    }

    fn read_payload(bytes: &'a [u8], payload: Span) -> cbor::Result<(Self, &'a [u8; 32])> {
        let mut reader = Reader::within(bytes, payload).with_items(limits::RECEIPT_ITEMS);
        let (mut public, mut sequence, mut previous, mut issued_at) = (None, None, None, None);
        let (mut schema, mut entries, mut acknowledged, mut since) = (0, None, None, None);
        let mut map = reader.map()?;
        while let Some(key) = map.next_key(&mut reader)? {
            let offset = reader.offset();
            match key {
                // Keys ascend, so that the schema comes first.
                MapKey::Int(0) => {
                    schema = reader.uint()?;
                    if !(FIRST_SCHEMA..=SCHEMA).contains(&schema) {
                        return Err(Malformed { code: Code::UnsupportedSchema, offset });
                    }
                }
                MapKey::Int(1) => public = Some(reader.array_of()?),
                MapKey::Int(2) => sequence = Some(read_sequence(&mut reader)?),
                MapKey::Int(3) => previous = Some(reader.array_of()?),
                MapKey::Int(4) => issued_at = Some(reader.timestamp()?),
                MapKey::Int(5) => entries = Some(read_entries(&mut reader, schema)?),
                MapKey::Int(6) => acknowledged = Some(ReceiptLink::read(&mut reader)?),
                MapKey::Int(7) if schema != FIRST_SCHEMA => since = Some(reader.uint_to(limits::INTEGER)?),
                MapKey::Int(..0) => return Err(Malformed { code: Code::UnknownCriticalField, offset }),
                _ => reader.skip()?,
            }
        }
        reader.finish()?;
        let (Some(public), Some(sequence), Some(previous), Some(issued_at), Some(entries)) =
            (public, sequence, previous, issued_at, entries)
        else {
            return reader.malformed(Code::MissingField);
        };
        // One of the first schema repeats all since the one that was acknowledged.
        let since = match schema {
            0 => None,
            FIRST_SCHEMA => Some(acknowledged.map_or(0, |link: ReceiptLink| link.sequence)),
            _ => since,
        };
        let Some(since) = since else { return reader.malformed(Code::MissingField) };
        // The first one follows nothing, and nothing that comes later can be acknowledged already.
        let first = sequence == 1;
        let late = since >= sequence || acknowledged.is_some_and(|link| link.sequence >= sequence);
        if first != (*previous == Digest::default()) || late {
            return reader.malformed(Code::InvalidValue);
        }
        let instance = thumbprint(public);
        Ok((
            Self { bytes, instance, sequence, previous, issued_at, schema, since, entries, acknowledged },
            public,
        ))
    }

    /// The instance that signed it.
    pub fn instance(&self) -> Instance {
        self.instance
    }

    /// Its number in the order of the instance's receipts, from 1.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Digest of the receipt before it; zeros for the first one.
    pub fn previous(&self) -> &'a Digest {
        self.previous
    }

    /// When it was issued by the instance's clock.
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// The newest receipt that the instance knows to be acknowledged by the vendor.
    pub fn acknowledged(&self) -> Option<ReceiptLink> {
        self.acknowledged
    }

    /// It repeats the entries of all receipts after this number.
    pub fn since(&self) -> u64 {
        self.since
    }

    /// The signed bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Its number and digest.
    pub fn link(&self) -> ReceiptLink {
        ReceiptLink { sequence: self.sequence, digest: hmac_sha256::Hash::hash(self.bytes) }
    }

    /// What was counted, in ascending order.
    pub fn entries(&self) -> impl Iterator<Item = ReceiptEntry<'a>> + use<'a> {
        let mut reader = Reader::within(self.bytes, self.entries).with_items(limits::RECEIPT_ITEMS);
        let mut left = reader.array().unwrap_or_default();
        let schema = self.schema;
        core::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            ReceiptEntry::read(&mut reader, schema).ok()
        })
    }
}

impl ReceiptLink {
    /// Reads `[sequence uint, digest bstr .size 32]`.
    fn read(reader: &mut Reader<'_>) -> cbor::Result<Self> {
        reader.array_within(2, 2)?;
        Ok(Self { sequence: read_sequence(reader)?, digest: *reader.array_of()? })
    }
}

/// Reads a sequence number, which is at least 1.
pub(crate) fn read_sequence(reader: &mut Reader<'_>) -> cbor::Result<u64> {
    reader.uint_within(1, limits::INTEGER)
}

/// Reads the first second of a window, or the first one after it.
fn read_bound(reader: &mut Reader<'_>) -> cbor::Result<Timestamp> {
    reader.uint_to(limits::INTEGER).map(Timestamp::from_seconds)
}

/// Skips the entries, which must ascend, and returns their span.
fn read_entries(reader: &mut Reader<'_>, schema: u64) -> cbor::Result<Span> {
    let start = reader.offset();
    let mut last: Option<ReceiptEntry<'_>> = None;
    for _ in 0..reader.array_within(0, limits::RECEIPT_ENTRIES)? {
        let offset = reader.offset();
        let entry = ReceiptEntry::read(reader, schema)?;
        if last.is_some_and(|last| last.order() >= entry.order()) {
            return Err(Malformed { code: Code::UnsortedKeys, offset });
        }
        last = Some(entry);
    }
    Ok(reader.span_from(start))
}

/// A receipt before it is signed.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug)]
pub struct UnsignedReceipt<'a> {
    /// The instance's public key.
    pub key: &'a [u8; 32],
    /// Its number, from 1.
    pub sequence: u64,
    /// Digest of the receipt before it; zeros for the first one.
    pub previous: &'a Digest,
    /// When it is issued.
    pub issued_at: Timestamp,
    /// What was counted, ascending by [`ReceiptEntry::order`], at most [`limits::RECEIPT_ENTRIES`].
    pub entries: &'a [ReceiptEntry<'a>],
    /// The newest receipt that the vendor has acknowledged.
    pub acknowledged: Option<ReceiptLink>,
    /// The number of the receipt after which all entries are repeated in this one; below its own.
    pub since: u64,
}

#[cfg(feature = "alloc")]
impl UnsignedReceipt<'_> {
    /// Signs the receipt. `sign` gets the bytes to be signed in parts, as [`Frame::to_be_signed`] returns them,
    /// and returns the Ed25519 signature of their concatenation.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] for content that no reader takes.
    pub fn seal(&self, sign: impl FnOnce(&[&[u8]; 4]) -> [u8; 64]) -> Result<alloc::vec::Vec<u8>, Code> {
        use crate::cbor::write::Writer;

        let mut header = Writer::new([0_u8; 128]);
        header.map(3).int(1).int(Algorithm::Ed25519.id()).int(4).bytes(&thumbprint(self.key));
        header.int(16).text(Typ::Receipt.media_type());

        let mut payload = Writer::new(alloc::vec![0_u8; limits::RECEIPT_BYTES]);
        payload.map(if self.acknowledged.is_some() { 8 } else { 7 });
        payload.int(0).uint(SCHEMA).int(1).bytes(self.key).int(2).uint(self.sequence);
        payload.int(3).bytes(self.previous).int(4).uint(self.issued_at.as_seconds());
        payload.int(5).array(self.entries.len() as u64);
        for ReceiptEntry { issuer, lineage, meter, window, count, refunded } in self.entries {
            payload.array(7).text(issuer).bytes(lineage.as_bytes()).text(meter);
            payload.uint(window.start.as_seconds());
            match window.end {
                Some(end) => payload.uint(end.as_seconds()),
                None => payload.null(),
            };
            payload.uint(*count).uint(*refunded);
        }
        if let Some(ReceiptLink { sequence, digest }) = &self.acknowledged {
            payload.int(6).array(2).uint(*sequence).bytes(digest);
        }
        payload.int(7).uint(self.since);

        // Once with the signature left blank, to have the parts that are signed, and once with it.
        let mut space = alloc::vec![0_u8; payload.written().len().saturating_add(256)];
        let mut unsigned = Writer::new(&mut space[..]);
        unsigned.sign1(header.written(), payload.written(), &[0; 64]);
        let length = unsigned.written().len();
        space.truncate(length);
        let refused = |_| Code::InvalidArgument;
        let frame = Frame::read(&space, Typ::Receipt).map_err(refused)?;
        Receipt::read_payload(&space, frame.payload).map_err(refused)?;
        let signature = sign(&frame.to_be_signed());
        // The signature is the last thing in the frame.
        let rest = length.saturating_sub(signature.len());
        space.truncate(rest);
        space.extend_from_slice(&signature);
        Ok(space)
    }
}
