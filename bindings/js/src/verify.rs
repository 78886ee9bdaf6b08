//! One token and its verdict, without a gate: nothing is counted, revoked or remembered.

use licentia_core::{
    Code, Expect, Explanation, Key, Keyring, Time, Unverified, authenticate, authorize, inner::decode,
    limits, proof::Presented, text,
};

use crate::{
    needs::{Needs, whole},
    port::{
        call::{Answer, Call, done},
        words::Told,
    },
};

/// Verifies the token in `subject` at `first` (seconds since 1970) against [`Needs`]. `second` is the number of
/// keys, whose text forms follow the words of the request.
///
/// Answers with the code. Tells its name, the state, the name of the warning and the claims as JSON (each empty if
/// absent), and the explanation as JSON.
///
/// # Errors
/// The code of a key or a request that cannot be read.
pub(crate) fn verify(call: Call<'_>, told: &mut Told) -> Answer {
    let Call { subject, mut words, numbers, bytes, first, second } = call;
    let needs = Needs::read(&mut words, numbers, bytes)?;
    let mut keys = Vec::new();
    for _ in 0..whole(second)? {
        keys.push(Key::from_text(words.next()?)?);
    }
    words.end()?;
    let now = whole(first)?;
    let mut expect = Expect::new().skew(needs.skew).features(&needs.features);
    if let Some(issuer) = needs.issuer {
        expect = expect.issuer(issuer);
    }
    if let Some(audience) = needs.audience {
        expect = expect.audience(audience);
    }
    if let Some(node) = needs.node {
        expect = expect.node(node);
    }
    if let Some(release) = needs.release {
        expect = expect.release(release);
    }
    if let Some(proof) = &needs.proof {
        let presented = Presented {
            proof: &proof.bytes,
            method: proof.method,
            uri: proof.uri,
            body: proof.body,
            max_age: needs.proof_age,
        };
        expect = expect.proof(presented, None);
    }
    let (mut space, mut explanation) =
        (vec![0; subject.len().min(limits::TOKEN_BYTES)], Explanation::default());
    let mut license = None;
    let verdict = decode(subject, &mut space, &mut explanation)
        .and_then(|token| authenticate(token, Keyring::new(&keys), &mut explanation))
        .and_then(|found| {
            // `verify_text` does the same and would link the code for revocation bundles.
            authorize(license.insert(found), &expect, None, Time::from(now), &mut explanation)
        });
    let (code, state) = match verdict {
        Ok(state) => (Code::Allowed, state.name()),
        Err(code) => (code, ""),
    };
    told.word(&code.name()).word(&state).word(&explanation.warning().map_or("", Code::name));
    match &license {
        Some(license) => told.word(&license.json()),
        None => told.word(&""),
    };
    told.word(&explanation.json());
    Ok(vec![f64::from(code.number())])
}

/// Tells the claims of a token as JSON. Its signature is not checked.
///
/// # Errors
/// A code of group 1xx.
pub(crate) fn inspect(call: &Call<'_>, told: &mut Told) -> Answer {
    let mut buffer = licentia_core::Buffer::new();
    let bytes = text::decode_license(call.subject, &mut buffer)?;
    let claims = Unverified::read(bytes).map_err(|malformed| malformed.code)?;
    told.word(&claims.json());
    Ok(done())
}
