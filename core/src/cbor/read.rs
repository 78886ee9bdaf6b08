//! The strict reader of deterministic CBOR (RFC 8949, section 4.2.1).
//!
//! It accepts only the one canonical encoding of a value: shortest
//! integers and lengths, definite lengths, map keys strictly ascending by
//! their encoded bytes (which forbids duplicates), no floats, no tags, no
//! simple values but `false`, `true` and `null`. It borrows from the input,
//! never recurses and never allocates.

use crate::{code::Code, limits, time::timestamp::Timestamp};

/// Most data items, unless more are allowed.
const ITEMS: u32 = limits::ITEMS as u32;

/// A reason to refuse the input, and the byte of the token where it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// One of the codes of group 1xx.
    pub code: Code,
    /// Offset from the start of the token, in bytes.
    pub offset: usize,
}

/// Result of reading.
pub(crate) type Result<T> = core::result::Result<T, Malformed>;

/// Range of bytes in a signed object, as two 32-bit offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The bytes from `start` up to `end`.
    #[cfg(feature = "alloc")]
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let short = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: short(start), end: short(end) }
    }

    /// The bytes of the span, or none if `bytes` is too short for it.
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// Major types (RFC 8949, section 3.1).
mod major {
    pub(super) const UNSIGNED: u8 = 0;
    pub(super) const NEGATIVE: u8 = 1;
    pub(super) const BYTES: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const ARRAY: u8 = 4;
    pub(super) const MAP: u8 = 5;
    pub(super) const TAG: u8 = 6;
    pub(super) const SIMPLE: u8 = 7;
}

const FALSE: u64 = 20;
const TRUE: u64 = 21;
const NULL: u64 = 22;

/// First byte and argument of a data item.
#[derive(Clone, Copy)]
struct Head {
    major: u8,
    argument: u64,
}

/// A cursor over one part of a token.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    items: u32,
}

/// A key of a map. Arrays and maps are refused as keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapKey<'a> {
    /// An integer. Values outside `i64` saturate; no known key is that large.
    Int(i64),
    /// A text string.
    Text(&'a str),
    /// A byte string.
    Bytes(&'a [u8]),
}

/// Progress through a map: how many entries are left, and the last key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Map<'a> {
    remaining: usize,
    last: &'a [u8],
}

/// An open array or map of a value that is being skipped.
#[derive(Clone, Copy)]
enum Level<'a> {
    Array(usize),
    Map(Map<'a>),
}

impl<'a> Reader<'a> {
    /// Reads all of `bytes`, which must begin at the start of the token, so that offsets mean something.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, items: ITEMS }
    }

    /// Reads one part of a token.
    pub fn within(token: &'a [u8], part: Span) -> Self {
        let bytes = token.get(..part.end as usize).unwrap_or_default();
        Self { bytes, at: part.start as usize, items: ITEMS }
    }

    /// Accepts up to this many data items instead of [`limits::ITEMS`].
    #[must_use]
    pub(crate) fn with_items(self, items: impl Into<u32>) -> Self {
        Self { items: items.into(), ..self }
    }

    /// Offset of the next byte.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// The span from `start` up to the next byte.
    pub fn span_from(&self, start: usize) -> Span {
        let short = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Span { start: short(start), end: short(self.at) }
    }

    /// A refusal at the next byte.
    pub fn malformed<T>(&self, code: Code) -> Result<T> {
        Err(Malformed { code, offset: self.at })
    }

    /// Refuses anything that is left.
    pub fn finish(&self) -> Result<()> {
        if self.at == self.bytes.len() { Ok(()) } else { self.malformed(Code::TrailingBytes) }
    }

    fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8]> {
        let taken = usize::try_from(count)
            .ok()
            .and_then(|count| self.at.checked_add(count))
            .and_then(|end| self.bytes.get(self.at..end));
        match taken {
            Some(taken) => {
                self.at = self.at.saturating_add(taken.len());
                Ok(taken)
            }
            None => self.malformed(Code::Truncated),
        }
    }

    fn head(&mut self) -> Result<Head> {
        let start = self.at;
        let refuse = |code| Err(Malformed { code, offset: start });
        let Some(items) = self.items.checked_sub(1) else {
            return refuse(Code::TooComplex);
        };
        let Some(initial) = self.bytes.get(self.at) else {
            return refuse(Code::Truncated);
        };
        (self.items, self.at) = (items, self.at.saturating_add(1));
        let (major, info) = (initial >> 5, initial & 0x1f);
        if major == major::SIMPLE && !(FALSE..=NULL).contains(&u64::from(info)) {
            return refuse(Code::ForbiddenItem);
        }
        let (length, least) = match info {
            0..=23 => return Ok(Head { major, argument: u64::from(info) }),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            31 => return refuse(Code::NotDeterministic),
            _ => return refuse(Code::ForbiddenItem),
        };
        let argument = self.take(length)?.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        if argument < least {
            return refuse(Code::NotDeterministic);
        }
        Ok(Head { major, argument })
    }

    /// Reads a head of the major type `wanted`.
    fn expect(&mut self, wanted: u8) -> Result<u64> {
        let start = self.at;
        let head = self.head()?;
        if head.major == wanted {
            return Ok(head.argument);
        }
        let code = if head.major == major::TAG { Code::ForbiddenItem } else { Code::WrongType };
        Err(Malformed { code, offset: start })
    }

    /// The major type of the next item, without reading it.
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).map(|initial| initial >> 5)
    }

    /// Whether the next item is an array.
    pub fn at_array(&self) -> bool {
        self.peek() == Some(major::ARRAY)
    }

    /// Whether the next item is a text string.
    pub fn at_text(&self) -> bool {
        self.peek() == Some(major::TEXT)
    }

    /// Whether the next item is an integer.
    pub fn at_int(&self) -> bool {
        matches!(self.peek(), Some(major::UNSIGNED | major::NEGATIVE))
    }

    /// Reads an unsigned integer.
    pub fn uint(&mut self) -> Result<u64> {
        self.expect(major::UNSIGNED)
    }

    /// Reads an unsigned integer of at most `most`.
    pub fn uint_to(&mut self, most: u64) -> Result<u64> {
        self.uint_within(0, most)
    }

    /// Reads a point in time, in seconds since 1970.
    pub fn timestamp(&mut self) -> Result<Timestamp> {
        self.uint_to(limits::TIME).map(Timestamp::from_seconds)
    }

    /// Reads an unsigned integer from `least` to `most`.
    pub fn uint_within(&mut self, least: u64, most: u64) -> Result<u64> {
        let start = self.at;
        match self.uint()? {
            value if (least..=most).contains(&value) => Ok(value),
            _ => Err(Malformed { code: Code::InvalidValue, offset: start }),
        }
    }

    /// Reads an integer whose magnitude is at most 2^53 - 1.
    pub fn int(&mut self) -> Result<i64> {
        let start = self.at;
        let head = self.head()?;
        let code = match (head.major, i64::try_from(head.argument)) {
            (major::UNSIGNED, Ok(value)) if head.argument <= limits::INTEGER => return Ok(value),
            (major::NEGATIVE, Ok(value)) if head.argument < limits::INTEGER => return Ok(!value),
            (major::UNSIGNED | major::NEGATIVE, _) => Code::InvalidValue,
            (major::TAG, _) => Code::ForbiddenItem,
            _ => Code::WrongType,
        };
        Err(Malformed { code, offset: start })
    }

    /// Reads a byte string.
    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = self.expect(major::BYTES)?;
        self.take(length)
    }

    /// Reads a byte string of exactly `N` bytes.
    pub fn array_of<const N: usize>(&mut self) -> Result<&'a [u8; N]> {
        let start = self.at;
        let bytes = self.bytes()?;
        bytes.try_into().map_err(|_| Malformed { code: Code::InvalidValue, offset: start })
    }

    /// Reads the head of an item that was checked before.
    fn checked_head(&mut self) -> Option<Head> {
        let initial = *self.bytes.get(self.at)?;
        self.at = self.at.saturating_add(1);
        let (major, info) = (initial >> 5, initial & 0x1f);
        let Some(long) = info.checked_sub(24) else {
            return Some(Head { major, argument: u64::from(info) });
        };
        let argument = self.take(1_u64.checked_shl(long.into())?).ok()?;
        Some(Head { major, argument: argument.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)) })
    }

    /// Reads the head of a map that was checked before, and returns its number of entries.
    pub(crate) fn checked_map(&mut self) -> Option<u64> {
        let Head { major, argument } = self.checked_head()?;
        (major == major::MAP).then_some(argument)
    }

    /// The bytes of a text string that was checked before.
    pub(crate) fn checked_text(&mut self) -> Option<&'a [u8]> {
        let Head { major, argument } = self.checked_head()?;
        (major == major::TEXT).then(|| self.take(argument).ok())?
    }

    /// Reads a text string.
    pub fn text(&mut self) -> Result<&'a str> {
        let length = self.expect(major::TEXT)?;
        let start = self.at;
        let bytes = self.take(length)?;
        core::str::from_utf8(bytes).map_err(|_| Malformed { code: Code::InvalidUtf8, offset: start })
    }

    /// Reads a text string of 1 to 256 bytes.
    pub fn short_text(&mut self) -> Result<&'a str> {
        let start = self.at;
        match self.text()? {
            text if (1..=limits::TEXT_BYTES).contains(&text.len()) => Ok(text),
            _ => Err(Malformed { code: Code::InvalidValue, offset: start }),
        }
    }

    /// Reads `true` and refuses any other value.
    pub fn only_true(&mut self) -> Result<()> {
        let start = self.at;
        match self.expect(major::SIMPLE)? {
            TRUE => Ok(()),
            _ => Err(Malformed { code: Code::InvalidValue, offset: start }),
        }
    }

    /// Reads `null` and refuses any other value.
    pub(crate) fn null<T>(&mut self) -> Result<Option<T>> {
        let start = self.at;
        match self.expect(major::SIMPLE)? {
            NULL => Ok(None),
            _ => Err(Malformed { code: Code::InvalidValue, offset: start }),
        }
    }

    /// Reads the head of an array and returns its length.
    pub fn array(&mut self) -> Result<usize> {
        let length = self.expect(major::ARRAY)?;
        self.count(length, 1)
    }

    /// Reads the head of an array whose length is from `least` to `most`.
    pub fn array_within(&mut self, least: usize, most: usize) -> Result<usize> {
        let start = self.at;
        match self.array()? {
            length if (least..=most).contains(&length) => Ok(length),
            _ => Err(Malformed { code: Code::InvalidValue, offset: start }),
        }
    }

    /// Reads the head of a map.
    pub fn map(&mut self) -> Result<Map<'a>> {
        let length = self.expect(major::MAP)?;
        Ok(Map { remaining: self.count(length, 2)?, last: &[] })
    }

    /// Reads the head of a map that has from 1 to `most` entries.
    pub fn map_within(&mut self, most: usize) -> Result<Map<'a>> {
        let start = self.at;
        match self.map()? {
            map if (1..=most).contains(&map.remaining) => Ok(map),
            _ => Err(Malformed { code: Code::InvalidValue, offset: start }),
        }
    }

    /// Reads exactly the tag `number` (RFC 8949, section 3.4).
    pub fn tag(&mut self, number: u64) -> Result<()> {
        let start = self.at;
        let head = self.head()?;
        if (head.major, head.argument) == (major::TAG, number) {
            Ok(())
        } else {
            Err(Malformed { code: Code::WrongType, offset: start })
        }
    }

    /// A count of items, each of which takes at least `size` bytes, that can still fit.
    fn count(&self, count: u64, size: usize) -> Result<usize> {
        match usize::try_from(count) {
            Ok(count) if count.saturating_mul(size) <= self.left() => Ok(count),
            _ => self.malformed(Code::Truncated),
        }
    }

    /// Skips one whole value that was checked before.
    pub(crate) fn pass(&mut self) -> Option<()> {
        let mut due = 1_u64;
        while let Some(fewer) = due.checked_sub(1) {
            let head = self.checked_head()?;
            due = match head.major {
                major::BYTES | major::TEXT => self.take(head.argument).ok().map(|_| fewer)?,
                major::ARRAY => fewer.saturating_add(head.argument),
                major::MAP => fewer.saturating_add(head.argument.saturating_mul(2)),
                _ => fewer,
            };
        }
        Some(())
    }

    /// Skips one whole value of any type, as strictly as if it were known.
    pub fn skip(&mut self) -> Result<()> {
        let mut levels = [Level::Array(0); limits::DEPTH];
        let mut depth = 0_usize;
        loop {
            if let Some(level) = self.skip_one()? {
                match levels.get_mut(depth) {
                    Some(slot) => *slot = level,
                    None => return self.malformed(Code::TooComplex),
                }
                depth = depth.saturating_add(1);
            }
            // Close what is complete; stop before the next value that is due.
            loop {
                let Some(top) = depth.checked_sub(1) else {
                    return Ok(());
                };
                let more = match levels.get_mut(top) {
                    Some(Level::Array(left)) => match left.checked_sub(1) {
                        Some(fewer) => {
                            *left = fewer;
                            true
                        }
                        None => false,
                    },
                    Some(Level::Map(map)) => map.next_key(self)?.is_some(),
                    None => false,
                };
                if more {
                    break;
                }
                depth = top;
            }
        }
    }

    /// Skips a scalar, or opens an array or map.
    fn skip_one(&mut self) -> Result<Option<Level<'a>>> {
        let start = self.at;
        let head = self.head()?;
        match head.major {
            major::UNSIGNED | major::NEGATIVE | major::SIMPLE => {}
            major::BYTES => {
                self.take(head.argument)?;
            }
            major::TEXT => {
                let at = self.at;
                if core::str::from_utf8(self.take(head.argument)?).is_err() {
                    return Err(Malformed { code: Code::InvalidUtf8, offset: at });
                }
            }
            major::ARRAY => return Ok(Some(Level::Array(self.count(head.argument, 1)?))),
            major::MAP => {
                let remaining = self.count(head.argument, 2)?;
                return Ok(Some(Level::Map(Map { remaining, last: &[] })));
            }
            _ => return Err(Malformed { code: Code::ForbiddenItem, offset: start }),
        }
        Ok(None)
    }
}

impl<'a> Map<'a> {
    /// Entries that have not been read.
    pub fn remaining(&self) -> usize {
        self.remaining
    }

    /// Reads the next key, or returns `None` at the map's end. The caller then reads the value.
    pub fn next_key(&mut self, reader: &mut Reader<'a>) -> Result<Option<MapKey<'a>>> {
        let Some(remaining) = self.remaining.checked_sub(1) else {
            return Ok(None);
        };
        self.remaining = remaining;
        let start = reader.at;
        let refuse = |code| Err(Malformed { code, offset: start });
        let head = reader.head()?;
        let key = match head.major {
            major::UNSIGNED => MapKey::Int(i64::try_from(head.argument).unwrap_or(i64::MAX)),
            major::NEGATIVE => {
                MapKey::Int(i64::try_from(head.argument).map_or(i64::MIN, |argument| !argument))
            }
            major::BYTES => MapKey::Bytes(reader.take(head.argument)?),
            major::TEXT => {
                let Ok(text) = core::str::from_utf8(reader.take(head.argument)?) else {
                    return refuse(Code::InvalidUtf8);
                };
                MapKey::Text(text)
            }
            major::TAG => return refuse(Code::ForbiddenItem),
            _ => return refuse(Code::WrongType),
        };
        let encoded = reader.bytes.get(start..reader.at).unwrap_or_default();
        // Most keys are of one byte.
        let order = match (self.last, encoded) {
            ([last], [key]) => last.cmp(key),
            (last, key) => last.cmp(key),
        };
        match order {
            core::cmp::Ordering::Less => self.last = encoded,
            core::cmp::Ordering::Equal => return refuse(Code::DuplicateKey),
            core::cmp::Ordering::Greater => return refuse(Code::UnsortedKeys),
        }
        Ok(Some(key))
    }

    /// Reads the next key of a map whose keys are all text.
    pub fn next_text(&mut self, reader: &mut Reader<'a>) -> Result<Option<&'a str>> {
        let start = reader.at;
        match self.next_key(reader)? {
            None => Ok(None),
            Some(MapKey::Text(text)) => Ok(Some(text)),
            Some(_) => Err(Malformed { code: Code::WrongType, offset: start }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip(bytes: &[u8]) -> core::result::Result<(), Code> {
        let mut reader = Reader::new(bytes);
        reader.skip().and_then(|()| reader.finish()).map_err(|e| e.code)
    }

    #[test]
    fn takes_only_the_shortest_heads() {
        for good in
            [&[0x17][..], &[0x18, 24], &[0x19, 1, 0], &[0x1a, 0, 1, 0, 0], &[0x1b, 0, 0, 0, 1, 0, 0, 0, 0]]
        {
            assert_eq!(skip(good), Ok(()), "{good:x?}");
        }
        for bad in [
            &[0x18, 23][..],
            &[0x19, 0, 255],
            &[0x1a, 0, 0, 255, 255],
            &[0x1b, 0, 0, 0, 0, 255, 255, 255, 255],
            &[0x9f, 0xff],
            &[0x5f, 0xff],
            &[0xbf, 0xff],
        ] {
            assert_eq!(skip(bad), Err(Code::NotDeterministic), "{bad:x?}");
        }
        for bad in [0x1c, 0x1d, 0x1e, 0xe0, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xff, 0xc1] {
            assert_eq!(skip(&[bad, 0, 0, 0, 0, 0, 0, 0, 0]), Err(Code::ForbiddenItem), "{bad:x}");
        }
    }

    #[test]
    fn what_was_checked_is_passed_as_it_is_skipped() {
        for value in [
            &[0x17][..],
            &[0xf5],
            &[0x39, 1, 0],
            &[0x43, 1, 2, 3],
            &[0x82, 0xf5, 0x1a, 1, 2, 3, 4],
            &[0xa2, 0x01, 0x81, 0x80, 0x02, 0xa1, 0x61, 0x61, 0x62, 0x62, 0x62],
        ] {
            let bytes = [value, &[0x07]].concat();
            let (mut passed, mut skipped) = (Reader::new(&bytes), Reader::new(&bytes));
            passed.pass().unwrap();
            skipped.skip().unwrap();
            assert_eq!((passed.offset(), skipped.offset()), (value.len(), value.len()));
        }
        assert!(Reader::new(&[0x82, 0]).pass().is_none());
    }

    #[test]
    fn map_keys_ascend_by_encoded_bytes() {
        assert_eq!(skip(&[0xa2, 0x01, 0x00, 0x20, 0x00]), Ok(()));
        assert_eq!(skip(&[0xa2, 0x20, 0x00, 0x01, 0x00]), Err(Code::UnsortedKeys));
        assert_eq!(skip(&[0xa2, 0x01, 0x00, 0x01, 0x00]), Err(Code::DuplicateKey));
        assert_eq!(skip(&[0xa1, 0x80, 0x00]), Err(Code::WrongType));
    }

    #[test]
    fn depth_items_and_lengths_are_bounded() {
        let nested = |depth: usize| {
            let mut bytes = std::vec![0x81; depth];
            bytes.push(0);
            bytes
        };
        assert_eq!(skip(&nested(limits::DEPTH)), Ok(()));
        assert_eq!(skip(&nested(limits::DEPTH + 1)), Err(Code::TooComplex));
        let mut many = std::vec![0x99, 0x04, 0x00];
        many.resize(3 + 1024, 0);
        assert_eq!(skip(&many), Err(Code::TooComplex));
        assert_eq!(skip(&[0x5b, 255, 255, 255, 255, 255, 255, 255, 255]), Err(Code::Truncated));
        assert_eq!(skip(&[0x9b, 255, 255, 255, 255, 255, 255, 255, 255]), Err(Code::Truncated));
        assert_eq!(skip(&[0xbb, 255, 255, 255, 255, 255, 255, 255, 255]), Err(Code::Truncated));
        assert_eq!(skip(&[0x62, 0xc3, 0x28]), Err(Code::InvalidUtf8));
        assert_eq!(skip(&[0x00, 0x00]), Err(Code::TrailingBytes));
        assert_eq!(skip(&[]), Err(Code::Truncated));
    }

    #[test]
    fn keys_beyond_an_i64_are_none_that_is_known() {
        for (first, argument, key) in
            [(0x1b, 1 << 63, i64::MAX), (0x3b, u64::MAX, i64::MIN), (0x3b, 1 << 32, -(1 << 32) - 1)]
        {
            let bytes = [&[first][..], &u64::to_be_bytes(argument)].concat();
            let found = Map { remaining: 1, last: &[] }.next_key(&mut Reader::new(&bytes));
            assert_eq!(found, Ok(Some(MapKey::Int(key))));
        }
    }

    #[test]
    fn integers_hold_what_every_language_holds() {
        let int = |bytes: &[u8]| Reader::new(bytes).int().map_err(|e| e.code);
        assert_eq!(int(&[0x1b, 0, 0x1f, 255, 255, 255, 255, 255, 255]), Ok((1 << 53) - 1));
        assert_eq!(int(&[0x1b, 0, 0x20, 0, 0, 0, 0, 0, 0]), Err(Code::InvalidValue));
        assert_eq!(int(&[0x3b, 0, 0x1f, 255, 255, 255, 255, 255, 254]), Ok(-((1 << 53) - 1)));
        assert_eq!(int(&[0x3b, 0, 0x1f, 255, 255, 255, 255, 255, 255]), Err(Code::InvalidValue));
        assert_eq!(int(&[0x3b, 255, 255, 255, 255, 255, 255, 255, 255]), Err(Code::InvalidValue));
        assert_eq!(int(&[0x20]), Ok(-1));
    }
}
