//! Records: whole numbers of fixed width, little-endian, and texts and bytes behind their length in 4 bytes.

use std::fmt::{Display, Write};

use licentia::Code;

/// Stands for a number that is absent.
pub const NONE: u64 = u64::MAX;

/// Reads a record. What does not fit is [`Code::InvalidArgument`].
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// At the beginning of a record.
    pub const fn new(record: &'a [u8]) -> Self {
        Self(record)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Code> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(Code::InvalidArgument)?;
        self.0 = rest;
        Ok(head)
    }

    /// An array of bytes.
    pub fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Code> {
        let (head, rest) = self.0.split_first_chunk().ok_or(Code::InvalidArgument)?;
        self.0 = rest;
        Ok(head)
    }

    /// A number of 1 byte.
    pub fn u8(&mut self) -> Result<u8, Code> {
        self.array().map(|[byte]| *byte)
    }

    /// A number of 2 bytes.
    pub fn u16(&mut self) -> Result<u16, Code> {
        self.array().map(|bytes| u16::from_le_bytes(*bytes))
    }

    /// A number of 4 bytes.
    pub fn u32(&mut self) -> Result<u32, Code> {
        self.array().map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// A number of 8 bytes.
    pub fn u64(&mut self) -> Result<u64, Code> {
        self.array().map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// A number, or none for [`NONE`].
    pub fn optional(&mut self) -> Result<Option<u64>, Code> {
        self.u64().map(|number| (number != NONE).then_some(number))
    }

    /// Bytes.
    pub fn bytes(&mut self) -> Result<&'a [u8], Code> {
        let length = usize::try_from(self.u32()?).map_err(|_| Code::InvalidArgument)?;
        self.take(length)
    }

    /// A text in UTF-8.
    pub fn text(&mut self) -> Result<&'a str, Code> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Code::InvalidArgument)
    }

    /// What is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// Checks that nothing is left.
    pub fn end(&self) -> Result<(), Code> {
        if self.0.is_empty() { Ok(()) } else { Err(Code::InvalidArgument) }
    }
}

/// Writes a record.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// What was written.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Starts again, in the same space.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Bytes without a length.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// A number of 1 byte.
    pub fn u8(&mut self, number: u8) {
        self.0.push(number);
    }

    /// A number of 2 bytes.
    pub fn u16(&mut self, number: u16) {
        self.raw(&number.to_le_bytes());
    }

    /// A number of 4 bytes.
    pub fn u32(&mut self, number: u32) {
        self.raw(&number.to_le_bytes());
    }

    /// A number of 8 bytes.
    pub fn u64(&mut self, number: u64) {
        self.raw(&number.to_le_bytes());
    }

    /// A number, or [`NONE`].
    pub fn optional(&mut self, number: Option<u64>) {
        self.u64(number.unwrap_or(NONE));
    }

    /// How many of something follow.
    pub fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// Bytes behind their length.
    pub fn data(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }

    /// A text behind its length.
    pub fn text(&mut self, text: &str) {
        self.data(text.as_bytes());
    }

    /// As [`Writer::text`], of something that is shown.
    pub fn shown(&mut self, shown: &dyn Display) {
        let at = self.0.len();
        self.u32(0);
        // Writing to bytes cannot fail.
        let _ = write!(Text(&mut self.0), "{shown}");
        let length = u32::try_from(self.0.len().saturating_sub(at).saturating_sub(4)).unwrap_or(u32::MAX);
        let place = self.0.iter_mut().skip(at).take(4);
        place.zip(length.to_le_bytes()).for_each(|(byte, digit)| *byte = digit);
    }
}

struct Text<'w>(&'w mut Vec<u8>);

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
