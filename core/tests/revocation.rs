//! The exact set and the pre-filter, over whole universes.
#![cfg(feature = "alloc")]
#![allow(clippy::cast_possible_truncation, reason = "universes of tests fit a machine word")]

use licentia_core::{
    Code, Salt,
    inner::{bloom, build},
    limits,
    revocation::{Exact, Schema},
};

/// A generator of the `SplitMix64` family: the same numbers on every machine.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// A set as it is written today.
fn exact(indices: impl Iterator<Item = u64> + Clone) -> Vec<u8> {
    build::exact(indices, Schema::default()).expect("indices that ascend")
}

/// The number of members, of a set that is good.
fn check(section: &[u8], most: u64) -> Result<u64, Code> {
    Exact::read(section).and_then(|set| set.check(most)).map(|census| census.count)
}

/// Which of `issued` indices are revoked, at `per_mille`.
fn revoked(issued: u64, per_mille: u64) -> Vec<bool> {
    let mut numbers = Numbers(issued ^ per_mille);
    (0..issued).map(|_| numbers.next() % 1000 < per_mille).collect()
}

fn members(revoked: &[bool]) -> impl Iterator<Item = u64> + Clone {
    revoked.iter().enumerate().filter(|(_, revoked)| **revoked).map(|(index, _)| index as u64)
}

/// Bits that a set of `count` of `issued` takes at least, in the mean.
fn entropy(issued: f64, count: f64) -> f64 {
    let p = count / issued;
    issued * -(p * p.log2() + (1.0 - p) * (1.0 - p).log2())
}

#[test]
#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn no_verdict_is_wrong_over_whole_universes() {
    println!("issued     revoked    bytes      bits each  x entropy");
    for issued in [10_000, 1_000_000, 10_000_000_u64] {
        for per_mille in [1, 10, 50] {
            let revoked = revoked(issued, per_mille);
            let count = members(&revoked).count() as u64;
            let section = exact(members(&revoked));
            let set = Exact::read(&section).unwrap();
            assert_eq!((check(&section, count), set.count()), (Ok(count), count));
            assert_eq!(check(&section, count - 1), Err(Code::BundleMalformed), "more than may be");
            assert!(set.iter().eq(members(&revoked)));
            assert!((0..issued).all(|index| set.contains(index) == revoked[index as usize]));
            // Licences that were issued after the bundle.
            assert!(!(issued..issued + 1_000_000).any(|index| set.contains(index)));
            let salt = [7; 16].into();
            let filter = build::bloom(members(&revoked), count, &salt);
            let may = |index: u64| bloom::may_contain(&filter, bloom::hash(&salt, &index.to_le_bytes()));
            assert!(members(&revoked).all(may), "a filter misses nobody");
            let asked = (issued..issued + 1_000_000).filter(|index| may(*index)).count();
            assert!(asked <= 2_000, "{asked} of a million pass the filter, which is more than 0.2 %");
            let bits = section.len() as f64 * 8.0;
            let ratio = bits / entropy(issued as f64, count as f64);
            println!(
                "{issued:<10} {count:<10} {:<10} {:<10.2} {ratio:.3}",
                section.len(),
                bits / count as f64
            );
            assert!(ratio <= 1.12, "{ratio} times the entropy");
        }
    }
}

#[test]
fn clustered_and_extreme_sets_are_exact_too() {
    let sets: [Vec<u64>; 7] = [
        vec![0],
        vec![(1 << 53) - 1],
        vec![0, (1 << 53) - 1],
        (0..3_000).collect(),
        (1_000_000..1_002_000).collect(),
        (0..1_000).map(|n| n * 2).chain(1 << 40..(1 << 40) + 1_000).collect(),
        (0..2_000).chain([1 << 30]).collect(),
    ];
    for set in sets {
        let section = exact(set.iter().copied());
        let read = Exact::read(&section).unwrap();
        assert_eq!(check(&section, u64::MAX), Ok(set.len() as u64));
        assert!(read.iter().eq(set.iter().copied()), "{} members", set.len());
        for index in set.iter().flat_map(|index| [index.saturating_sub(1), *index, index + 1]) {
            assert_eq!(read.contains(index), set.binary_search(&index).is_ok(), "{index}");
        }
        assert_eq!(exact(read.iter()), section, "deterministic");
    }
    assert!(!Exact::read(&[]).unwrap().contains(0));
}

#[test]
fn lying_sections_are_refused_or_answer_without_a_panic() {
    for issued in [2_000, 20_000] {
        lies(&revoked(issued, 50));
    }
}

fn lies(revoked: &[bool]) {
    let last = members(revoked).last().unwrap();
    let good = exact(members(revoked));
    let mut taken = 0_u64;
    let mut ask = |section: &[u8]| {
        let Ok(set) = Exact::read(section) else { return };
        let found = [0, 1, last, last + 1, u64::MAX].into_iter().filter(|index| set.contains(*index)).count();
        assert!(found <= 5);
        let Ok(count) = check(section, 1 << 26) else { return };
        // What was checked is what it says: a set of so many members that ascend, each of which is found.
        let listed: Vec<u64> = set.iter().collect();
        assert!(listed.len() as u64 == count && count == set.count() && listed.is_sorted_by(|a, b| a < b));
        assert!(listed.iter().step_by(97).all(|member| set.contains(*member) && *member < 1 << 53));
        assert!(count <= section.len() as u64 * 8);
        taken += 1;
    };
    (0..good.len()).for_each(|length| ask(&good[..length]));
    let mut numbers = Numbers(1);
    for _ in 0..20_000 {
        let mut changed = good.clone();
        for _ in 0..=numbers.next() % 4 {
            // The head and the directory more often than the bits.
            let range = if numbers.next().is_multiple_of(2) { 64 } else { changed.len() as u64 };
            let at = usize::try_from(numbers.next() % range).unwrap();
            changed[at] = numbers.next().to_le_bytes()[0];
        }
        ask(&changed);
    }
    assert!(taken > 0, "some alterations give another good set");
}

#[test]
fn a_section_has_one_meaning_or_none() {
    let check = |section: &[u8]| check(section, u64::MAX);
    // Three members of a small set, with no gaps: three zeros, and ones to the byte's end.
    assert_eq!(check(&[0x80, 0b0001_1111]), Ok(3));
    let bad: [(&str, &[u8]); 5] = [
        ("a byte of ones too many", &[0x80, 0b0001_1111, 0xff]),
        ("a gap that does not end", &[0x83, 0b0000_0000, 0b0001_1110]),
        ("more members than a small set has", &[&[0x80][..], &[0; 129]].concat()),
        ("an index beyond those that there are", &[0x80 + 53, 0b1100_0000, 0, 0, 0, 0, 0, 0]),
        ("a Rice parameter that is too great", &[0x80 + 54, 0]),
    ];
    for (what, section) in bad {
        assert_eq!(check(section), Err(Code::BundleMalformed), "{what}");
    }
    let members: Vec<u64> = (0..5_000).map(|n| n * 50 + n % 7).collect();
    let good = exact(members.iter().copied());
    let chunks = usize::try_from(u32::from_le_bytes(*good[12..].first_chunk().unwrap())).unwrap();
    let entries = 16 + chunks.div_ceil(64) * 8;
    let changed = |at: usize, change: fn(u8) -> u8| {
        let mut section = good.clone();
        section[at] = change(section[at]);
        check(&section)
    };
    assert_eq!(check(&good), Ok(5_000));
    let malformed = Err(Code::BundleMalformed);
    assert_eq!(changed(4, |count| count - 1), malformed, "one member fewer than it has");
    assert_eq!(changed(4, |count| count + 1), malformed, "and one more");
    assert_eq!(changed(1, |rice| rice + 1), malformed, "another parameter");
    assert_eq!(changed(2, |chunk| chunk - 1), malformed, "chunks that are too narrow for their members");
    assert_eq!(changed(entries, |begin| begin + 1), malformed, "a set that does not begin at its beginning");
    assert_eq!(changed(entries + 2, |begin| begin - 1), malformed, "chunks that overlap");
    assert_eq!(changed(16, |anchor| anchor + 1), malformed, "an anchor that is off");
    assert_eq!(changed(good.len() - 1, |_| 0), malformed, "zeros at the end");
}

#[test]
fn a_difference_leads_from_one_set_to_the_other_and_back() {
    let (a, b) = (revoked(50_000, 20), revoked(50_001, 30));
    let difference: Vec<_> = build::difference(members(&a), members(&b)).collect();
    assert!(build::difference(members(&a), difference.iter().copied()).eq(members(&b)));
    assert!(build::difference(members(&b), difference.iter().copied()).eq(members(&a)));
    assert_eq!(build::difference(members(&a), members(&a)).count(), 0);
}

#[test]
fn spans_are_halved_until_chunks_are_small() {
    let crowd = |indices: &[u64], schema| {
        let section = build::exact(indices.iter().copied(), schema).unwrap();
        let set = Exact::read(&section).unwrap();
        assert!(set.iter().eq(indices.iter().copied()));
        assert!(indices.iter().step_by(7).all(|index| set.contains(*index)));
        set.check(u64::MAX).unwrap().crowd
    };
    // Two thousand of one shard, of a hundred million that were issued.
    let mut numbers = Numbers(3);
    let mut shard: Vec<u64> = (0..2_000).map(|_| 99_614_720 + numbers.next() % (1 << 20)).collect();
    shard.sort_unstable();
    shard.dedup();
    assert_eq!(crowd(&shard, Schema::EvenSpans), shard.len() as u64, "one chunk in schema 1");
    assert!(crowd(&shard, Schema::HalvedSpans) <= 1024);
    // Dense in one place, and one index far off. A directory has at most one entry for each member.
    let dense: Vec<u64> = (0..89_000).chain([100_000_000]).collect();
    assert_eq!(crowd(&dense, Schema::EvenSpans), 65_536);
    assert_eq!(crowd(&dense, Schema::HalvedSpans), 2_048);
}

#[test]
fn what_does_not_ascend_is_not_built() {
    let built = |indices: &[u64]| build::exact(indices.iter().copied(), Schema::default()).is_some();
    assert!(built(&[]) && built(&[0]) && built(&[0, 1, limits::INTEGER]));
    assert!(!built(&[1, 0]) && !built(&[5, 5]) && !built(&[limits::INTEGER + 1]) && !built(&[u64::MAX]));
    let many: Vec<u64> = (0..2_000).chain([1_999]).collect();
    assert!(!built(&many));
}

/// A set with a directory as a hostile signer writes one: `chunks` holds each chunk's bits.
fn directory(rice: u8, chunk: u8, chunks: &[&str], count: u64) -> Vec<u8> {
    let mut section = vec![1, rice, chunk, 0];
    section.extend(count.to_le_bytes());
    section.extend(u32::try_from(chunks.len()).unwrap().to_le_bytes());
    let begins: Vec<u64> =
        chunks.iter().scan(0, |at, bits| Some(std::mem::replace(at, *at + bits.len() as u64))).collect();
    begins.iter().step_by(64).for_each(|begin| section.extend(begin.to_le_bytes()));
    for (at, begin) in begins.iter().enumerate() {
        section.extend(u16::try_from(begin - begins[at - at % 64]).unwrap().to_le_bytes());
    }
    let bits: Vec<u8> = chunks.concat().bytes().collect();
    for byte in bits.chunks(8) {
        let bit = |at: usize| byte.get(at).is_none_or(|bit| *bit == b'1');
        section.push((0..8).fold(0, |all, at| all << 1 | u8::from(bit(at))));
    }
    section
}

#[test]
fn shifts_of_wire_numbers_lose_no_bit() {
    let all = |section: &[u8]| check(section, u64::MAX);
    // The least of it that is good: one member in each of two chunks.
    assert_eq!(all(&directory(0, 1, &["0", "0"], 2)), Ok(2));
    // 2,049 chunks of 2^53: the last one would begin at 2^64, which is 0 once its high bits are lost.
    let chunks = vec!["0"; 2_049];
    assert_eq!(all(&directory(0, 53, &chunks, 2_049)), Err(Code::BundleMalformed));
    for (chunk, most) in [(53, 1), (52, 2), (51, 4), (43, 1_024)] {
        assert_eq!(all(&directory(0, chunk, &chunks[..most], most as u64)), Ok(most as u64));
        assert_eq!(all(&directory(0, chunk, &chunks[..=most], most as u64 + 1)), Err(Code::BundleMalformed));
    }
    // A quotient of 2^11 under Rice parameter 53 is 2^64: it must not read as the member 0 again.
    for (rice, ones) in [(53, 2_048), (53, 1), (52, 2), (50, 8), (40, 8_192)] {
        let long = ["1".repeat(ones), "0".repeat(usize::from(rice) + 1)].concat();
        assert_eq!(all(&directory(rice, 53, &[&long], 1)), Err(Code::BundleMalformed), "{rice} {ones}");
        let mut small = directory(rice, 53, &[&long], 1).split_off(16 + 8 + 2);
        small.insert(0, 128 + rice);
        assert_eq!(all(&small), Err(Code::BundleMalformed), "{rice} {ones} without a directory");
    }
}

#[test]
fn chunks_without_members_are_no_padding() {
    let all = |section: &[u8]| check(section, u64::MAX);
    assert_eq!(all(&directory(0, 1, &["00", "", "0"], 3)), Ok(3), "one between others");
    assert_eq!(
        all(&directory(0, 1, &["00", "", "", "0"], 3)),
        Err(Code::BundleMalformed),
        "more chunks than members"
    );
    assert_eq!(all(&directory(0, 1, &["00", "0", ""], 3)), Err(Code::BundleMalformed), "one at the end");
    let empty = vec![""; 100_000];
    assert_eq!(all(&directory(0, 10, &empty, 0)), Err(Code::BundleMalformed));
}

#[test]
#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn hits_cannot_be_aimed_at_without_the_salt() {
    // An adversary tries a million indices under salts of their own and keeps those that hit.
    let revoked = revoked(1_000_000, 10);
    let count = members(&revoked).count() as u64;
    let theirs = build::bloom(members(&revoked), count, &[1; 16].into());
    let may = |filter: &[u8], salt: &Salt, index: u64| {
        bloom::may_contain(filter, bloom::hash(salt, &index.to_le_bytes()))
    };
    let chosen: Vec<_> =
        (2_000_000..6_000_000).filter(|index| may(&theirs, &[1; 16].into(), *index)).collect();
    assert!(chosen.len() > 1000, "{}", chosen.len());
    let ours = build::bloom(members(&revoked), count, &[2; 16].into());
    let hits = chosen.iter().filter(|index| may(&ours, &[2; 16].into(), **index)).count();
    let expected =
        (2_000_000..6_000_000).filter(|index| may(&ours, &[2; 16].into(), *index)).count() as f64 / 4e6;
    let rate = hits as f64 / chosen.len() as f64;
    let deviation = (expected * (1.0 - expected) / chosen.len() as f64).sqrt();
    println!("hits by chance {expected:.5}, on chosen indices {rate:.5}");
    assert!((rate - expected).abs() <= 5.0 * deviation, "{rate} against {expected}");
}
