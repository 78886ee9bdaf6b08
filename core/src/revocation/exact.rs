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
//! chunk up to it. Everything is bounded by the section's length before use, and [`Exact::check`] walks all of
//! it once, so that what is read afterwards is what it says.
//!
//! A chunk has a few dozen members if indices are spread evenly, as a ledger hands them out. The builder halves the
//! span of a set that is dense in one place until no chunk has more than [`CROWD`] members. A reader accepts other
//! spans, up to [`limits::QUERY_MEMBERS`] members in the fullest chunks of all groups together: that is what one
//! query decodes at most, whoever signed the bundle. A set has at most as many chunks as members.
//!
//! A set of at most 1024 members has no directory: one byte, 128 + rice, and then the bits of one chunk.

use crate::{code::Code, limits};

/// Length of the fixed head, in bytes.
const HEAD: usize = 16;
/// Chunks that share an anchor.
pub(super) const GROUP: usize = 64;
/// First byte of a set with a directory.
pub(super) const DIRECTORY: u8 = 1;
/// Added to the Rice parameter in the first byte of a set without one.
pub(super) const SMALL: u8 = 128;
/// Most members of a set without a directory.
pub(super) const SMALL_COUNT: u64 = 1024;

/// Most members of a chunk that the builder leaves in one piece (from schema 2 on).
#[cfg(feature = "alloc")]
pub(super) const CROWD: u64 = 1024;

/// A set of indices, read in place.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exact<'a> {
    shape: Shape,
    section: &'a [u8],
}

/// What a set has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Census {
    /// Its members.
    pub count: u64,
    /// The members of its fullest chunk: a look-up decodes at most as many.
    pub crowd: u64,
}

/// What the head of a section says, checked.
#[derive(Clone, Copy, Debug, Default)]
struct Shape {
    rice: u32,
    chunk: u32,
    wide: bool,
    /// Members, or of a set without a directory the most that it may have.
    count: u64,
    chunks: u64,
    /// Where the parts begin.
    anchors: usize,
    entries: usize,
    bits: usize,
}

impl Shape {
    /// Reads the head of a section; an empty one is the empty set.
    fn read(section: &[u8]) -> Option<Self> {
        match section {
            [] => Some(Self::default()),
            [DIRECTORY, ..] => Self::with_directory(section),
            [first, ..] => Self::small(first.checked_sub(SMALL)?),
        }
    }

    fn with_directory(section: &[u8]) -> Option<Self> {
        let (head, _) = section.split_first_chunk::<HEAD>()?;
        let [_, rice, chunk, wide, numbers @ ..] = *head;
        let [c0, c1, c2, c3, c4, c5, c6, c7, n0, n1, n2, n3] = numbers;
        let count = u64::from_le_bytes([c0, c1, c2, c3, c4, c5, c6, c7]);
        let chunks = u64::from(u32::from_le_bytes([n0, n1, n2, n3]));
        let after = |start: usize, count: u64, size: u64| {
            start.checked_add(usize::try_from(count.checked_mul(size)?).ok()?)
        };
        let entries = after(HEAD, chunks.div_ceil(GROUP as u64), 8)?;
        let bits = after(entries, chunks, if wide == 1 { 4 } else { 2 })?;
        let left = u64::try_from(section.len().checked_sub(bits)?).ok()?;
        // A member takes at least one bit, and a chunk without members is padding beyond one for each member.
        let counts = chunks > 0 && chunks <= count && count <= left.checked_mul(8)?;
        let (rice, chunk) = (u32::from(rice), u32::from(chunk));
        // No chunk begins beyond the greatest index, so that shifts by `chunk` lose no bit.
        let spans = rice < 54 && chunk < 54 && chunks.checked_sub(1)? <= limits::INTEGER >> chunk;
        let wide = (wide < 2).then_some(wide == 1)?;
        (counts && spans).then_some(Self { rice, chunk, wide, count, chunks, anchors: HEAD, entries, bits })
    }

    /// The whole set is one chunk, which begins with the first bit and has no count.
    fn small(rice: u8) -> Option<Self> {
        let shape = Self {
            rice: u32::from(rice),
            chunk: 63,
            count: SMALL_COUNT,
            chunks: 1,
            bits: 1,
            ..Self::default()
        };
        (rice < 54).then_some(shape)
    }
}

impl<'a> Exact<'a> {
    /// Reads the head of a section; an empty one is the empty set. What comes from elsewhere is to be checked
    /// too: [`Exact::check`].
    ///
    /// # Errors
    /// [`Code::BundleMalformed`] if sizes do not fit.
    pub fn read(section: &'a [u8]) -> Result<Self, Code> {
        let shape = Shape::read(section).ok_or(Code::BundleMalformed)?;
        Ok(Self { shape, section })
    }

    /// Reads the whole section: members ascend, each chunk has those of its span and ends where the next one
    /// begins, the last chunk has a member, and nothing is left over.
    ///
    /// # Errors
    /// [`Code::BundleMalformed`] if anything of that is not so, or there are more than `most` members.
    pub fn check(&self, most: u64) -> Result<Census, Code> {
        self.walk(most).ok_or(Code::BundleMalformed)
    }

    fn walk(&self, most: u64) -> Option<Census> {
        let shape = self.shape;
        let small = shape.chunk == 63;
        let most = if small { most.min(SMALL_COUNT) } else { most };
        let (mut count, mut crowd, mut at) = (0_u64, 0_u64, 0);
        for chunk in 0..shape.chunks {
            let mut members = self.members(chunk);
            if members.at() != at {
                return None;
            }
            let last = chunk.checked_add(1)? == shape.chunks;
            let after = if small { u64::MAX } else { chunk.checked_add(1)?.checked_mul(1 << shape.chunk)? };
            let before = count;
            while let Some(member) = members.next() {
                count = count.checked_add(1)?;
                if member >= after || member > limits::INTEGER || count > most {
                    return None;
                }
                at = members.at();
            }
            crowd = crowd.max(count.checked_sub(before)?);
            // Between chunks nothing is left over, and after the last one less than a byte of ones.
            let padded = if last { !small && count == before } else { at != members.end };
            if padded {
                return None;
            }
        }
        let bits = self.section.get(shape.bits..)?;
        let fill = u64::try_from(bits.len()).ok()?.checked_mul(8)?.checked_sub(at)?;
        let ones = bits.last().map_or(0, |last| u64::from(last.trailing_ones()));
        (fill < 8 && fill <= ones && (small || count == shape.count)).then_some(Census { count, crowd })
    }

    /// The section.
    pub fn section(&self) -> &'a [u8] {
        self.section
    }

    /// Members. A set without a directory is read for it.
    pub fn count(&self) -> u64 {
        if self.shape.chunk == 63 {
            self.iter().fold(0, |count, _| u64::saturating_add(count, 1))
        } else {
            self.shape.count
        }
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Bytes at a place in an array of the section.
    fn item<const N: usize>(&self, start: usize, at: u64) -> Option<&'a [u8; N]> {
        let start = start.checked_add(usize::try_from(at).ok()?.checked_mul(N)?)?;
        self.section.get(start..)?.first_chunk()
    }

    /// The bit at which a chunk begins.
    fn begin(&self, chunk: u64) -> Option<u64> {
        let shape = self.shape;
        if shape.anchors == 0 {
            return Some(0);
        }
        let anchor = u64::from_le_bytes(*self.item(shape.anchors, chunk.checked_div(GROUP as u64)?)?);
        let relative = if shape.wide {
            u64::from(u32::from_le_bytes(*self.item(shape.entries, chunk)?))
        } else {
            u64::from(u16::from_le_bytes(*self.item(shape.entries, chunk)?))
        };
        anchor.checked_add(relative)
    }

    /// The members of a chunk, ascending. The last one ends with the section.
    fn members(&self, chunk: u64) -> Members<'a> {
        let shape = self.shape;
        let bytes = self.section.get(shape.bits..).unwrap_or_default();
        let all = (bytes.len() as u64).saturating_mul(8);
        let last = chunk.saturating_add(1) >= shape.chunks;
        let end = if last { Some(all) } else { self.begin(chunk.saturating_add(1)) };
        match (self.begin(chunk), end) {
            (Some(at), Some(end)) if chunk < shape.chunks => {
                // It fits: see `Shape::with_directory`.
                let first = chunk << shape.chunk;
                Members::new(bytes, at, end.min(all), shape.rice, first)
            }
            _ => Members::new(&[], 0, 0, 0, 0),
        }
    }

    /// Whether an index is a member.
    pub fn contains(&self, index: u64) -> bool {
        let chunk = index.checked_shr(self.shape.chunk).unwrap_or(0);
        self.members(chunk).find(|member| *member >= index) == Some(index)
    }

    /// Every member, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u64> + Clone + use<'a> {
        let set = *self;
        (0..set.shape.chunks)
            .flat_map(move |chunk| set.members(chunk))
            .take(usize::try_from(set.shape.count).unwrap_or(usize::MAX))
    }
}

/// The members of one chunk.
#[derive(Clone)]
struct Members<'a> {
    bytes: &'a [u8],
    /// Less than 54.
    rice: u32,
    /// The least index that the next member may be.
    next: u64,
    /// The first bit after the chunk, and after those that were read.
    end: u64,
    read: u64,
    /// Bits that were read, inverted and at the high end, and how many they are.
    word: u64,
    left: u64,
    /// How many gaps are decoded before more bits are read: nearly always so many are there. It does not depend on
    /// what was read, so that the processor foresees when it ends.
    due: u32,
}

impl<'a> Members<'a> {
    fn new(bytes: &'a [u8], at: u64, end: u64, rice: u32, next: u64) -> Self {
        Self { bytes, rice, next, end, read: at, word: 0, left: 0, due: 0 }
    }

    /// The bit that comes next.
    fn at(&self) -> u64 {
        self.read.saturating_sub(self.left)
    }

    /// Reads bits from a place on, at most 64 and none that is after the chunk.
    fn read(&mut self, at: u64) {
        let (word, count) = bits(self.bytes, at);
        self.word = !word;
        self.left = count.min(self.end.saturating_sub(at));
        self.read = at.saturating_add(self.left);
        // A gap of the mean length takes about two bits more than the parameter.
        self.due = 57_u32.checked_div(self.rice.saturating_add(4)).unwrap_or(0);
    }

    fn gap(&mut self) -> Option<u64> {
        match self.due.checked_sub(1) {
            Some(due) => self.due = due,
            None => self.read(self.at()),
        }
        let (ones, rest) = (self.word.leading_zeros(), self.rice.saturating_add(1));
        let left = self.left.checked_sub(ones.into()).and_then(|left| left.checked_sub(rest.into()));
        let Some(left) = left else {
            let (gap, at) = long_gap(self.bytes, self.at(), self.end, self.rice)?;
            self.read(at);
            return Some(gap);
        };
        // The highest bit is the zero that ends the ones, and the low bits of the gap follow.
        let after = self.word << ones;
        let low = !after >> 63_u32.saturating_sub(self.rice);
        (self.word, self.left) = (after << rest, left);
        Some((u64::from(ones) << self.rice) | low)
    }
}

impl Iterator for Members<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let member = self.next.saturating_add(self.gap()?);
        self.next = member.saturating_add(1);
        Some(member)
    }
}

/// The 57 to 64 bits from a place on, at the high end, and how many they are; zeros follow the section's end.
fn bits(bytes: &[u8], at: u64) -> (u64, u64) {
    let rest = usize::try_from(at / 8).ok().and_then(|byte| bytes.get(byte..)).unwrap_or_default();
    let word = rest.first_chunk().map_or_else(|| last_bits(rest), |word| u64::from_be_bytes(*word));
    let skip = at % 8;
    (word << skip, 64_u64.saturating_sub(skip))
}

/// The bits of fewer than eight bytes.
#[cold]
#[inline(never)]
fn last_bits(bytes: &[u8]) -> u64 {
    let places = (0..8_u32).rev().map(|place| place.saturating_mul(8));
    bytes.iter().zip(places).fold(0, |word, (byte, place)| word | (u64::from(*byte) << place))
}

/// Decodes a gap of any length that begins at a place, and returns where it ends; `None` if that is after the chunk.
#[cold]
fn long_gap(bytes: &[u8], mut at: u64, end: u64, rice: u32) -> Option<(u64, u64)> {
    let mut quotient = 0_u64;
    loop {
        if at >= end {
            return None;
        }
        let ones = bits(bytes, at).0.leading_ones().min(48);
        quotient = quotient.saturating_add(u64::from(ones));
        at = at.saturating_add(u64::from(ones));
        if ones < 48 {
            break;
        }
    }
    at = at.saturating_add(1);
    let low = (bits(bytes, at).0 >> 8) >> 56_u32.saturating_sub(rice);
    // A shift that lost bits would give one member two encodings.
    if quotient > limits::INTEGER >> rice {
        return None;
    }
    let gap = (quotient << rice).checked_add(low)?;
    at = at.saturating_add(u64::from(rice));
    (at <= end).then_some((gap, at))
}
