//! One token and its verdict, without a gate: no counters, no revocation, no memory of proofs.

use licentia_core::{
    Code, Expect, Explanation, Key, Keyring, State, Time, Unverified, authenticate, authorize, inner::decode,
    limits, proof::Presented, text,
};

use crate::{
    ask::{Ask, whole},
    call::{Answer, Call, done},
    words::Told,
};

/// Verifies the token that the call is about, as its [`Ask`] says, at `first` (seconds since 1970), with keys in their
/// text form: as many as `second` says, after the words that are asked with.
///
/// Answers with the code. Tells its name, the state, the name of the warning, the claims as JSON (both empty where
/// there is none) and the explanation as JSON.
///
/// # Errors
/// What keys and what is asked have wrong.
pub(crate) fn verify(call: Call<'_>, told: &mut Told) -> Answer {
    let Call { subject, mut words, numbers, bytes, first, second } = call;
    let ask = Ask::read(&mut words, numbers, bytes)?;
    let mut keys = Vec::new();
    for _ in 0..whole(second)? {
        keys.push(Key::from_text(words.next()?)?);
    }
    words.end()?;
    let now = whole(first)?;
    let mut expect = Expect::new().skew(ask.skew).features(&ask.features);
    if let Some(issuer) = ask.issuer {
        expect = expect.issuer(issuer);
    }
    if let Some(audience) = ask.audience {
        expect = expect.audience(audience);
    }
    if let Some(node) = ask.node {
        expect = expect.node(node);
    }
    if let Some(release) = ask.release {
        expect = expect.release(release);
    }
    if let Some(proof) = &ask.proof {
        let max_age = ask.max_age;
        let presented = Presented {
            proof: &proof.bytes,
            method: proof.method,
            uri: proof.uri,
            body: proof.body,
            max_age,
        };
        expect = expect.proof(presented, None);
    }
    let (mut space, mut explanation) =
        (vec![0; subject.len().min(limits::TOKEN_BYTES)], Explanation::default());
    let mut license = None;
    let verdict = decode(subject, &mut space, &mut explanation)
        .and_then(|token| authenticate(token, Keyring::new(&keys), &mut explanation))
        .and_then(|found| {
            // As `verify_text`, which would bring along what bundles of revocations need.
            authorize(license.insert(found), &expect, None, Time::from(now), &mut explanation)
        });
    let (code, state) = match verdict {
        Ok(state) => (Code::Allowed, state),
        Err(code) => (code, State::Active),
    };
    told.word(&code.name()).word(&state.name()).word(&explanation.warning().map_or("", Code::name));
    match &license {
        Some(license) => told.word(&license.json()),
        None => told.word(&""),
    };
    told.word(&explanation.json());
    Ok(vec![f64::from(code.number())])
}

/// Tells the claims of a token whose signature nobody has checked, as JSON.
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
