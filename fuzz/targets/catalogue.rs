//! What people write in TOML: every tier of a catalogue that is taken can be sold, and the licence grants what the tier
//! says; a keyset's draft is written as it was read, and what the root signs of it is a keyset.

#![no_main]

use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use licentia_core::{Keyset, Timestamp, limits};
use licentia_fuzz::{Bound, bounded};
use licentia_issuer::{Catalogue, Issuer, KeysetDraft, SigningKey};

/// The library for TOML takes most of it; each tier is signed once.
const BOUND: Bound = Bound { heap: (131_072, 4_096), nanos: (20_000_000, 200_000) };
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(catalogue) = bounded(data.len(), BOUND, || Catalogue::from_str(text)) {
        sell(&catalogue);
    }
    if let Ok(draft) = bounded(data.len(), BOUND, || KeysetDraft::from_str(text)) {
        sign(draft);
    }
});

fn key() -> SigningKey {
    SigningKey::from_seed(&[9; 32]).expect("a key")
}

fn sell(catalogue: &Catalogue) {
    let issuer = Issuer::new("acme", key());
    for tier in catalogue.tiers() {
        assert_eq!(
            catalogue.tier(&tier.name, Some(tier.version)).expect("it is listed").version,
            tier.version
        );
        let draft = tier.draft("customer", NOW).expect("it was checked");
        let token = issuer.issue(&draft).expect("it was checked");
        let claims = token.claims().expect("what is issued is read");
        assert_eq!((claims.tier().name, claims.tier().version), (&*tier.name, tier.version));
        assert!(claims.expires() > NOW && claims.expires().as_seconds() <= limits::TIME);
        assert_eq!(claims.features().count(), tier.grant.features.len());
        for (name, feature) in &tier.grant.features {
            let granted = claims.feature(name).expect("it is granted");
            assert_eq!(granted.expires, feature.expires);
        }
        for (meter, quota) in &tier.grant.quotas {
            let granted = claims.quota(meter).expect("it is granted");
            assert_eq!(
                (granted.limit, granted.period, granted.overage),
                (quota.limit, quota.period, quota.overage)
            );
        }
        for (name, rate) in &tier.grant.rates {
            let granted = claims.rate(name).expect("it is granted");
            let burst = rate.burst.unwrap_or(rate.count);
            assert_eq!((granted.count, granted.per_ms, granted.burst), (rate.count, rate.per_ms, burst));
        }
        assert_eq!((claims.policy(), claims.seats()), (tier.grant.policy, tier.grant.seats));
    }
}

fn sign(mut draft: KeysetDraft) {
    let written = toml::to_string_pretty(&draft).expect("what was read is written");
    assert_eq!(KeysetDraft::from_str(&written).expect("and read"), draft);
    let root = SigningKey::from_seed(&[8; 32]).expect("a key");
    let sequence = draft.sequence;
    match draft.sign(&root, NOW, NOW + 1_000) {
        Ok(bytes) => {
            let keyset = Keyset::read(&bytes, &root.public()).expect("what is signed is read");
            assert_eq!(keyset.keys().count(), draft.keys.len());
            assert_eq!((keyset.sequence(), draft.sequence), (sequence + 1, sequence + 1));
        }
        Err(_) => assert_eq!(draft.sequence, sequence, "no number is used up"),
    }
}
