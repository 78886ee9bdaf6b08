//! The reader of exact sets beside a plain one, over every section of some small widths.
#![cfg(feature = "alloc")]
#![allow(clippy::cast_possible_truncation, reason = "sections of tests are short")]

use licentia_core::{
    inner::build,
    limits,
    revocation::{Exact, Schema},
};

/// What docs/revocation-format.md says of a section, read bit by bit: its members, or `None` if it is refused.
fn model(section: &[u8]) -> Option<Vec<u64>> {
    let number = |at: usize, size: usize| {
        let bytes = section.get(at..at + size)?;
        Some(bytes.iter().rev().fold(0_u128, |all, byte| all << 8 | u128::from(*byte)))
    };
    let (rice, chunk, begins, bits, count) = match *section.first()? {
        1 => {
            let (rice, chunk, wide) = (number(1, 1)?, number(2, 1)?, number(3, 1)?);
            let (count, chunks) = (number(4, 8)?, number(12, 4)? as usize);
            if rice > 53 || chunk > 53 || wide > 1 || chunks == 0 || chunks as u128 > count {
                return None;
            }
            let entries = 16 + chunks.div_ceil(64) * 8;
            let size = if wide == 1 { 4 } else { 2 };
            let begin = |at: usize| Some(number(16 + at / 64 * 8, 8)? + number(entries + at * size, size)?);
            let begins: Vec<u128> = (0..chunks).map(begin).collect::<Option<_>>()?;
            (rice as u32, chunk as u32, begins, entries + chunks * size, Some(count))
        }
        small => (u32::from(small.checked_sub(128)?), 63, vec![0], 1, None),
    };
    if rice > 53 {
        return None;
    }
    let bits: Vec<bool> = section
        .get(bits..)?
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1))
        .collect();
    let (mut members, mut at, mut next) = (Vec::new(), 0, 0_u128);
    for number in 0..begins.len() {
        if begins[number] != at as u128 {
            return None;
        }
        next = next.max((number as u128) << chunk);
        let end = begins.get(number + 1).map_or(bits.len() as u128, |end| *end);
        let before = members.len();
        loop {
            // One gap: ones, a zero, and the low bits. What does not fit any more is left over.
            let rest = bits.get(at..(end as usize).min(bits.len())).unwrap_or_default();
            let Some(ones) = rest.iter().position(|bit| !bit) else { break };
            let Some(low) = rest.get(ones + 1..ones + 1 + rice as usize) else { break };
            let low = low.iter().fold(0, |all, bit| all << 1 | u128::from(*bit));
            let member = next + ((ones as u128) << rice) + low;
            if member > u128::from(limits::INTEGER) || (chunk < 63 && member >> chunk != number as u128) {
                return None;
            }
            at += ones + 1 + rice as usize;
            next = member + 1;
            members.push(member as u64);
        }
        let last = number + 1 == begins.len();
        if (!last && at as u128 != end) || (last && count.is_some() && members.len() == before) {
            return None;
        }
    }
    let fill = &bits[at..];
    let counted = match count {
        Some(count) => members.len() as u128 == count,
        None => members.len() <= 1024,
    };
    (fill.len() < 8 && fill.iter().all(|bit| *bit) && counted).then_some(members)
}

fn hold(section: &[u8]) -> bool {
    let (expected, set) = (model(section), Exact::read(section));
    let read = set.and_then(|set| set.check(u64::MAX).map(|census| (set, census)));
    match (&expected, read) {
        (None, Err(_)) => {}
        (Some(members), Ok((set, census))) => {
            assert_eq!(&set.iter().collect::<Vec<_>>(), members, "{section:02x?}");
            assert_eq!((set.count(), census.count), (members.len() as u64, members.len() as u64));
            assert!(census.crowd <= census.count);
            let edge = members.last().map_or(0, |last| last + 2).min(64);
            (0..edge).chain(members.iter().copied()).for_each(|index| {
                assert_eq!(
                    set.contains(index),
                    members.binary_search(&index).is_ok(),
                    "{index} {section:02x?}"
                );
            });
        }
        (expected, read) => panic!("{section:02x?}: expected {expected:?}, read {read:?}"),
    }
    expected.is_some()
}

#[test]
fn every_small_set_of_up_to_sixteen_bits() {
    let mut good = 0;
    for rice in (0..=9).chain([15, 52, 53, 54, 127]) {
        good += usize::from(hold(&[0x80 + rice]));
        for bits in 0..=u16::MAX {
            let [high, low] = bits.to_be_bytes();
            good += usize::from(hold(&[0x80 + rice, high, low]));
            if high == 0 {
                good += usize::from(hold(&[0x80 + rice, low]));
            }
        }
    }
    assert!(good > 100_000, "{good} sections were good");
}

#[test]
fn every_directory_of_up_to_three_chunks_and_eight_bits() {
    let mut good = 0;
    for rice in 0..=2 {
        for chunk in 0..=3 {
            for chunks in 1..=3_u8 {
                for count in 0..=6_u8 {
                    // Begins of the second and the third chunk.
                    for begins in 0..if chunks == 1 { 1 } else { 9_u16.pow(u32::from(chunks) - 1) } {
                        let mut head = vec![1, rice, chunk, 0, count, 0, 0, 0, 0, 0, 0, 0, chunks, 0, 0, 0];
                        head.extend([0; 8]);
                        let entries = [0, (begins % 9) as u8, (begins / 9) as u8];
                        entries.iter().take(chunks.into()).for_each(|entry| head.extend([*entry, 0]));
                        head.push(0);
                        let last = head.len() - 1;
                        for bits in 0..=u8::MAX {
                            head[last] = bits;
                            good += usize::from(hold(&head));
                        }
                    }
                }
            }
        }
    }
    assert!(good > 1_000, "{good} sections were good");
}

#[test]
fn what_is_built_is_what_the_model_reads() {
    let mut state = 7_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) % below
    };
    for round in 0..400 {
        let (count, span) = (1 + random(3_000), 1 << (random(40) + 12));
        let mut members: Vec<u64> = (0..count).map(|_| random(span)).collect();
        members.sort_unstable();
        members.dedup();
        for schema in [Schema::EvenSpans, Schema::HalvedSpans] {
            let section = build::exact(members.iter().copied(), schema).unwrap();
            assert_eq!(model(&section).as_deref(), Some(&members[..]), "round {round}");
        }
    }
}
