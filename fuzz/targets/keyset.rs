//! Keysets: one that is taken has no key and no identifier twice, a look-up finds what the list shows, only the root
//! signs it, and no scoped key permits a licence whose issuer, tier or stream its scope does not list.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use licentia_core::{Expect, KeyStatus, Keyring, Keyset, inner::Typ, limits, proof::thumbprint, verify};
use licentia_fuzz::{Bound, KEY, ROOT, bounded};

/// Reading needs no heap. Each of 64 keys is decompressed a few times, and compared with those before.
const BOUND: Bound = Bound { heap: (0, 0), nanos: (2_000_000, 20_000) };
/// `{1: "acme", 2: "c", 4: 1900000000, 6: 1800000000, 7: h'01...', -65537: {0: 1, 1: ["pro", 1]}}`
const LICENSE: &[u8] = b"\xa6\x01\x64acme\x02\x61c\x04\x1a\x71\x3f\xb3\x00\x06\x1a\x6b\x49\xd2\x00\x07\x50\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x3a\x00\x01\x00\x00\xa2\x00\x01\x01\x82\x63pro\x01";

fuzz_target!(|payload: &[u8]| {
    let bytes = ROOT.seal(Typ::Keyset, payload);
    let root = ROOT.public();
    let read = bounded(bytes.len(), BOUND, || Keyset::read(&bytes, &root).map(|keyset| keyset.sequence()));
    assert!(Keyset::read(&bytes, &KEY.public()).is_err(), "another root");
    let Ok(sequence) = read else { return };
    let mut changed = bytes.clone();
    if let Some(last) = changed.last_mut() {
        *last ^= 1;
    }
    assert!(Keyset::read(&changed, &root).is_err(), "another signature");

    let keyset = Keyset::read(&bytes, &root).expect("it was read");
    assert_eq!(keyset.mark().sequence, sequence);
    assert_eq!(keyset.replaces(Some(&keyset.mark())), Ok(false), "the same one");
    let keys: Vec<_> = keyset.keys().map(|key| key.expect("it was read")).collect();
    assert!((1..=limits::KEYSET_KEYS).contains(&keys.len()) && bytes.len() <= limits::KEYSET_BYTES);
    let kids: BTreeSet<_> = keys.iter().map(|key| key.kid().as_bytes()).collect();
    let points: BTreeSet<_> = keys.iter().map(|key| key.public().as_bytes()).collect();
    assert_eq!((kids.len(), points.len()), (keys.len(), keys.len()));
    for key in &keys {
        let found = keyset.key(key.kid()).expect("it is listed");
        assert_eq!(
            (found.public(), found.window(), found.status()),
            (key.public(), key.window(), key.status())
        );
        if keyset.schema() >= 2 {
            assert!(thumbprint(key.public().as_bytes()).starts_with(key.kid().as_bytes()));
        }
    }
    let license = KEY.seal(Typ::License, LICENSE);
    let ring = Keyring::of_keyset(&keys, &bytes);
    let Ok(verified) = verify(&license, ring, &Expect::new(), 1_800_000_000) else { return };
    let signer = keys.iter().find(|key| key.kid() == verified.license.kid()).expect("a known signer");
    let (scope, (first, last)) = (signer.scope(&bytes), signer.window());
    let listed = |texts: Option<licentia_core::Texts<'_>>, text| {
        texts.is_none_or(|texts| texts.iter().any(|it| it == text))
    };
    assert!(signer.status() != KeyStatus::Revoked && (first..=last).contains(&1_800_000_000.into()));
    assert!(listed(scope.issuers(), "acme") && listed(scope.tiers(), "pro"));
    assert!(scope.audiences().is_none() && scope.indices().is_none(), "it names none");
    assert!(scope.streams().is_none_or(|mut streams| streams.any(|stream| stream == 0)));
    assert!(scope.longest_term().is_none_or(|term| term >= 100_000_000));
});
