//! Proofs: whatever a holder signs is answered, and a proof that is made for a request is taken for this request, at
//! the right time, once, and for no other.

#![no_main]

use std::{cell::Cell, sync::LazyLock};

use libfuzzer_sys::{arbitrary::Unstructured, fuzz_target};
use licentia_core::{
    Buffer, Code, Expect, Key, Nonce, Timestamp, TokenId, Unverified,
    inner::Typ,
    limits,
    proof::{Presented, Replay, ServiceNonces, UnsignedProof},
    verify,
};
use licentia_fuzz::{Bound, KEY, Signer, bounded, number};
use licentia_issuer::{Confirmation, Draft, Issuer, SigningKey};

/// Two signatures are checked, and a URI is compared in linear time.
const BOUND: Bound = Bound { heap: (4_096, 8), nanos: (3_000_000, 2_000) };
const HOLDER: Signer = Signer { seed: [7; 32] };
const NONCES: ServiceNonces<'_> = ServiceNonces::new(&[6; 32]);
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const AGE: u64 = 60;

/// A licence that is bound to the holder's key, and the key that signed it.
static LICENSE: LazyLock<(Vec<u8>, Key)> = LazyLock::new(|| {
    let issuer = Issuer::new("acme", SigningKey::from_seed(&KEY.seed).expect("a key"));
    let draft = Draft {
        holder: Some(Confirmation::thumbprint_of(&HOLDER.public_bytes())),
        id: Some([5; 16].into()),
        ..Draft::new("c", "pro", 1, NOW, NOW + 1_000_000)
    };
    (issuer.issue(&draft).expect("a licence").as_bytes().to_vec(), issuer.key().public())
});

/// Remembers one nonce.
#[derive(Default)]
struct Memory(Cell<Option<([u8; 32], Nonce)>>);

impl Replay for Memory {
    fn remember(
        &self,
        holder: &[u8; 32],
        nonce: &Nonce,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), Code> {
        assert!(until > now, "a nonce is remembered while its proof is good");
        if self.0.get() == Some((*holder, *nonce)) {
            return Err(Code::ProofReplayed);
        }
        self.0.set(Some((*holder, *nonce)));
        Ok(())
    }
}

/// What the gate would say of a proof.
fn ask(presented: Presented<'_>, memory: &Memory, now: Timestamp) -> Code {
    let (token, key) = &*LICENSE;
    let expect = Expect::new().proof(presented, Some(memory)).service_nonces(NONCES);
    verify(token, &[key.clone()], &expect, now).map_or_else(|denial| denial.code, |_| Code::Allowed)
}

fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((0, payload)) => any_payload(payload),
        // An input that ends early is none.
        Some((_, rest)) => made_for_a_request(&mut Unstructured::new(rest)).unwrap_or_default(),
        None => {}
    }
});

fn any_payload(payload: &[u8]) {
    let proof = HOLDER.seal(Typ::Proof, payload);
    let presented = Presented {
        proof: &proof,
        method: "GET",
        uri: "https://api.acme.example/v1?x=1",
        body: None,
        max_age: AGE,
    };
    let code = bounded(proof.len(), BOUND, || ask(presented, &Memory::default(), NOW));
    assert!(code.is_allowed() || (431..=449).contains(&code.number()), "{code}");
}

fn made_for_a_request(input: &mut Unstructured<'_>) -> libfuzzer_sys::arbitrary::Result<()> {
    let issued_at = NOW.saturating_add(number(input, 200)?).saturating_sub(number(input, 200)?);
    let handed_out = NOW.saturating_add(number(input, 200)?).saturating_sub(number(input, 200)?);
    let given = match input.int_in_range(0..=3)? {
        0 => Some(NONCES.issue(handed_out).to_vec()),
        1 => Some(ServiceNonces::new(&[8; 32]).issue(NOW).to_vec()),
        2 => Some(input.arbitrary::<&[u8]>()?.to_vec()),
        _ => None,
    };
    let is_ours = given.as_deref() == Some(&NONCES.issue(handed_out)[..]);
    let (nonce, has_body): ([u8; 16], bool) = (input.arbitrary()?, input.arbitrary()?);
    let body = has_body.then_some([3; 32]);
    let method: &str = input.arbitrary()?;
    let uri: &str = input.arbitrary()?;
    let key = HOLDER.public_bytes();
    let id: TokenId = Unverified::read(&LICENSE.0).expect("a licence").id();
    let unsigned = UnsignedProof {
        service_nonce: given.as_deref(),
        issued_at,
        id,
        nonce: nonce.into(),
        key: &key,
        method,
        uri,
        body: body.as_ref(),
    };
    let mut buffer = Buffer::new();
    let sealed = unsigned.seal(&mut buffer, |parts| HOLDER.sign(&parts.concat()));
    let fits = (1..=limits::TEXT_BYTES).contains(&method.len())
        && (1..=limits::URI_BYTES).contains(&uri.len())
        && given.as_ref().is_none_or(|nonce| (1..=limits::TEXT_BYTES).contains(&nonce.len()));
    assert_eq!(sealed.is_ok(), fits, "{} {}", method.len(), uri.len());
    let Ok(proof) = sealed else { return Ok(()) };
    let presented = Presented { proof, method, uri, body: body.as_ref(), max_age: AGE };
    let memory = Memory::default();
    let code = bounded(proof.len(), BOUND, || ask(presented, &Memory::default(), NOW));
    // A URI that is nothing but a fragment, or an empty query, names nothing.
    let is_nothing = matches!(uri.split('#').next(), Some("" | "?"));
    let expected = match issued_at {
        _ if is_nothing => Code::ProofWrongUri,
        _ if is_ours && handed_out.as_seconds().abs_diff(NOW.as_seconds()) <= AGE => Code::Allowed,
        _ if given.is_some() => Code::ProofNonceRequired,
        at if at + AGE < NOW => Code::ProofStale,
        at if at > NOW + AGE => Code::ProofInFuture,
        _ => Code::Allowed,
    };
    assert_eq!(code, expected);
    assert_eq!(ask(presented, &memory, NOW), expected);
    if expected.is_allowed() {
        assert_eq!(ask(presented, &memory, NOW), Code::ProofReplayed);
        let other = [4; 32];
        let memory = Memory::default();
        let longer = format!("{method}x");
        assert_eq!(ask(Presented { method: &longer, ..presented }, &memory, NOW), Code::ProofWrongMethod);
        assert_eq!(ask(Presented { body: Some(&other), ..presented }, &memory, NOW), Code::ProofWrongBody);
        let elsewhere = "https://evil.example/somewhere/else";
        assert!(
            uri == elsewhere || ask(Presented { uri: elsewhere, ..presented }, &memory, NOW) != Code::Allowed
        );
        assert_eq!(ask(presented, &memory, NOW), Code::Allowed, "refused ones use up no nonce");
    }
    Ok(())
}
