//! The exact set of revoked indices: Rice-coded gaps in chunks, with a directory.
//!
//! ```text
//! magic u8 = 1, rice u8, chunk u8, wide u8      Rice parameter, log2 of a chunk's span, 4-byte entries?
//! count u64, chunks u32                          members; chunks with an entry
//! anchors  [u64]  one for each 64 chunks: the bit at which the first of them begins
//! entries  [u16 or u32]  one for each chunk: bits from its anchor to its begin
//! bits     for each member in order: gap >> rice ones, a zero, the low bits of the gap; then ones
//! ```
//! Integers are little-endian, bits run from the high end of each byte. A chunk's first gap counts from its
//! first index, each further one from the index after the last member. An index is looked up by decoding its
//! chunk, which has a few dozen members, up to it. Everything is bounded by the section's length before use.

use crate::code::Code;

/// Length of the fixed head, in bytes.
const HEAD: usize = 16;
/// Chunks that share an anchor.
pub(super) const GROUP: usize = 64;

/// A set of indices, read in place.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exact<'a> {
    rice: u32,
    chunk: u32,
    wide: bool,
    count: u64,
    chunks: u64,
    anchors: &'a [u8],
    entries: &'a [u8],
    bits: &'a [u8],
}

impl<'a> Exact<'a> {
    /// Reads a section; an empty one is the empty set.
    ///
    /// # Errors
    /// [`Code::BundleMalformed`] where sizes do not fit.
    pub fn read(section: &'a [u8]) -> Result<Self, Code> {
        if section.is_empty() {
            return Ok(Self::default());
        }
        let (head, rest) = section.split_first_chunk::<HEAD>().ok_or(Code::BundleMalformed)?;
        let [1, rice, chunk, wide, numbers @ ..] = head else { return Err(Code::BundleMalformed) };
        let [c0, c1, c2, c3, c4, c5, c6, c7, n0, n1, n2, n3] = *numbers;
        let count = u64::from_le_bytes([c0, c1, c2, c3, c4, c5, c6, c7]);
        let chunks = u64::from(u32::from_le_bytes([n0, n1, n2, n3]));
        let entry = if *wide == 1 { 4 } else { 2 };
        let split = |bytes: &'a [u8], count: u64, size: u64| {
            let length = usize::try_from(count.saturating_mul(size)).ok()?;
            bytes.split_at_checked(length)
        };
        let (anchors, rest) = split(rest, chunks.div_ceil(GROUP as u64), 8).ok_or(Code::BundleMalformed)?;
        let (entries, bits) = split(rest, chunks, entry).ok_or(Code::BundleMalformed)?;
        // A member takes at least one bit, so that a huge count is told here.
        let fits = *rice < 54
            && *chunk < 54
            && *wide < 2
            && chunks > 0
            && count <= (bits.len() as u64).saturating_mul(8);
        if !fits {
            return Err(Code::BundleMalformed);
        }
        let (rice, chunk, wide) = (u32::from(*rice), u32::from(*chunk), *wide == 1);
        Ok(Self { rice, chunk, wide, count, chunks, anchors, entries, bits })
    }

    /// Members, as the section says.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The bit at which a chunk begins; the last one ends with the section.
    fn begin(&self, chunk: u64) -> Option<u64> {
        let anchor = usize::try_from(chunk.checked_div(GROUP as u64)?.checked_mul(8)?).ok()?;
        let anchor = u64::from_le_bytes(*self.anchors.get(anchor..)?.first_chunk()?);
        let relative = if self.wide {
            let at = usize::try_from(chunk.checked_mul(4)?).ok()?;
            u64::from(u32::from_le_bytes(*self.entries.get(at..)?.first_chunk()?))
        } else {
            let at = usize::try_from(chunk.checked_mul(2)?).ok()?;
            u64::from(u16::from_le_bytes(*self.entries.get(at..)?.first_chunk()?))
        };
        anchor.checked_add(relative)
    }

    /// The members of a chunk, ascending.
    fn members(&self, chunk: u64) -> Members<'a> {
        let (Some(begin), end) = (self.begin(chunk), self.begin(chunk.saturating_add(1))) else {
            return Members { bits: Bits { bytes: &[], at: 0 }, end: 0, rice: 0, next: 0 };
        };
        let last = chunk.saturating_add(1) >= self.chunks;
        let all = (self.bits.len() as u64).saturating_mul(8);
        let end = if last { all } else { end.unwrap_or(0).min(all) };
        Members {
            bits: Bits { bytes: self.bits, at: begin },
            end,
            rice: self.rice,
            next: chunk.checked_shl(self.chunk).unwrap_or(u64::MAX),
        }
    }

    /// Whether an index is a member.
    pub fn contains(&self, index: u64) -> bool {
        let chunk = index.checked_shr(self.chunk).unwrap_or(0);
        if chunk >= self.chunks {
            return false;
        }
        self.members(chunk).find(|member| *member >= index) == Some(index)
    }

    /// Every member, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u64> + use<'a> {
        let set = *self;
        (0..set.chunks)
            .flat_map(move |chunk| set.members(chunk))
            .take(usize::try_from(set.count).unwrap_or(usize::MAX))
    }
}

/// A cursor over bits, from the high end of each byte.
#[derive(Clone, Copy)]
struct Bits<'a> {
    bytes: &'a [u8],
    at: u64,
}

impl Bits<'_> {
    /// The next 57 bits or more, at the high end of a word; zeros follow the section's end.
    fn window(&self) -> u64 {
        let byte = usize::try_from(self.at / 8).unwrap_or(usize::MAX);
        let rest = self.bytes.get(byte..).unwrap_or_default();
        let word = rest.first_chunk::<8>().map_or_else(
            || {
                rest.iter()
                    .zip((0..8_u32).rev())
                    .fold(0, |word, (byte, at)| word | (u64::from(*byte) << at.saturating_mul(8)))
            },
            |word| u64::from_be_bytes(*word),
        );
        word << (self.at % 8)
    }
}

/// The members of one chunk.
struct Members<'a> {
    bits: Bits<'a>,
    end: u64,
    rice: u32,
    next: u64,
}

impl Iterator for Members<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let mut quotient = 0_u64;
        loop {
            if self.bits.at >= self.end {
                return None;
            }
            let ones = self.bits.window().leading_ones().min(48);
            quotient = quotient.saturating_add(u64::from(ones));
            self.bits.at = self.bits.at.saturating_add(u64::from(ones));
            if ones < 48 {
                break;
            }
        }
        self.bits.at = self.bits.at.saturating_add(1);
        let low = if self.rice == 0 { 0 } else { self.bits.window() >> 64_u32.saturating_sub(self.rice) };
        self.bits.at = self.bits.at.saturating_add(u64::from(self.rice));
        if self.bits.at > self.end {
            return None;
        }
        let gap = quotient.checked_shl(self.rice)?.saturating_add(low);
        let member = self.next.saturating_add(gap);
        self.next = member.saturating_add(1);
        Some(member)
    }
}
