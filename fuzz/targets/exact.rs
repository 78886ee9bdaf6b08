//! Exact sets with any parameters: one that is taken has the members that a plain reader finds bit by bit, ascending,
//! has no others, and is built again with the same members.

#![no_main]

use libfuzzer_sys::fuzz_target;
use licentia_core::{
    inner::build,
    limits,
    revocation::{Exact, Schema},
};
use licentia_fuzz::{Bound, bounded, members};

/// Checking goes through every bit once, and needs no heap.
const BOUND: Bound = Bound { heap: (0, 0), nanos: (60_000, 1_000) };

fuzz_target!(|section: &[u8]| {
    let checked = bounded(section.len(), BOUND, || Exact::read(section)?.check(limits::REVOKED));
    let Ok(census) = checked else { return };
    let set = Exact::read(section).expect("it was read");
    let listed: Vec<u64> = set.iter().collect();
    assert_eq!(Some(&listed), members(section).as_ref());
    assert!(listed.is_sorted_by(|a, b| a < b) && listed.len() <= section.len() * 8);
    assert_eq!((census.count, set.count()), (listed.len() as u64, listed.len() as u64));
    assert!(census.crowd <= census.count && (census.crowd > 0 || listed.is_empty()));
    assert_eq!(set.is_empty(), listed.is_empty());
    for (at, member) in listed.iter().enumerate() {
        assert!(*member <= limits::INTEGER);
        if at % 37 == 0 || at + 1 == listed.len() {
            assert!(set.contains(*member), "{member}");
            let next = member + 1;
            assert_eq!(set.contains(next), listed.get(at + 1) == Some(&next));
        }
    }
    assert!(!set.contains(limits::INTEGER + 1) && !set.contains(u64::MAX));
    if listed.len() > 4_096 {
        return;
    }
    for schema in [Schema::EvenSpans, Schema::HalvedSpans] {
        let built = build::exact(listed.iter().copied(), schema).expect("they ascend");
        let again = Exact::read(&built).expect("what is built is read");
        let census = again.check(limits::REVOKED).expect("and good");
        assert!(again.iter().eq(listed.iter().copied()));
        assert!(
            listed.len() <= 1_024
                || schema == Schema::EvenSpans
                || census.crowd <= 1_024
                || listed.len() as u64 == census.count
        );
    }
});
