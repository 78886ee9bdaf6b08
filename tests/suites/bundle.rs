//! Altered revocation bundles are refused or answer, and never panic.
//!
//! `LICENTIA_CASES` sets how many are tried.

use std::collections::{BTreeMap, HashSet};

use fastrand::Rng;
use licentia_core::{
    Code, Keyring, Unverified, cose,
    revocation::{Bundle, bloom, build, merge},
};
use licentia_tests::{Issuer, altered, cases, in_parallel, report};
use licentia_vectors::Step;

/// The bundles and deltas of the vectors that a gate takes, and licences to ask about.
struct Setting {
    bundles: Vec<Vec<u8>>,
    payloads: Vec<Vec<u8>>,
    known: HashSet<Vec<u8>>,
    signer: Issuer,
    tokens: Vec<Vec<u8>>,
}

impl Setting {
    fn new() -> Self {
        let (mut bundles, mut tokens) = (Vec::new(), Vec::new());
        for test in licentia_vectors::gate().test_groups.iter().flat_map(|group| &group.tests) {
            for step in &test.steps {
                match step {
                    Step::Publish { bundle, code } if code == "allowed" => {
                        bundles.push(data_encoding::HEXLOWER.decode(bundle.as_bytes()).expect("hexadecimal"));
                    }
                    Step::Check { token, .. } if test.flags.iter().any(|flag| flag == "Revocation") => {
                        let mut buffer = licentia_core::Buffer::new();
                        let token = licentia_core::text::decode_license(token, &mut buffer);
                        tokens.push(token.expect("a licence").to_vec());
                    }
                    _ => {}
                }
            }
        }
        for list in [&mut bundles, &mut tokens] {
            list.sort();
            list.dedup();
        }
        let payload = |bundle: &Vec<u8>| {
            let frame = cose::Frame::read(bundle, cose::Typ::Bundle)
                .or_else(|_| cose::Frame::read(bundle, cose::Typ::Delta));
            frame.expect("a good bundle").payload.of(bundle).to_vec()
        };
        let payloads = bundles.iter().map(payload).collect();
        Self {
            known: bundles.iter().cloned().collect(),
            payloads,
            bundles,
            signer: Issuer::new(b"revoker", 5),
            tokens,
        }
    }
}

/// Asks everything that can be asked of a bundle that was read, within bounds that its length sets.
fn ask(setting: &Setting, bundle: &Bundle<'_>, base: &Bundle<'_>, rng: &mut Rng) {
    let claims = Unverified::read(&setting.tokens[rng.usize(0..setting.tokens.len())]).expect("a licence");
    let _ = bundle.verdict(&claims, 1_800_000_000);
    for index in [0, 7, rng.u64(..), rng.u64(0..1 << 20), u64::MAX] {
        let _ = bundle.contains(index);
        let _ = bundle.exact().contains(index);
        let _ = bloom::may_contain(bundle.bloom(), bloom::hash(bundle.salt(), &index.to_le_bytes()));
    }
    let members: Vec<u64> = bundle.exact().iter().collect();
    assert!(members.len() <= bundle.exact_section().len() * 8, "each member takes a bit");
    // A section that lies can repeat itself; it is only ever as long as its bits.
    if members.is_sorted_by(|a, b| a < b) && members.last().is_some_and(|last| *last < 1 << 32) {
        let last = members.last().copied().unwrap_or(0);
        let again = build::exact(members.iter().copied(), members.len() as u64, last);
        let set = licentia_core::revocation::Exact::read(&again).expect("what is built is read");
        assert!(members.iter().all(|member| set.contains(*member)) && set.iter().eq(members.iter().copied()));
    }
    let _ = merge(base, bundle);
    let _ = (bundle.rules().count(), bundle.digest());
}

fn check(setting: &Setting, rng: &mut Rng) -> Code {
    let keys = [setting.signer.public().for_revocation()];
    let keyring = Keyring::new(&keys);
    // The bytes as they came: nothing altered has a good signature.
    let bytes = altered(rng, &setting.bundles);
    if let Ok((bundle, _)) = Bundle::inspect(&bytes) {
        let base = &setting.bundles[rng.usize(0..setting.bundles.len())];
        ask(setting, &bundle, &Bundle::inspect(base).expect("a good bundle").0, rng);
    }
    match Bundle::read(&bytes, keyring) {
        Ok(_) => assert!(setting.known.contains(&bytes), "accepted: {bytes:02x?}"),
        Err(code) => assert_ne!(code, Code::Allowed),
    }
    // The same under a good signature: a signer who lies.
    let payload = altered(rng, &setting.payloads);
    let typ = if rng.u8(0..4) == 0 { cose::Typ::Delta } else { cose::Typ::Bundle };
    let bytes = setting.signer.sign(typ, &payload);
    match Bundle::read(&bytes, keyring) {
        Ok((bundle, _)) => {
            let base = &setting.bundles[rng.usize(0..setting.bundles.len())];
            ask(setting, &bundle, &Bundle::inspect(base).expect("a good bundle").0, rng);
            Code::Allowed
        }
        Err(code) => {
            assert_eq!(code, Code::BundleMalformed);
            code
        }
    }
}

#[test]
fn altered_bundles() {
    let setting = Setting::new();
    let cases = cases(50_000);
    let found = in_parallel("mutation: bundles", cases, |rng, count| {
        let mut answers = BTreeMap::<Code, u64>::new();
        for _ in 0..count {
            *answers.entry(check(&setting, rng)).or_default() += 1;
        }
        answers
    });
    let taken: u64 = found.iter().filter_map(|answers| answers.get(&Code::Allowed)).sum();
    report(format_args!("  {taken} harmless, {} bundle_malformed", cases - taken));
    assert!(taken > 0 && taken < cases, "some alterations are harmless");
}
