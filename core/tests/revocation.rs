//! The exact set and the pre-filter, over whole universes.
#![cfg(feature = "alloc")]
#![allow(clippy::cast_possible_truncation, reason = "universes of tests fit a machine word")]

use licentia_core::{
    Code, Salt,
    inner::{bloom, build},
    revocation::Exact,
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
            let section = build::exact(members(&revoked));
            let set = Exact::read(&section).unwrap();
            assert_eq!((set.check(count), set.count()), (Ok(count), count));
            assert_eq!(set.check(count - 1), Err(Code::BundleMalformed), "more than may be");
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
        let section = build::exact(set.iter().copied());
        let exact = Exact::read(&section).unwrap();
        assert_eq!(exact.check(u64::MAX), Ok(set.len() as u64));
        assert!(exact.iter().eq(set.iter().copied()), "{} members", set.len());
        for index in set.iter().flat_map(|index| [index.saturating_sub(1), *index, index + 1]) {
            assert_eq!(exact.contains(index), set.binary_search(&index).is_ok(), "{index}");
        }
        assert_eq!(build::exact(exact.iter()), section, "deterministic");
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
    let good = build::exact(members(revoked));
    let mut taken = 0_u64;
    let mut ask = |section: &[u8]| {
        let Ok(set) = Exact::read(section) else { return };
        let found = [0, 1, last, last + 1, u64::MAX].into_iter().filter(|index| set.contains(*index)).count();
        assert!(found <= 5);
        let Ok(count) = set.check(1 << 26) else { return };
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
    let check = |section: &[u8]| Exact::read(section).and_then(|set| set.check(u64::MAX));
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
    let good = build::exact(members.iter().copied());
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
fn a_crowded_chunk_is_as_slow_as_its_members_and_no_slower() {
    // Dense in one place, and one index far off: the worst that a span of 10^8 can do to a chunk.
    let set = || (0..89_000).chain([100_000_000]);
    let section = build::exact(set());
    let exact = Exact::read(&section).unwrap();
    assert_eq!(exact.check(u64::MAX), Ok(89_001));
    assert!([0, 88_999, 100_000_000].into_iter().all(|index| exact.contains(index)));
    assert!([89_000, 99_999_999, 100_000_001].into_iter().all(|index| !exact.contains(index)));
    let chunk = u32::from(section[2]);
    assert!(
        1 << chunk <= 80 * 100_000_001_u64.div_ceil(89_001),
        "a chunk has no more indices than 80 mean gaps"
    );
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
