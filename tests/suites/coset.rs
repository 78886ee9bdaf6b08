//! `coset` decodes and verifies our tokens and reads the same claims.

use ciborium::Value;
use coset::{
    Algorithm, CborSerializable as _, CoseKey, CoseSign1, Label, RegisteredLabel,
    TaggedCborSerializable as _,
    cwt::{ClaimName, ClaimsSet, Timestamp},
    iana,
};
use ed25519_dalek::{Signature, VerifyingKey};
use licentia_core::{Key, Unverified};
use licentia_tests::{Sample, decode, report, valid_tokens};

/// Tests with parameters and claims that no registry knows. We ignore them; coset refuses some.
const FOREIGN: [&str; 4] = ["Ignored", "Critical", "Complexity", "UnknownCriticalField"];

#[test]
fn coset_verifies_our_tokens_and_reads_the_same_claims() {
    let (mut verified, mut compared, mut refused) = (0, 0, 0);
    for sample in valid_tokens() {
        let foreign = sample.flags.iter().any(|flag| FOREIGN.contains(&flag.as_str()));
        let Ok(token) = CoseSign1::from_tagged_slice(&sample.token) else {
            assert!(foreign, "coset refuses {}", sample.comment);
            refused += 1;
            continue;
        };
        check_signature(&sample, &token);
        verified += 1;
        let payload = token.payload.as_deref().expect("the payload is embedded");
        if foreign || sample.flags == ["Size"] {
            continue;
        }
        compared += usize::from(same_claims(&sample, payload));
    }
    report(format_args!(
        "coset: {verified} signatures verified, {compared} claims compared, {refused} refused for foreign parameters"
    ));
    assert!(verified > 400 && compared > 300);
}

fn check_signature(sample: &Sample, token: &CoseSign1) {
    let header = &token.protected.header;
    assert_eq!(header.alg, Some(Algorithm::Assigned(iana::Algorithm::Ed25519)), "{}", sample.comment);
    let typ = header.rest.iter().find(|(label, _)| *label == Label::Int(16)).map(|(_, value)| value);
    assert_eq!(typ, Some(&Value::from("application/vnd.licentia.license+cwt")));
    assert!(token.unprotected.is_empty());
    let named = sample.keys.iter().filter(|key| key.kid().as_bytes() == header.key_id);
    let good = named.map(public).any(|key| {
        token
            .verify_signature(b"", |signature, message| {
                key.verify_strict(message, &Signature::from_slice(signature).expect("64 bytes"))
            })
            .is_ok()
    });
    assert!(good, "no key verifies {}", sample.comment);
}

/// The public key, as coset reads it from our COSE_Key.
fn public(key: &Key) -> VerifyingKey {
    let cose = CoseKey::from_slice(key.write_cose(&mut [0; 128])).expect("coset reads our keys");
    assert_eq!(cose.kty, RegisteredLabel::Assigned(iana::KeyType::OKP));
    assert_eq!(cose.key_id, key.kid().as_bytes());
    assert_eq!(cose.alg, Some(Algorithm::Assigned(iana::Algorithm::Ed25519)));
    let x = cose.params.iter().find(|(label, _)| *label == Label::Int(-2)).and_then(|(_, x)| x.as_bytes());
    let x = x.expect("the key has x").as_slice().try_into().expect("32 bytes");
    VerifyingKey::from_bytes(x).expect("a good key")
}

/// Compares what coset's claims set holds. It has room for one audience, and no `status`.
fn same_claims(sample: &Sample, payload: &[u8]) -> bool {
    let ours = Unverified::read(&sample.token).expect("a good token");
    let Ok(claims) = ClaimsSet::from_slice(payload) else {
        let value = decode(payload).expect("our claims are CBOR");
        let entries = value.as_map().expect("claims are a map");
        let unknown = |(key, value): &(Value, Value)| {
            (*key == Value::from(3) && value.is_array()) || *key == Value::from(65_535)
        };
        assert!(entries.iter().any(unknown), "coset refuses the claims of {}", sample.comment);
        return false;
    };
    let seconds =
        |time: licentia_core::Timestamp| Some(Timestamp::WholeSeconds(time.as_seconds().cast_signed()));
    assert_eq!(claims.issuer.as_deref(), Some(ours.issuer()), "{}", sample.comment);
    assert_eq!(claims.subject.as_deref(), Some(ours.subject()));
    assert_eq!(claims.audience.as_deref(), ours.audiences().next());
    assert_eq!(claims.expiration_time, seconds(ours.expires()));
    assert_eq!(claims.not_before, ours.not_before().and_then(seconds));
    assert_eq!(claims.issued_at, seconds(ours.issued_at()));
    assert_eq!(claims.cwt_id.as_deref(), Some(&ours.id().as_bytes()[..]));
    let grant = claims.rest.iter().find(|(name, _)| *name == ClaimName::PrivateUse(-65_537));
    let tier = grant
        .and_then(|(_, grant)| grant.as_map())
        .and_then(|map| map.iter().find(|(key, _)| *key == 1.into()));
    let expected = Value::Array(vec![ours.tier().name.into(), ours.tier().version.into()]);
    assert_eq!(tier.map(|(_, tier)| tier), Some(&expected));
    true
}
