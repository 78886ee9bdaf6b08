//! Signed bundles over whole universes: exact for every index, wherever the bytes lie, also for who knows the salt.
#![allow(clippy::cast_possible_truncation, reason = "universes of tests fit a machine word")]

use licentia_core::{
    Code, Key, Keyring, Unverified,
    inner::{bloom, build},
    limits,
    revocation::{Bundle, Effect, Reason, RevocationTerms, Verdict},
};
use licentia_issuer::{BundleDraft, Draft, Issuer, RuleDraft, SigningKey, sign_delta, sign_state};

fn key() -> SigningKey {
    SigningKey::from_seed(&[5; 32]).unwrap()
}

fn keys() -> [Key; 1] {
    [key().public().for_revocation()]
}

const ISSUED: u64 = 1_000_000;

/// A bundle that revokes one in a hundred of a million, for three reasons.
fn draft() -> BundleDraft {
    let mut random = fastrand::Rng::with_seed(3);
    let reasons = [Reason::Unpaid, Reason::Unpaid, Reason::Unpaid, Reason::Requested, Reason::Fraud];
    let mut draft = BundleDraft {
        issuer: "acme".into(),
        sequence: 1,
        issued_at: 1_800_000_000.into(),
        next_update: 1_800_100_000.into(),
        expires: 1_900_000_000.into(),
        salt: [9; 16].into(),
        ..BundleDraft::default()
    };
    for index in 0..ISSUED {
        if random.u64(0..100) == 0 {
            let terms = RevocationTerms {
                reason: reasons[random.usize(0..reasons.len())],
                ..RevocationTerms::default()
            };
            draft.indices.insert(index, terms);
        }
    }
    draft
}

#[test]
fn a_signed_bundle_is_right_about_everybody_in_its_universe_and_after() {
    for with_bloom in [false, true] {
        let draft = BundleDraft { with_bloom, ..draft() };
        let bytes = draft.sign(&key()).unwrap();
        let keys = keys();
        let (read, _) = Bundle::read(&bytes, Keyring::new(&keys)).unwrap();
        let derived = build::bloom(read.indices(), read.counts().0, read.salt());
        assert!(!with_bloom || read.bloom() == derived, "the one on the wire is the one that is derived");
        let bundle = read.with_bloom(&derived);
        assert_eq!(bundle.counts(), (draft.indices.len() as u64, 0));
        for index in 0..2 * ISSUED {
            assert_eq!(bundle.all_terms_of(index).next(), draft.indices.get(&index).copied(), "{index}");
        }
    }
}

#[test]
fn a_bundle_is_read_wherever_it_lies() {
    let signed = BundleDraft { with_bloom: true, ..draft() }.sign(&key()).unwrap();
    let keys = keys();
    let asked = |bytes: &[u8]| {
        let (bundle, _) = Bundle::read(bytes, Keyring::new(&keys)).unwrap();
        (0..20_000).filter(|index| bundle.contains(*index)).collect::<Vec<u64>>()
    };
    let expected = asked(&signed);
    assert!(!expected.is_empty());
    let mut space = vec![0; signed.len() + 8];
    for offset in 0..8 {
        let place = &mut space[offset..offset + signed.len()];
        place.copy_from_slice(&signed);
        assert_eq!(asked(place), expected, "at offset {offset}");
    }
}

#[test]
fn who_knows_the_salt_can_hit_the_filter_and_nothing_else() {
    let draft = BundleDraft { with_bloom: true, ..draft() };
    let bytes = draft.sign(&key()).unwrap();
    let keys = keys();
    let (bundle, _) = Bundle::read(&bytes, Keyring::new(&keys)).unwrap();
    let hits =
        |index: &u64| bloom::may_contain(bundle.bloom(), bloom::hash(bundle.salt(), &index.to_le_bytes()));
    let chosen: Vec<u64> = (ISSUED..8 * ISSUED).filter(hits).collect();
    println!("{} of 7 million indices pass the filter", chosen.len());
    assert!(chosen.len() > 1_000 && chosen.len() <= 14_000, "some, and at most 0.2 %: {}", chosen.len());
    assert!(!chosen.iter().any(|index| bundle.contains(*index)), "and not one of them is revoked");
}

#[test]
fn a_bundle_has_so_many_groups_and_rules_and_no_more() {
    let terms = |effective: u64| RevocationTerms {
        reason: Reason::Unpaid,
        effective: effective.into(),
        effect: Effect::Deny,
    };
    let grouped = |count: u64| BundleDraft {
        indices: (0..count).map(|n| (n, terms(1_800_000_001 + n))).collect(),
        ..draft()
    };
    assert!(grouped(256).sign(&key()).is_ok());
    let refused = grouped(257).sign(&key()).unwrap_err().to_string();
    assert!(refused.contains("round the times"), "{refused}");
    let rule = |index| RuleDraft {
        kid: Some(vec![1; 32]),
        subject: Some("c".repeat(256)),
        lineage: Some([1; 16].into()),
        tier: Some(("pro".into(), Some(1))),
        issued_at: Some((0.into(), 1_800_000_000.into())),
        index: Some((index, index + 1)),
        exempt: [[2; 16].into(), [1; 16].into()].into(),
        allowed: [[2; 32]].into(),
        terms: RevocationTerms { effect: Effect::WarnUntil(1_800_000_009.into()), ..terms(1_800_000_005) },
    };
    let ruled = |count| BundleDraft { rules: (0..count).map(rule).collect(), ..draft() }.sign(&key());
    assert!(ruled(256).is_ok() && ruled(257).is_err());
    let times = [[5, 4, 9], [5, 9, 9], [9, 8, 7]];
    for times in times {
        let [issued_at, next_update, expires] = times.map(licentia_core::Timestamp::from_seconds);
        let draft = BundleDraft { issued_at, next_update, expires, ..draft() };
        assert!(draft.sign(&key()).is_err(), "{times:?}");
    }
}

#[test]
fn what_deltas_led_to_is_signed_as_the_whole_bundle_that_was_published() {
    let first = draft();
    let mut second = BundleDraft { sequence: 2, ..first.clone() };
    second.indices.pop_first();
    second
        .ids
        .insert([7; 16].into(), RevocationTerms { reason: Reason::Fraud, ..RevocationTerms::default() });
    second.rules.push(RuleDraft { subject: Some("c".into()), ..RuleDraft::default() });
    let (base, delta) = (first.sign(&key()).unwrap(), second.sign_delta(&first, &key()).unwrap());
    let keys = keys();
    let read = |bytes| Bundle::read(bytes, Keyring::new(&keys)).unwrap().0;
    let state = licentia_core::revocation::merge(&read(&base), &read(&delta)).unwrap();
    assert_eq!(sign_state(&state.bundle(&[]), &key()).unwrap(), second.sign(&key()).unwrap());
    let elsewhere = BundleDraft { issuer: "other".into(), ..first.clone() }.sign(&key()).unwrap();
    let wrong = licentia_core::revocation::merge(&read(&elsewhere), &read(&delta));
    assert_eq!(wrong.map(|_| ()), Err(Code::BundleWrongBase), "another issuer's bundle of that number");
}

/// What the design promises, without a ledger: a million revoked of a hundred million, for four reasons.
#[test]
#[allow(clippy::cast_precision_loss, reason = "a bound of a size")]
fn a_million_revoked_takes_a_megabyte_and_a_thousand_changes_three_kilobytes() {
    const REVOKED: usize = 1_000_000;
    const UNIVERSE: u64 = 100_000_000;
    let mut random = fastrand::Rng::with_seed(8);
    let reasons =
        [(Reason::Unpaid, 70), (Reason::Requested, 90), (Reason::Superseded, 97), (Reason::Fraud, 100)];
    let terms = |random: &mut fastrand::Rng| {
        let at = random.u64(0..100);
        let (reason, _) = reasons.iter().find(|(_, below)| at < *below).unwrap();
        RevocationTerms { reason: *reason, ..RevocationTerms::default() }
    };
    let mut first = BundleDraft { indices: std::collections::BTreeMap::new(), ..draft() };
    while first.indices.len() < REVOKED {
        let index = random.u64(0..UNIVERSE);
        first.indices.insert(index, terms(&mut random));
    }
    let mut second = BundleDraft { sequence: 2, ..first.clone() };
    let members: Vec<u64> = first.indices.keys().copied().collect();
    while second.indices.len() > REVOKED - 500 {
        second.indices.remove(&members[random.usize(0..REVOKED)]);
    }
    while second.indices.len() < REVOKED {
        let index = random.u64(0..UNIVERSE);
        if !first.indices.contains_key(&index) {
            second.indices.insert(index, terms(&mut random));
        }
    }
    let mut plain = first.clone();
    plain.indices.values_mut().for_each(|terms| terms.reason = Reason::Unpaid);

    let (base, next, plain) =
        (first.sign(&key()).unwrap(), second.sign(&key()).unwrap(), plain.sign(&key()).unwrap());
    let keys = keys();
    let read = |bytes| Bundle::read(bytes, Keyring::new(&keys)).unwrap().0;
    let entropy = |count: u64| {
        let p = count as f64 / UNIVERSE as f64;
        UNIVERSE as f64 * -(p * p.log2() + (1.0 - p) * (1.0 - p).log2()) / 8.0
    };
    let least: f64 = read(&base).groups().map(|group| entropy(group.exact().count())).sum();
    println!(
        "{} bytes for one reason, {} for four: {:.3} times the least",
        plain.len(),
        base.len(),
        base.len() as f64 / least
    );
    assert!(plain.len() <= 1_200_000 && base.len() as f64 <= 1.12 * least + 500.0);
    let delta = sign_delta(&read(&base), &read(&next), &key()).unwrap();
    let changes = read(&delta).indices().count();
    println!("a delta of {changes} changes has {} bytes", delta.len());
    assert!(changes == 1_000 && delta.len() <= 3_000, "{changes} changes, {} bytes", delta.len());
}

/// A draft without revocations.
fn empty() -> BundleDraft {
    BundleDraft { indices: std::collections::BTreeMap::new(), ..draft() }
}

/// Times of a bundle's costliest queries: run with `--release --nocapture` to see them.
#[test]
fn the_costliest_bundles_are_bounded() {
    let denied = RevocationTerms { reason: Reason::Unpaid, ..RevocationTerms::default() };
    let dated = |day: u64| RevocationTerms { effective: (1_800_000_000 + day * 86_400).into(), ..denied };
    // One crowded chunk: as many members as a query decodes at most, and one index far off.
    let mut crowded = empty();
    crowded.indices =
        (0..limits::QUERY_MEMBERS).chain([limits::INTEGER]).map(|index| (index, denied)).collect();
    let last = limits::QUERY_MEMBERS - 1;
    let mut beyond = crowded.clone();
    beyond.indices.insert(limits::QUERY_MEMBERS, denied);
    assert!(beyond.sign(&key()).is_err(), "one more is refused");
    // 256 groups with the longest sets that have no directory: the last group has the index.
    let mut many = empty();
    for group in 0..limits::GROUPS as u64 {
        many.indices.extend((0..1024).map(|member| (member * 256 + group, dated(group))));
    }
    // 256 rules that each spare a list of tokens, which the digest is looked up in.
    let mut ruled = empty();
    for rule in 0..limits::RULES as u64 {
        let allowed = (0..1_000_u64).map(|n| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&(n * 256 + rule).to_be_bytes());
            digest
        });
        let kid = Some(key().public().kid().as_bytes().to_vec());
        ruled.rules.push(RuleDraft {
            kid,
            allowed: allowed.collect(),
            terms: dated(rule),
            ..RuleDraft::default()
        });
    }
    for (what, draft, index) in
        [("one chunk", crowded, last), ("256 groups", many, 1023 * 256 + 255), ("256 rules", ruled, 7)]
    {
        let bytes = draft.sign(&key()).unwrap();
        let keys = keys();
        let started = std::time::Instant::now();
        let (bundle, _) = Bundle::read(&bytes, Keyring::new(&keys)).unwrap();
        let read = started.elapsed();
        let bloom = build::bloom(bundle.indices(), bundle.counts().0, bundle.salt());
        let bundle = bundle.with_bloom(&bloom);
        // A long token, since rules hash it.
        let mut license = Draft::new("customer", "pro", 1, 1_800_000_000, 1_900_000_000);
        license.index = Some(index);
        license.meta = (0..15).map(|n| (format!("key {n}"), "x".repeat(240))).collect();
        let token = Issuer::new("acme", key()).issue(&license).unwrap();
        let claims = Unverified::read(token.as_bytes()).unwrap();
        let rounds = 20;
        let started = std::time::Instant::now();
        for _ in 0..rounds {
            assert!(matches!(bundle.verdict(&claims, 1_850_000_000), Verdict::Revoked { .. }), "{what}");
        }
        let query = started.elapsed() / rounds;
        let (length, state) = (bytes.len(), bundle.bloom().len());
        println!(
            "{what}: {length} bytes, read in {read:?}, a query takes {query:?}, pre-filter {state} bytes"
        );
        assert!(state <= 17 * length, "memory is bounded by the length");
        // Far above what it takes, also unoptimised and beside other work; the next kind of cost would be seconds.
        assert!(query.as_millis() < 250, "{what}: {query:?}");
    }
}
