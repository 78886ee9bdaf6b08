//! The exact set and the pre-filter, over whole universes.
#![cfg(feature = "alloc")]
#![allow(clippy::cast_possible_truncation, reason = "universes of tests fit a machine word")]

use licentia_core::revocation::{Exact, bloom, build};

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

fn members(revoked: &[bool]) -> impl Iterator<Item = u64> + '_ {
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
            let (count, last) = (members(&revoked).count() as u64, members(&revoked).last().unwrap());
            let section = build::exact(members(&revoked), count, last);
            let set = Exact::read(&section).unwrap();
            assert!(set.iter().eq(members(&revoked)));
            assert!((0..issued).all(|index| set.contains(index) == revoked[index as usize]));
            // Licences that were issued after the bundle.
            assert!(!(issued..issued + 1_000_000).any(|index| set.contains(index)));
            let salt = [7; 16];
            let filter = build::bloom(members(&revoked), count, &salt);
            let may = |index: u64| bloom::may_contain(&filter, bloom::hash(&salt, &index.to_le_bytes()));
            assert!(members(&revoked).all(may), "a filter misses nobody");
            let bits = section.len() as f64 * 8.0;
            let ratio = bits / entropy(issued as f64, count as f64);
            println!(
                "{issued:<10} {count:<10} {:<10} {:<10.2} {ratio:.3}",
                section.len(),
                bits / count as f64
            );
            // Ten members take 14 bytes at least, of which the head's one and the last one's fill are much.
            assert!(ratio <= 1.12 || count < 20, "{ratio} times the entropy");
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
        let section = build::exact(set.iter().copied(), set.len() as u64, *set.last().unwrap());
        let exact = Exact::read(&section).unwrap();
        assert!(exact.iter().eq(set.iter().copied()), "{} members", set.len());
        for index in set.iter().flat_map(|index| [index.saturating_sub(1), *index, index + 1]) {
            assert_eq!(exact.contains(index), set.binary_search(&index).is_ok(), "{index}");
        }
        assert_eq!(build::exact(exact.iter(), exact.count(), *set.last().unwrap()), section, "deterministic");
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
    let (count, last) = (members(revoked).count() as u64, members(revoked).last().unwrap());
    let good = build::exact(members(revoked), count, last);
    let ask = |section: &[u8]| {
        if let Ok(set) = Exact::read(section) {
            let found =
                [0, 1, last, last + 1, u64::MAX].into_iter().filter(|index| set.contains(*index)).count();
            assert!(found <= 5 && set.iter().count() <= section.len() * 8);
        }
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
#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn hits_cannot_be_aimed_at_without_the_salt() {
    // An adversary tries a million indices under salts of their own and keeps those that hit.
    let revoked = revoked(1_000_000, 10);
    let count = members(&revoked).count() as u64;
    let theirs = build::bloom(members(&revoked), count, &[1; 16]);
    let may = |filter: &[u8], salt: &bloom::Salt, index: u64| {
        bloom::may_contain(filter, bloom::hash(salt, &index.to_le_bytes()))
    };
    let chosen: Vec<_> = (2_000_000..6_000_000).filter(|index| may(&theirs, &[1; 16], *index)).collect();
    assert!(chosen.len() > 1000, "{}", chosen.len());
    let ours = build::bloom(members(&revoked), count, &[2; 16]);
    let hits = chosen.iter().filter(|index| may(&ours, &[2; 16], **index)).count();
    let expected = (2_000_000..6_000_000).filter(|index| may(&ours, &[2; 16], *index)).count() as f64 / 4e6;
    let rate = hits as f64 / chosen.len() as f64;
    let deviation = (expected * (1.0 - expected) / chosen.len() as f64).sqrt();
    println!("hits by chance {expected:.5}, on chosen indices {rate:.5}");
    assert!((rate - expected).abs() <= 5.0 * deviation, "{rate} against {expected}");
}
