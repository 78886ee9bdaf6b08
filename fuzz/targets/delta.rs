//! A delta: what it leads to is the base with every member turned over that the delta names, in the terms' own group;
//! it is refused if that is no state of a bundle, and merging costs a multiple of what is merged.

#![no_main]

use libfuzzer_sys::fuzz_target;
use licentia_core::{
    Code, Keyring,
    inner::build,
    revocation::{Bundle, Schema, merge},
};
use licentia_fuzz::{Bound, KEY, Numbers, Plain, bounded, bundle, plain};

/// The base is copied and merged, and every member becomes at most its bits in the base or in the delta, and then a
/// chunk's entry.
const BOUND: Bound = Bound { heap: (65_536, 64), nanos: (2_000_000, 20_000) };

fuzz_target!(|data: &[u8]| {
    let Some((schema, data)) = data.split_first() else { return };
    let Some((length, data)) = data.split_first_chunk::<2>() else { return };
    let Some((base, change)) = data.split_at_checked(u16::from_le_bytes(*length).into()) else { return };
    let schema = schema % 2 + 1;
    let keys = [KEY.public().for_revocation()];
    let read = |bytes| Bundle::read(bytes, Keyring::new(&keys)).map(|(bundle, _)| bundle);
    let first = bundle(KEY, Numbers { sequence: 1, base: None, schema }, base, base);
    let Ok(first) = read(&first) else { return };
    // A first reading, to learn what it leads to; a signer who lies names any root.
    let numbers = Numbers { sequence: 2, base: Some(1), schema };
    let draft = bundle(KEY, numbers, change, &[]);
    let Ok(draft) = read(&draft) else { return };
    assert!(matches!(merge(&first, &draft).map(drop), Ok(()) | Err(Code::BundleWrongRoot)));
    let kind = if schema == 1 { Schema::EvenSpans } else { Schema::HalvedSpans };
    let state = build::group_difference(&first, &draft, kind).expect("sets that were read ascend");
    let delta = bundle(KEY, numbers, change, &state);
    let delta = read(&delta).expect("only the root has changed");
    let merged = bounded(base.len() + change.len(), BOUND, || {
        merge(&first, &delta).map(|owned| owned.bundle(&[]).encoded_groups().to_vec())
    });
    let expected = turned_over(plain(base).expect("it was read"), plain(change).expect("it was read"));
    match merged {
        Ok(groups) => {
            assert_eq!(groups, state);
            assert_eq!(plain(&groups).expect("it was written"), expected);
            let whole = bundle(KEY, Numbers { sequence: 2, base: None, schema }, &groups, &groups);
            let whole = read(&whole).expect("a state is a bundle");
            let there = bundle(KEY, numbers, change, &state);
            let (whole, there) = (whole.digest(), read(&there).expect("a delta").digest());
            assert_eq!(whole, there, "under one number, both say the same");
        }
        // More groups or members than a bundle may have.
        Err(code) => {
            assert_eq!(code, Code::BundleMalformed);
            assert!(
                expected.len() > 256
                    || expected.values().map(|(indices, _)| indices.len()).sum::<usize>() > 1_024
            );
        }
    }
});

fn turned_over(base: Plain, change: Plain) -> Plain {
    let mut all = base;
    for (terms, (indices, hashes)) in change {
        let (of, also) = all.entry(terms).or_default();
        *of = of.symmetric_difference(&indices).copied().collect();
        *also = also.symmetric_difference(&hashes).copied().collect();
    }
    all.retain(|_, (indices, hashes)| !indices.is_empty() || !hashes.is_empty());
    all
}
