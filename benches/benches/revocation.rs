//! Asking a bundle of a million revoked licences, beside filters that have false positives.

#![allow(missing_docs, reason = "a benchmark's main function is made by a macro")]

use std::{collections::BTreeSet, hint::black_box};

use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use fastbloom::BloomFilter;
use licentia_core::{
    Keyring,
    inner::build,
    revocation::{Bundle, Reason, RevocationTerms},
};
use licentia_issuer::{BundleDraft, SigningKey};
use xorf::{BinaryFuse16, Filter};

const ISSUED: u64 = 100_000_000;
const REVOKED: usize = 1_000_000;
/// Two of three are not paid for, as it goes.
const REASONS: [Reason; 12] = [
    Reason::Unpaid,
    Reason::Unpaid,
    Reason::Unpaid,
    Reason::Unpaid,
    Reason::Unpaid,
    Reason::Unpaid,
    Reason::Unpaid,
    Reason::Unpaid,
    Reason::Requested,
    Reason::Superseded,
    Reason::Breach,
    Reason::Fraud,
];
/// Questions are asked in an order that no cache foresees.
const QUESTIONS: usize = 1 << 16;

fn revocation(criterion: &mut Criterion) {
    let mut random = fastrand::Rng::with_seed(7);
    let mut revoked = BTreeSet::new();
    while revoked.len() < REVOKED {
        revoked.insert(random.u64(0..ISSUED));
    }
    let members: Vec<u64> = revoked.iter().copied().collect();
    let key = SigningKey::from_seed(&[5; 32]).unwrap();
    let draft = BundleDraft {
        issuer: "acme".into(),
        sequence: 1,
        next_update: 2_000_000_000.into(),
        expires: 2_000_000_001.into(),
        salt: [3; 16].into(),
        indices: members.iter().map(|index| (*index, RevocationTerms::default())).collect(),
        ..BundleDraft::default()
    };
    // The same licences, for five reasons: as many groups, the largest of which is looked into first.
    let mut reasons = draft.clone();
    for terms in reasons.indices.values_mut() {
        terms.reason = REASONS[random.usize(0..REASONS.len())];
    }
    let keys = [key.public().for_revocation()];
    let (bytes, reasons) = (draft.sign(&key).unwrap(), reasons.sign(&key).unwrap());
    let read = |bytes| Bundle::read(bytes, Keyring::new(&keys)).unwrap().0;
    let filter = build::bloom(members.iter().copied(), REVOKED as u64, &draft.salt);
    let (bundle, reasons) = (read(&bytes).with_bloom(&filter), read(&reasons).with_bloom(&filter));
    let alone = read(&bytes).with_bloom(&[]);
    let fuse = BinaryFuse16::try_from(&members).unwrap();
    let mut bloom = BloomFilter::with_num_bits(REVOKED * 16).seed(&3).expected_items(REVOKED);
    for index in &members {
        bloom.insert(index);
    }

    let misses: Vec<u64> = std::iter::repeat_with(|| random.u64(0..ISSUED))
        .filter(|index| !revoked.contains(index))
        .take(QUESTIONS)
        .collect();
    let hits: Vec<u64> = (0..QUESTIONS).map(|_| members[random.usize(0..REVOKED)]).collect();
    assert!(
        hits.iter().all(|index| bundle.contains(*index))
            && !misses.iter().any(|index| bundle.contains(*index))
    );
    for (name, questions) in [("revocation, miss", &misses), ("revocation, hit", &hits)] {
        let mut group = criterion.benchmark_group(name);
        ask(&mut group, "licentia", questions, |index| bundle.contains(index));
        ask(&mut group, "licentia, five reasons", questions, |index| reasons.contains(index));
        ask(&mut group, "licentia, exact set alone", questions, |index| alone.contains(index));
        ask(&mut group, "xorf BinaryFuse16", questions, |index| fuse.contains(&index));
        ask(&mut group, "fastbloom, 16 bits", questions, |index| bloom.contains(&index));
        group.finish();
    }
}

fn ask(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    questions: &[u64],
    contains: impl Fn(u64) -> bool,
) {
    let mut at = 0;
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            at = (at + 1) % QUESTIONS;
            contains(black_box(questions[at]))
        });
    });
}

criterion_group!(benches, revocation);
criterion_main!(benches);
