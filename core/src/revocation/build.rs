//! Builds the sections of a bundle. It needs a heap, and the feature `alloc`.

use alloc::{vec, vec::Vec};

use super::{
    bloom::{self, BLOCK},
    bundle::{Bundle, Schema},
    exact::{CROWD, DIRECTORY, GROUP, SMALL, SMALL_COUNT},
    group::{
        Group,
        write::{Parts, key, section},
    },
    rule::RevocationTerms,
};
use crate::{
    id::{Salt, TokenId},
    limits,
};

/// Members that a chunk has on average: few to decode, and many to share a directory entry.
const PER_CHUNK: u64 = 40;
/// Bits of the pre-filter for each member.
const BITS_PER_KEY: u64 = 16;

/// Encodes a set of indices as [`super::Exact`] reads it, in the spans of a bundle's schema. They are gone through a
/// few times, and held nowhere. The same set always gives the same bytes.
///
/// Returns `None` if the indices do not ascend, or one is beyond [`limits::INTEGER`].
pub fn exact(indices: impl Iterator<Item = u64> + Clone, schema: Schema) -> Option<Vec<u8>> {
    let (mut count, mut span) = (0_u64, 0);
    for index in indices.clone() {
        if index < span || index > limits::INTEGER {
            return None;
        }
        (count, span) = (count.saturating_add(1), index.saturating_add(1));
    }
    let Some(last) = span.checked_sub(1) else { return Some(Vec::new()) };
    let rice = rice_parameter(span, count);
    if count <= SMALL_COUNT {
        let mut bits = BitWriter { bytes: vec![SMALL | u8::try_from(rice).unwrap_or(0)], length: 0 };
        let mut next = 0;
        for index in indices {
            bits.rice(index.saturating_sub(next), rice);
            next = index.saturating_add(1);
        }
        return Some(bits.finish());
    }
    let mut chunk = span.div_ceil(count).saturating_mul(PER_CHUNK).next_power_of_two().ilog2().min(53);
    if schema == Schema::HalvedSpans {
        // A directory has at most one entry for each member.
        while let Some(half) = chunk.checked_sub(1)
            && last >> half < count
            && crowd(indices.clone(), chunk) > CROWD
        {
            chunk = half;
        }
    }
    let chunks = (last >> chunk).saturating_add(1);
    let mut bits = BitWriter::default();
    let mut begins = Vec::new();
    let mut next = 0;
    for index in indices {
        while begins.len() as u64 <= index >> chunk {
            next = (begins.len() as u64) << chunk;
            begins.push(bits.length);
        }
        bits.rice(index.saturating_sub(next), rice);
        next = index.saturating_add(1);
    }
    let relative = |(at, begin): (usize, &u64)| {
        begin.saturating_sub(begins.get(at.saturating_sub(at % GROUP)).copied().unwrap_or_default())
    };
    let wide = begins.iter().enumerate().map(relative).any(|relative| relative > u64::from(u16::MAX));
    let mut section =
        vec![DIRECTORY, u8::try_from(rice).unwrap_or(0), u8::try_from(chunk).unwrap_or(0), u8::from(wide)];
    section.extend(count.to_le_bytes());
    section.extend(u32::try_from(chunks).unwrap_or(u32::MAX).to_le_bytes());
    for begin in begins.iter().step_by(GROUP) {
        section.extend(begin.to_le_bytes());
    }
    for relative in begins.iter().enumerate().map(relative) {
        let bytes = relative.to_le_bytes();
        section.extend(bytes.iter().take(if wide { 4 } else { 2 }));
    }
    section.extend(bits.finish());
    Some(section)
}

/// The members of the fullest chunk.
fn crowd(indices: impl Iterator<Item = u64>, chunk: u32) -> u64 {
    let (mut most, mut count, mut current) = (0_u64, 0_u64, 0);
    for index in indices {
        count = if index >> chunk == current { count.saturating_add(1) } else { 1 };
        current = index >> chunk;
        most = most.max(count);
    }
    most
}

/// The parameter under which gaps of a set of this density take the fewest bits, in integers, so that every
/// machine chooses the same: about log2 of the mean gap times ln 2.
fn rice_parameter(span: u64, count: u64) -> u32 {
    let mean = span.saturating_mul(1_000).checked_div(count.max(1)).unwrap_or(0);
    // In two parts, which fit.
    let scaled = (mean / 1_000_000)
        .saturating_mul(693)
        .saturating_add((mean % 1_000_000).saturating_mul(693) / 1_000_000);
    if scaled < 2 { 0 } else { scaled.ilog2().min(53) }
}

/// As many ones, fewer than 64.
fn low_bits(count: u32) -> u64 {
    (1_u64 << count).wrapping_sub(1)
}

#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    length: u64,
}

impl BitWriter {
    fn push(&mut self, value: u64, count: u32) {
        let mut left = count;
        while left > 0 {
            let used = u32::try_from(self.length % 8).unwrap_or(0);
            if used == 0 {
                self.bytes.push(0);
            }
            let free = 8_u32.saturating_sub(used);
            let take = left.min(free);
            left = left.saturating_sub(take);
            let part = (value >> left) & low_bits(take);
            if let Some(last) = self.bytes.last_mut() {
                *last |= u8::try_from(part << free.saturating_sub(take)).unwrap_or(0);
            }
            self.length = self.length.saturating_add(take.into());
        }
    }

    /// Fills the last byte with ones, which end in nothing.
    fn finish(mut self) -> Vec<u8> {
        while !self.length.is_multiple_of(8) {
            self.push(1, 1);
        }
        self.bytes
    }

    fn rice(&mut self, gap: u64, rice: u32) {
        let mut quotient = gap >> rice;
        while quotient > 0 {
            let ones = u32::try_from(quotient.min(32)).unwrap_or(32);
            self.push(low_bits(ones), ones);
            quotient = quotient.saturating_sub(ones.into());
        }
        self.push(0, 1);
        self.push(gap & low_bits(rice), rice);
    }
}

/// A pre-filter over `count` indices in any order, empty for the empty set.
pub fn bloom(indices: impl Iterator<Item = u64>, count: u64, salt: &Salt) -> Vec<u8> {
    let blocks = count.saturating_mul(BITS_PER_KEY).div_ceil(256);
    let mut filter = vec![0; usize::try_from(blocks).unwrap_or(0).saturating_mul(BLOCK)];
    let (all, _) = filter.as_chunks_mut::<BLOCK>();
    for index in indices {
        let hash = bloom::hash(salt, &index.to_le_bytes());
        let at = usize::try_from(bloom::block_of(hash, blocks)).unwrap_or(usize::MAX);
        if let Some(block) = all.get_mut(at) {
            let (words, _) = block.as_chunks_mut::<4>();
            for (word, mask) in words.iter_mut().zip(bloom::mask_of(hash)) {
                *word = (u32::from_le_bytes(*word) | mask).to_le_bytes();
            }
        }
    }
    filter
}

/// The sorted list of keyed hashes of identifiers without an index.
pub fn hashes<'a>(ids: impl Iterator<Item = &'a TokenId>, salt: &Salt) -> Vec<u8> {
    let mut hashes: Vec<_> = ids.map(|id| bloom::hash(salt, id.as_bytes()).to_be_bytes()).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes.concat()
}

/// The groups of a state, as a bundle has them: for each of some terms the indices and the identifiers without
/// an index that are revoked on them.
///
/// Returns `None` if the indices of a group do not ascend.
pub fn groups<'a, I: Iterator<Item = u64> + Clone>(
    groups: impl Iterator<Item = (RevocationTerms, I, &'a [TokenId])>,
    salt: &Salt,
    schema: Schema,
) -> Option<Vec<u8>> {
    let encode = |(terms, indices, ids): (RevocationTerms, I, &[TokenId])| {
        Some(Parts { key: key(terms), exact: exact(indices, schema)?, hashes: hashes(ids.iter(), salt) })
    };
    Some(section(groups.map(encode).collect::<Option<_>>()?))
}

/// What differs between the groups of two bundles, or what a difference leads to from one of them.
///
/// Returns `None` if a set of either does not ascend, which [`Bundle::read`] refuses.
pub fn group_difference(a: &Bundle<'_>, b: &Bundle<'_>, schema: Schema) -> Option<Vec<u8>> {
    let part = |one: &Group<'_>, other: Option<&Group<'_>>| {
        let (set, list) = other.map_or_else(Default::default, |other| (other.exact(), other.hashes()));
        let hashes = difference(words(one.hashes()), words(list)).flat_map(u64::to_be_bytes).collect();
        let exact = exact(difference(one.exact().iter(), set.iter()), schema)?;
        Some(Parts { key: *one.key, exact, hashes })
    };
    let changed = a.groups().map(|one| part(&one, b.groups().find(|other| one.key == other.key).as_ref()));
    let only = b.groups().filter(|only| a.groups().all(|one| one.key != only.key));
    let parts = changed.chain(only.map(|only| part(&only, None)));
    Some(section(parts.collect::<Option<_>>()?))
}

fn words(list: &[[u8; 8]]) -> impl Iterator<Item = u64> + Clone {
    list.iter().map(|word| u64::from_be_bytes(*word))
}

/// The members of exactly one of two ascending sets: a change, or what a change leads to.
pub fn difference<A, B>(a: A, b: B) -> impl Iterator<Item = u64> + Clone
where
    A: Iterator<Item = u64> + Clone,
    B: Iterator<Item = u64> + Clone,
{
    let (mut a, mut b) = (a.peekable(), b.peekable());
    core::iter::from_fn(move || {
        loop {
            match (a.peek(), b.peek()) {
                (Some(left), Some(right)) if left == right => {
                    a.next();
                    b.next();
                }
                (Some(left), Some(right)) if left < right => return a.next(),
                (Some(_), None) => return a.next(),
                (_, _) => return b.next(),
            }
        }
    })
}
