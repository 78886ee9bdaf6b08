//! Altered revocation bundles are refused or answer, and never panic.
//!
//! `LICENTIA_CASES` sets how many are tried.

use std::collections::{BTreeMap, HashSet};

use fastrand::Rng;
use licentia::{GateBuilder, Key, Request};
use licentia_core::{
    Code, Keyring, Unverified,
    inner::{Frame, Typ, bloom, build, clock, state_root},
    revocation::{Bundle, Effect, Exact, Schema, Verdict, merge},
    text,
};
use licentia_tests::{Issuer, altered, cases, in_parallel, report};
use licentia_vectors::Step;

const NOW: licentia_core::Timestamp = licentia_core::Timestamp::from_seconds(1_800_000_000);

/// The bundles and deltas of the vectors that a gate takes, and licences to ask about.
struct Setting {
    bundles: Vec<Vec<u8>>,
    payloads: Vec<Vec<u8>>,
    known: HashSet<Vec<u8>>,
    signer: Issuer,
    /// The key that signed the licences.
    main: Key,
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
            let frame = Frame::read(bundle, Typ::Bundle).or_else(|_| Frame::read(bundle, Typ::Delta));
            frame.expect("a good bundle").payload.of(bundle).to_vec()
        };
        let payloads = bundles.iter().map(payload).collect();
        Self {
            known: bundles.iter().cloned().collect(),
            payloads,
            bundles,
            signer: Issuer::new(b"revoker", 5),
            main: Issuer::new(b"main", 1).public(),
            tokens,
        }
    }
}

/// Asks everything that can be asked of a bundle that was read, within bounds that its length sets.
fn ask(setting: &Setting, bundle: &Bundle<'_>, base: &Bundle<'_>, rng: &mut Rng) {
    let claims = Unverified::read(&setting.tokens[rng.usize(0..setting.tokens.len())]).expect("a licence");
    let verdict = bundle.verdict(&claims, NOW);
    assert!(verdict == Verdict::Good || bundle.concerns(&claims));
    for index in [0, 7, rng.u64(..), rng.u64(0..1 << 20), u64::MAX] {
        let _ = bundle.contains(index);
        let _ = bloom::may_contain(bundle.bloom(), bloom::hash(bundle.salt(), &index.to_le_bytes()));
    }
    let mut members = 0;
    for group in bundle.groups() {
        let set = group.exact();
        let listed: Vec<u64> = set.iter().collect();
        assert!(listed.len() <= set.section().len() * 8, "each member takes a bit");
        assert!(
            listed.is_sorted_by(|a, b| a < b)
                && listed.iter().step_by(31).all(|member| set.contains(*member))
        );
        let again = build::exact(listed.iter().copied(), Schema::EvenSpans).unwrap();
        assert!(Exact::read(&again).expect("what is built is read").iter().eq(listed.iter().copied()));
        members += listed.len() as u64;
    }
    assert_eq!(bundle.counts().0, members);
    let _ = merge(base, bundle);
    let _ = (bundle.rules().count(), bundle.digest());
}

/// What a gate takes is what the reader takes, and what it then says of a licence is the bundle's verdict.
fn load(setting: &Setting, bytes: &[u8], rng: &mut Rng) -> Result<bool, Code> {
    let key = setting.signer.public().for_revocation();
    let gate = GateBuilder::new().key(key.clone()).key(setting.main.clone());
    let gate = gate.cache_capacity(1).replay_capacity(1).build().expect("a gate");
    let loaded = gate.load_revocation(bytes).map_err(Code::from);
    let keys = [key];
    if let (Ok(true), Ok((bundle, _))) = (loaded, Bundle::read(bytes, Keyring::new(&keys))) {
        let token = &setting.tokens[rng.usize(0..setting.tokens.len())];
        let claims = Unverified::read(token).expect("a licence");
        let code = gate.check(&text::Text::license(token).to_string(), &Request::new(), NOW).code();
        // The gate's time is not before the bundle's, where that is near.
        let now = NOW.max(clock::published(bundle.issued_at(), NOW));
        match bundle.verdict(&claims, now) {
            Verdict::Good => assert!(!matches!(code, Code::Revoked | Code::RevokedByRule), "{code:?}"),
            Verdict::Revoked { terms, .. } => {
                let until = matches!(terms.effect, Effect::Deny);
                assert!(!until || !code.is_allowed(), "{code:?}");
            }
        }
    }
    loaded
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
    // The same under a good signature: a signer who lies, and names the root of what is there.
    let mut payload = altered(rng, &setting.payloads);
    let typ = if rng.u8(0..4) == 0 { Typ::Delta } else { Typ::Bundle };
    if rng.bool() {
        rooted(setting, typ, &mut payload);
    }
    let bytes = setting.signer.sign(typ, &payload);
    let read = Bundle::read(&bytes, keyring);
    let loaded = load(setting, &bytes, rng);
    match read {
        Ok((bundle, _)) => {
            let base = &setting.bundles[rng.usize(0..setting.bundles.len())];
            ask(setting, &bundle, &Bundle::inspect(base).expect("a good bundle").0, rng);
            let delta = bundle.base().is_some();
            assert_eq!(loaded, if delta { Err(Code::BundleWrongBase) } else { Ok(true) });
            Code::Allowed
        }
        Err(code) => {
            assert!(matches!(code, Code::BundleMalformed | Code::BundleWrongRoot), "{code:?}");
            assert_eq!(loaded, Err(code));
            code
        }
    }
}

/// Puts the root of what is there in the place of the one that was there before.
fn rooted(setting: &Setting, typ: Typ, payload: &mut [u8]) {
    let bytes = setting.signer.sign(typ, payload);
    let Ok((bundle, _)) = Bundle::inspect(&bytes) else { return };
    let root = state_root(bundle.encoded_rules(), bundle.encoded_groups());
    let old = *bundle.root();
    if let Some(at) = payload.windows(32).position(|window| *window == old) {
        payload[at..at + 32].copy_from_slice(&root);
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
    let root: u64 = found.iter().filter_map(|answers| answers.get(&Code::BundleWrongRoot)).sum();
    let malformed = cases - taken - root;
    report(format_args!("  {taken} harmless, {root} bundle_wrong_root, {malformed} bundle_malformed"));
    assert!(taken > 0 && taken < cases, "some alterations are harmless");
}
