//! Bundles of a hostile revocation key: one that is taken says of every licence what a plain reading of its groups
//! says, a gate takes exactly these, and neither loading it nor asking it costs more than a multiple of its length.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use licentia::{GateBuilder, Request};
use licentia_core::{
    Keyring, Timestamp, Unverified,
    inner::{Frame, Typ, bloom, state_root},
    limits,
    revocation::{Bundle, Verdict},
    text,
};
use licentia_fuzz::{Bound, KEY, Signer, bounded, plain};
use licentia_issuer::{Draft, Issuer, SigningKey};

/// A gate keeps the bytes, and derives a pre-filter of 16 bits for each index, which takes a bit at least.
const LOADING: Bound = Bound { heap: (131_072, 64), nanos: (8_000_000, 20_000) };
/// A query reads rules and groups, and decodes chunks.
const ASKING: Bound = Bound { heap: (0, 0), nanos: (200_000, 2_000) };
const REVOKER: Signer = Signer { seed: [5; 32] };
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// Indices of the licences that are asked about; the last has none.
const INDICES: [Option<u64>; 6] = [Some(0), Some(7), Some(1_000), Some(1 << 20), Some(limits::INTEGER), None];

static LICENSES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let issuer = Issuer::new("acme", SigningKey::from_seed(&KEY.seed).expect("a key"));
    let issue = |index: Option<u64>| {
        let draft =
            Draft { index, id: Some([5; 16].into()), ..Draft::new("cus_1", "pro", 1, NOW, NOW + 1_000_000) };
        issuer.issue(&draft).expect("a licence").as_bytes().to_vec()
    };
    INDICES.map(issue).to_vec()
});

fuzz_target!(|data: &[u8]| {
    let Some((mode, payload)) = data.split_first() else { return };
    let typ = if mode & 1 == 0 { Typ::Bundle } else { Typ::Delta };
    let mut payload = payload.to_vec();
    if mode & 2 == 0 {
        name_the_root(typ, &mut payload);
    }
    let bytes = REVOKER.seal(typ, &payload);
    let keys = [REVOKER.public().for_revocation()];
    let loaded = bounded(bytes.len(), LOADING, || {
        let gate =
            GateBuilder::new().key(keys[0].clone()).key(KEY.public()).cache_capacity(1).replay_capacity(1);
        let gate = gate.build().expect("a gate");
        gate.load_revocation(&bytes)
    });
    let Ok((bundle, _)) = Bundle::read(&bytes, Keyring::new(&keys)) else {
        assert!(loaded.is_err());
        return;
    };
    assert_eq!(loaded.is_ok(), bundle.base().is_none(), "{loaded:?}");
    let groups = plain(bundle.encoded_groups()).expect("it was read");
    let rules: Vec<_> = bundle.rules().collect();
    for (license, index) in LICENSES.iter().zip(INDICES) {
        let claims = Unverified::read(license).expect("a licence");
        let verdict = bounded(bytes.len(), ASKING, || {
            let verdict = bundle.verdict(&claims, NOW);
            assert!(verdict == Verdict::Good || bundle.concerns(&claims));
            verdict
        });
        if bundle.issuer() != "acme" {
            assert_eq!(verdict, Verdict::Good, "it is about nobody else");
            continue;
        }
        let hash = bloom::hash(bundle.salt(), claims.id().as_bytes()).to_be_bytes();
        let named = bundle.stream() == 0
            && groups.values().any(|(indices, hashes)| {
                index.map_or_else(|| hashes.contains(&hash), |index| indices.contains(&index))
            });
        if rules.is_empty() {
            assert_eq!(bundle.concerns(&claims), named, "{index:?}");
        }
        if named {
            assert!(bundle.concerns(&claims), "{index:?}");
            assert!(index.is_none_or(|index| bundle.contains(index)));
        }
        if bundle.base().is_none()
            && let Verdict::Revoked { terms, .. } = verdict
            && terms.effect == Default::default()
        {
            let gate = GateBuilder::new()
                .key(keys[0].clone())
                .key(KEY.public())
                .cache_capacity(1)
                .replay_capacity(1);
            let gate = gate.build().expect("a gate");
            gate.load_revocation(&bytes).expect("it was loaded");
            let text = text::Text::license(license).to_string();
            assert!(!gate.check(&text, &Request::new(), NOW).is_allowed(), "revoked, and let through");
        }
    }
});

/// Puts the root of what is there in the place of the one that stands there.
fn name_the_root(typ: Typ, payload: &mut [u8]) {
    let bytes = REVOKER.seal(typ, payload);
    let Ok((bundle, _)) = Bundle::inspect(&bytes) else { return };
    let root = state_root(bundle.encoded_rules(), bundle.encoded_groups());
    let old = *bundle.root();
    debug_assert!(Frame::read(&bytes, typ).is_ok());
    if let Some(at) = payload.windows(32).position(|window| *window == old) {
        payload[at..at + 32].copy_from_slice(&root);
    }
}
