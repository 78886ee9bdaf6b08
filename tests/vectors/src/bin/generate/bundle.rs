//! Revocation bundles, written after docs/revocation-format.md.

use sha2::{Digest, Sha256};

use crate::{
    cbor::{self, Item},
    fields::Fields,
    licence::NOW,
};

pub(crate) const TYP: &str = "application/vnd.licentia.revocation+cbor";
pub(crate) const DELTA_TYP: &str = "application/vnd.licentia.revocation-delta+cbor";
/// When bundles are issued, should be replaced, and expire, where a test does not say.
pub(crate) const ISSUED: u64 = NOW - 100;
pub(crate) const NEXT: u64 = NOW + 86_400;
pub(crate) const EXPIRES: u64 = NOW + 864_000;

/// What a revocation says, beside whom it is for: reason, effective time, effect, and the effect's end.
#[derive(Clone, Copy, Default)]
pub(crate) struct Terms {
    pub(crate) reason: u8,
    pub(crate) effective: u64,
    pub(crate) effect: u8,
    pub(crate) until: u64,
}

impl Terms {
    /// Not paid, which is what most tests say.
    pub(crate) fn unpaid() -> Self {
        Self { reason: 2, ..Self::default() }
    }
}

/// A group: its terms, its exact set and its hashes.
pub(crate) fn group(terms: Terms, exact: &[u8], hashes: &[u8]) -> Vec<u8> {
    let length = |part: &[u8]| u32::try_from(part.len()).expect("a short part").to_le_bytes();
    let mut group = vec![terms.reason, terms.effect];
    group.extend(terms.effective.to_le_bytes());
    group.extend(terms.until.to_le_bytes());
    group.extend(length(exact));
    group.extend(length(hashes));
    group.extend(exact);
    group.extend(hashes);
    group
}

/// A bundle before it is signed. The root is that of its own content, and of a delta must be given.
#[derive(Clone, Default)]
pub(crate) struct Bundle {
    pub(crate) sequence: u64,
    pub(crate) rules: Vec<Fields>,
    pub(crate) groups: Vec<u8>,
}

impl Bundle {
    /// One with a single group, of what was not paid.
    pub(crate) fn new(sequence: u64, exact: &[u8]) -> Self {
        let groups = if exact.is_empty() { Vec::new() } else { group(Terms::unpaid(), exact, &[]) };
        Self { sequence, groups, ..Self::default() }
    }

    fn rules(&self) -> Option<Item> {
        let rules: Vec<Item> = self.rules.iter().map(Fields::encode).collect();
        (!rules.is_empty()).then(|| cbor::array(&rules))
    }

    pub(crate) fn root(&self) -> [u8; 32] {
        root(&self.rules().unwrap_or_default(), &self.groups)
    }

    /// The payload, to which a test may add.
    pub(crate) fn payload(&self) -> Fields {
        Fields::default()
            .set(0, cbor::uint(1))
            .set(1, cbor::text("acme"))
            .set(2, cbor::uint(0))
            .set(3, cbor::uint(self.sequence))
            .set(4, cbor::uint(ISSUED))
            .set(5, cbor::uint(NEXT))
            .set(6, cbor::uint(EXPIRES))
            .set(7, cbor::bytes(&self.root()))
            .set(8, cbor::bytes(&[3; 16]))
            .set_some(9, self.rules())
            .set_some(10, (!self.groups.is_empty()).then(|| cbor::bytes(&self.groups)))
    }

    /// The payload of a delta whose changes are these groups, and which leads from a number to a state.
    pub(crate) fn delta(&self, base: u64, state: &Self) -> Fields {
        self.payload().set(7, cbor::bytes(&state.root())).set(12, cbor::uint(base))
    }
}

/// The root of a state.
pub(crate) fn root(rules: &[u8], groups: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [rules, groups] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// A pre-filter of one block with all that passes for some indices, under the salt of these tests.
pub(crate) fn filter(indices: &[u64]) -> Vec<u8> {
    const MULTIPLIERS: [u32; 8] = [
        0x47b6_137b,
        0x4497_4d91,
        0x8824_ad5b,
        0xa2b7_289d,
        0x7054_95c7,
        0x2df1_424b,
        0x9efc_4947,
        0x5c6b_fb31,
    ];
    let mut words = [0_u32; 8];
    for index in indices {
        let low = u32::try_from(hash(&index.to_le_bytes()) & 0xffff_ffff).expect("32 bits");
        for (word, multiplier) in words.iter_mut().zip(MULTIPLIERS) {
            *word |= 1 << (low.wrapping_mul(multiplier) >> 27);
        }
    }
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// SipHash-1-3 under the salt of these tests.
pub(crate) fn hash(message: &[u8]) -> u64 {
    use std::hash::Hasher as _;
    let mut hasher = siphasher::sip::SipHasher13::new_with_key(&[3; 16]);
    hasher.write(message);
    hasher.finish()
}

/// The Rice code of ascending indices, as ones and zeros.
fn rice(indices: &[u64], parameter: u32, mut next: u64) -> String {
    let mut bits = String::new();
    for index in indices {
        let gap = index - next;
        bits.push_str(&"1".repeat(usize::try_from(gap >> parameter).expect("a short gap")));
        bits.push('0');
        for at in (0..parameter).rev() {
            bits.push(if gap >> at & 1 == 1 { '1' } else { '0' });
        }
        next = index + 1;
    }
    bits
}

/// Bits as bytes, filled with ones.
fn pack(bits: &str) -> Vec<u8> {
    let filled = format!("{bits:1<width$}", width = bits.len().next_multiple_of(8));
    filled
        .as_bytes()
        .chunks(8)
        .map(|byte| byte.iter().fold(0, |value, bit| value << 1 | (bit - b'0')))
        .collect()
}

/// A small set as a state has it, under the parameter that the format prescribes for its density.
pub(crate) fn state(indices: &[u64]) -> Vec<u8> {
    if indices.is_empty() {
        return Vec::new();
    }
    let span = indices.last().map_or(0, |last| last + 1);
    let scaled = span * 1000 / indices.len() as u64 * 693 / 1_000_000;
    let parameter = if scaled < 2 { 0 } else { scaled.ilog2() };
    small(indices, u8::try_from(parameter).expect("a small parameter"))
}

/// A small set: its Rice parameter, and the code.
pub(crate) fn small(indices: &[u64], parameter: u8) -> Vec<u8> {
    [vec![0x80 + parameter], pack(&rice(indices, u32::from(parameter), 0))].concat()
}

/// A set with a directory of chunks of `2^chunk` indices.
pub(crate) fn chunked(indices: &[u64], parameter: u8, chunk: u8) -> Vec<u8> {
    let chunks = indices.last().expect("a member") >> chunk;
    let (mut bits, mut begins) = (String::new(), Vec::new());
    for number in 0..=chunks {
        begins.push(bits.len());
        let within: Vec<u64> = indices.iter().copied().filter(|index| index >> chunk == number).collect();
        bits.push_str(&rice(&within, u32::from(parameter), number << chunk));
    }
    let mut section = vec![1, parameter, chunk, 0];
    section.extend((indices.len() as u64).to_le_bytes());
    section.extend(u32::try_from(begins.len()).expect("few chunks").to_le_bytes());
    let anchors: Vec<usize> = begins.iter().copied().step_by(64).collect();
    section.extend(anchors.iter().flat_map(|anchor| (*anchor as u64).to_le_bytes()));
    for (at, begin) in begins.iter().enumerate() {
        section.extend(u16::try_from(begin - anchors[at / 64]).expect("a near chunk").to_le_bytes());
    }
    section.extend(pack(&bits));
    section
}
