//! Revocation bundles around any section of groups, and a plain reading of such a section.

use std::collections::{BTreeMap, BTreeSet};

use licentia_core::inner::{Typ, state_root};

use crate::{Signer, head};

/// The salt of every bundle that is made here.
pub const SALT: [u8; 16] = [3; 16];

/// Issuer, stream, sequence and base of a bundle that is made here.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// Its sequence.
    pub sequence: u64,
    /// For a delta, the sequence that it changes.
    pub base: Option<u64>,
    /// The schema, 1 or 2.
    pub schema: u8,
}

/// A signed bundle or delta with any groups, whose root is that of `state`.
pub fn bundle(signer: Signer, numbers: Numbers, groups: &[u8], state: &[u8]) -> Vec<u8> {
    let Numbers { sequence, base, schema } = numbers;
    let number = |value: u64| head(0, usize::try_from(value).unwrap_or(0));
    let entries = [
        vec![0x00, schema],
        b"\x01\x64acme".to_vec(),
        vec![0x02, 0x00],
        [vec![0x03], number(sequence)].concat(),
        b"\x04\x1a\x6b\x49\xd2\x00\x05\x1a\x6b\x49\xd2\x01\x06\x1a\x71\x3f\xb3\x00".to_vec(),
        [b"\x07\x58\x20".to_vec(), state_root(&[], state).to_vec()].concat(),
        [b"\x08\x50".to_vec(), SALT.to_vec()].concat(),
        [vec![0x0a], head(2, groups.len()), groups.to_vec()].concat(),
        base.map_or_else(Vec::new, |base| [vec![0x0c], number(base)].concat()),
    ];
    let count = 10 + usize::from(base.is_some());
    let payload = [head(5, count), entries.concat()].concat();
    signer.seal(if base.is_some() { Typ::Delta } else { Typ::Bundle }, &payload)
}

/// What a group says: its terms as they stand, its indices, its hashes.
pub type Plain = BTreeMap<[u8; 18], (BTreeSet<u64>, BTreeSet<[u8; 8]>)>;

/// Reads a section bit by bit, as docs/revocation-format.md says. `None` if it is cut off, or too many members to try.
pub fn plain(section: &[u8]) -> Option<Plain> {
    let (mut rest, mut groups) = (section, Plain::new());
    while !rest.is_empty() {
        let (terms, after) = rest.split_first_chunk::<18>()?;
        let (exact, after) = after.split_first_chunk::<4>()?;
        let (hashes, after) = after.split_first_chunk::<4>()?;
        let (exact, after) = after.split_at_checked(u32::from_le_bytes(*exact) as usize)?;
        let (hashes, after) = after.split_at_checked(u32::from_le_bytes(*hashes) as usize)?;
        let hashes = hashes.as_chunks::<8>().0.iter().copied().collect();
        groups.insert(*terms, (members(exact)?.into_iter().collect(), hashes));
        rest = after;
    }
    Some(groups)
}

/// The members of an exact set, in the order of the bits.
pub fn members(section: &[u8]) -> Option<Vec<u64>> {
    match section {
        [] => Some(Vec::new()),
        [1, rice, chunk, wide, rest @ ..] => {
            let (count, rest) = rest.split_first_chunk::<8>()?;
            let (chunks, rest) = rest.split_first_chunk::<4>()?;
            let (count, chunks) = (u64::from_le_bytes(*count), u64::from(u32::from_le_bytes(*chunks)));
            let (anchors, rest) = rest.split_at_checked(usize::try_from(chunks.div_ceil(64) * 8).ok()?)?;
            let size = if *wide == 1 { 4 } else { 2 };
            let (entries, bits) = rest.split_at_checked(usize::try_from(chunks * size).ok()?)?;
            let begin = |at: u64| {
                let group = usize::try_from(at / 64).ok()?;
                let anchor = u64::from_le_bytes(*anchors.as_chunks::<8>().0.get(group)?);
                let entry = entries.chunks(usize::try_from(size).ok()?).nth(usize::try_from(at).ok()?)?;
                let entry = entry.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
                anchor.checked_add(entry)
            };
            let mut all = Vec::new();
            for at in 0..chunks {
                let end = if at + 1 == chunks { bits.len() as u64 * 8 } else { begin(at + 1)? };
                let first = at.checked_mul(1_u64.checked_shl(u32::from(*chunk))?)?;
                let last = at + 1 == chunks;
                gaps(
                    bits,
                    begin(at)?,
                    end,
                    *rice,
                    first,
                    if last { count.checked_sub(all.len() as u64)? } else { u64::MAX },
                    &mut all,
                )?;
            }
            Some(all)
        }
        [first, bits @ ..] => {
            let mut all = Vec::new();
            gaps(bits, 0, bits.len() as u64 * 8, first.checked_sub(128)?, 0, 1024, &mut all)?;
            Some(all)
        }
    }
}

/// Decodes gaps from one bit to another, at most so many.
fn gaps(bits: &[u8], from: u64, to: u64, rice: u8, first: u64, most: u64, all: &mut Vec<u64>) -> Option<()> {
    let bit = |at: u64| Some(bits.get(usize::try_from(at / 8).ok()?)? >> (7 - at % 8) & 1 == 1);
    let (mut at, mut next, mut count) = (from, first, 0);
    while at < to && count < most {
        let mut quotient = 0_u64;
        while at < to && bit(at)? {
            (quotient, at) = (quotient + 1, at + 1);
        }
        // Ones up to the end fill the last byte.
        if at + 1 + u64::from(rice) > to {
            break;
        }
        at += 1;
        let mut low = 0_u64;
        for _ in 0..rice {
            (low, at) = (low << 1 | u64::from(bit(at)?), at + 1);
        }
        let gap = u128::from(quotient) << rice | u128::from(low);
        let member = u64::try_from(u128::from(next) + gap).ok()?;
        all.push(member);
        (next, count) = (member.checked_add(1)?, count + 1);
    }
    Some(())
}
