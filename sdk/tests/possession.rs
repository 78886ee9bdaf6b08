//! Proofs of possession: each way in which one can be wrong has a code of its own.

mod common;

use common::{NOW, builder, licence};
use licentia::{Code, Gate, HolderKey, PemError, Proof, Request, Timestamp};

const URI: &str = "https://api.acme.example/export";
const BODY: [u8; 32] = [5; 32];

fn holder() -> HolderKey {
    HolderKey::from_seed(&[33; 32])
}

fn bound(id: u8) -> String {
    licence(|draft| {
        draft.id = Some([id; 16].into());
        draft.holder = Some(licentia_issuer::Confirmation::Key(holder().public()));
    })
}

fn code(
    gate: &Gate,
    token: &str,
    proof: &[u8],
    method: &str,
    uri: &str,
    body: Option<&[u8; 32]>,
    now: Timestamp,
) -> Code {
    let request = Request::new().proof(Proof { bytes: proof, method, uri, body });
    gate.check(token, &request, now).code()
}

#[test]
fn each_wrong_proof_is_refused_with_its_own_code() {
    let gate = builder().build().unwrap();
    let token = bound(1);
    let prove = |now| holder().prove(&token, "POST", URI, Some(&BODY), now).unwrap();
    let good = |proof: &[u8], now| code(&gate, &token, proof, "POST", URI, Some(&BODY), now);

    assert_eq!(gate.check(&token, &Request::new(), NOW).code(), Code::ProofRequired);
    assert_eq!(good(b"nonsense", NOW), Code::ProofMalformed);
    assert_eq!(good(&prove(NOW + 61), NOW), Code::ProofInFuture);
    assert_eq!(good(&prove(NOW), NOW), Code::Allowed);
    let proof = prove(NOW);
    assert_eq!(code(&gate, &token, &proof, "GET", URI, Some(&BODY), NOW), Code::ProofWrongMethod);
    assert_eq!(code(&gate, &token, &proof, "POST", "https://x/", Some(&BODY), NOW), Code::ProofWrongUri);
    assert_eq!(code(&gate, &token, &proof, "POST", URI, Some(&[6; 32]), NOW), Code::ProofWrongBody);
    assert_eq!(code(&gate, &token, &proof, "POST", URI, None, NOW), Code::ProofWrongBody);
    assert_eq!(good(&prove(NOW - 61), NOW), Code::ProofStale);
    assert_eq!(code(&gate, &bound(2), &proof, "POST", URI, Some(&BODY), NOW), Code::ProofWrongLicense);
    let thief = HolderKey::from_seed(&[34; 32]).prove(&token, "POST", URI, Some(&BODY), NOW).unwrap();
    assert_eq!(good(&thief, NOW), Code::ProofBadSignature);
    let mut changed = proof.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(good(&changed, NOW), Code::ProofBadSignature);

    assert_eq!(good(&proof, NOW + 60), Code::Allowed, "none of the refusals used it up");
    assert_eq!(good(&proof, NOW + 60), Code::ProofReplayed);
}

#[test]
fn a_licence_is_no_proof_and_a_proof_is_no_licence() {
    let gate = builder().build().unwrap();
    let token = bound(1);
    let mut buffer = licentia_core::Buffer::new();
    let bytes = licentia_core::text::decode_license(&token, &mut buffer).unwrap();
    assert_eq!(code(&gate, &token, bytes, "POST", URI, None, NOW), Code::ProofMalformed);
    let proof = holder().prove(&token, "POST", URI, None, NOW).unwrap();
    let text = licentia_core::text::Text::license(&proof).to_string();
    assert_eq!(gate.check(&text, &Request::new(), NOW).code(), Code::WrongTyp);
}

#[test]
fn a_thumbprint_is_enough_to_bind() {
    let gate = builder().build().unwrap();
    let token = licence(|draft| {
        draft.holder = Some(licentia_issuer::Confirmation::Thumbprint(holder().thumbprint()));
    });
    let proof = holder().prove(&token, "GET", URI, None, NOW).unwrap();
    assert_eq!(code(&gate, &token, &proof, "GET", URI, None, NOW), Code::Allowed);
    let thief = HolderKey::from_seed(&[34; 32]).prove(&token, "GET", URI, None, NOW).unwrap();
    assert_eq!(code(&gate, &token, &thief, "GET", URI, None, NOW), Code::ProofBadSignature);
}

#[test]
fn a_full_replay_cache_refuses_and_recovers() {
    let gate = builder().replay_capacity(2).build().unwrap();
    let token = bound(1);
    let once = |now| {
        let proof = holder().prove(&token, "GET", URI, None, now).unwrap();
        code(&gate, &token, &proof, "GET", URI, None, now)
    };
    assert_eq!([once(NOW), once(NOW), once(NOW)], [Code::Allowed, Code::Allowed, Code::ProofCacheFull]);
    assert_eq!(once(NOW + 61), Code::Allowed, "the first are too old to be used again");
}

#[test]
fn a_nonce_of_the_service_replaces_the_holders_clock() {
    let (gate, token) = (builder().nonce_secret([9; 32]).build().unwrap(), bound(1));
    let ask = |gate: &Gate, nonce: Option<&str>, made_at, now| {
        let proof = holder().prove_with_nonce(&token, "GET", URI, None, nonce, made_at).unwrap();
        let request = Request::new().proof(Proof { bytes: &proof, method: "GET", uri: URI, body: None });
        let first = gate.check(&token, &request, now);
        if first.is_allowed() {
            assert_eq!(gate.check(&token, &request, now).code(), Code::ProofReplayed, "once");
        }
        (first.code(), first.proof_nonce())
    };
    // A holder whose clock is a year ahead learns a nonce from the refusal.
    let (year, long_ago) = (31_536_000, NOW - 1_800_000_000);
    let (code, nonce) = ask(&gate, None, NOW + year, NOW);
    assert_eq!(code, Code::ProofInFuture);
    let nonce = nonce.unwrap();
    for made_at in [long_ago, NOW - year, NOW, NOW + year] {
        assert_eq!(ask(&gate, Some(&nonce), made_at, NOW), (Code::Allowed, None), "{made_at}");
    }
    assert_eq!(ask(&gate, Some(&nonce), NOW + year, NOW + 60).0, Code::Allowed);
    let (code, next) = ask(&gate, Some(&nonce), NOW + 61, NOW + 61);
    assert_eq!(code, Code::ProofNonceRequired, "a good time does not make up for an old nonce");
    assert_ne!(next.as_ref(), Some(&nonce));
    assert_eq!(ask(&gate, next.as_deref(), long_ago, NOW + 61).0, Code::Allowed);

    // Any process with the secret takes it, and no other does.
    let replica = builder().nonce_secret([9; 32]).require_proof_nonce().build().unwrap();
    assert_eq!(ask(&replica, Some(&nonce), long_ago, NOW).0, Code::Allowed);
    let (code, again) = ask(&replica, None, NOW, NOW);
    assert_eq!((code, again.as_ref()), (Code::ProofNonceRequired, Some(&nonce)), "one is required there");
    for stranger in [builder().build().unwrap(), builder().nonce_secret([8; 32]).build().unwrap()] {
        assert_eq!(ask(&stranger, Some(&nonce), NOW, NOW).0, Code::ProofNonceRequired);
    }
    assert_eq!(ask(&gate, Some("AAAA"), NOW, NOW).0, Code::ProofNonceRequired);
    for wrong in ["", "=", &"A".repeat(400)] {
        assert!(holder().prove_with_nonce(&token, "GET", URI, None, Some(wrong), NOW).is_err(), "{wrong}");
    }
    // Nothing else brings a nonce.
    assert!(gate.check(&token, &Request::new(), NOW).proof_nonce().is_some());
    assert_eq!(gate.check("lic1_AAAA", &Request::new(), NOW).proof_nonce(), None);
}

#[test]
fn no_mutated_proof_passes() {
    let gate = builder().build().unwrap();
    let token = bound(1);
    let proof = holder().prove(&token, "GET", URI, Some(&BODY), NOW).unwrap();
    for at in 0..proof.len() {
        for bit in 0..8 {
            let mut changed = proof.clone();
            changed[at] ^= 1 << bit;
            assert_ne!(code(&gate, &token, &changed, "GET", URI, Some(&BODY), NOW), Code::Allowed);
        }
        assert_eq!(code(&gate, &token, &proof[..at], "GET", URI, Some(&BODY), NOW), Code::ProofMalformed);
    }
}

#[test]
fn a_text_that_is_no_holders_key_is_told_apart() {
    let read =
        |label: &str| HolderKey::from_pem(&format!("-----BEGIN {label}-----\n-----END {label}-----\n"));
    assert_eq!(HolderKey::from_pem("lic1_AAAA").unwrap_err(), PemError::NotPkcs8);
    assert_eq!(read("ENCRYPTED PRIVATE KEY").unwrap_err(), PemError::Encrypted);
    assert_eq!(read("PUBLIC KEY").unwrap_err(), PemError::Public);
    assert_eq!(read("PRIVATE KEY").unwrap_err(), PemError::NotEd25519);
}
