//! From bytes to a verdict: first who signed it, then what it grants.
//!
//! [`authenticate`] checks limits, framing, key, signature and claims. Its
//! outcome depends on the token and the keys alone, so it can be cached.
//! [`crate::authorize()`] checks what depends on the request and on the time.
//! [`verify`] runs both. No claim is returned before its signature was verified.

#![allow(clippy::result_large_err, reason = "there is no heap to put an explanation on")]

use core::fmt;

use crate::{
    authorize::{State, authorize},
    buffer::Buffer,
    cbor::Malformed,
    code::Code,
    cose::{Frame, Typ},
    expect::Expect,
    explain::{Check, Explanation, Facts},
    key::{key::KeyPurpose, keyring::Keyring},
    license::claims::License,
    revocation::bundle::RevocationQuery,
    text,
    time::{clock::Time, timestamp::Timestamp},
};

/// A licence that may be used for what was expected of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verified<'a> {
    /// The licence.
    pub license: License<'a>,
    /// Its state at the time of the check.
    pub state: State,
    /// The checks that it passed.
    pub explanation: Explanation<'a>,
}

/// A refusal.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Denial<'a> {
    /// Why.
    pub code: Code,
    /// The licence, if its signature was good: it says who was refused.
    pub license: Option<License<'a>>,
    /// The checks that ran; the last one failed.
    pub explanation: Explanation<'a>,
}

impl fmt::Display for Denial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.fmt(f)
    }
}

impl core::error::Error for Denial<'_> {}

/// Verifies a token (its bytes) at `now`.
///
/// `keys` is a list of trusted keys, or the [`Keyring`] of a keyset, which keeps each key to its scope.
///
/// # Errors
/// The first check that fails, with the explanation of all that ran.
pub fn verify<'a, 'k>(
    token: &'a [u8],
    keys: impl Into<Keyring<'k>>,
    expect: &Expect<'a>,
    now: impl Into<Timestamp>,
) -> Result<Verified<'a>, Denial<'a>> {
    let mut explanation = Explanation::default();
    match verify_into(token, keys, expect, now, &mut explanation) {
        Ok((license, state)) => Ok(Verified { license, state, explanation }),
        Err((code, license)) => Err(Denial { code, license, explanation }),
    }
}

/// Like [`verify`], but writes into the caller's explanation: it is large, and a small stack has no room for two.
///
/// # Errors
/// The first check that fails, with the licence if its signature was good.
pub fn verify_into<'a, 'k>(
    token: &'a [u8],
    keys: impl Into<Keyring<'k>>,
    expect: &Expect<'a>,
    now: impl Into<Timestamp>,
    explanation: &mut Explanation<'a>,
) -> Result<(License<'a>, State), (Code, Option<License<'a>>)> {
    match authenticate(token, keys.into(), explanation) {
        Err(code) => Err((code, None)),
        Ok(license) => {
            match authorize(
                &license,
                expect,
                expect.bundle().map(RevocationQuery::of),
                Time::from(now.into()),
                explanation,
            ) {
                Err(code) => Err((code, Some(license))),
                Ok(state) => Ok((license, state)),
            }
        }
    }
}

/// Verifies a token in its text form, which is decoded into `buffer`, at `now`.
///
/// # Errors
/// The first check that fails, with the explanation of all that ran.
pub fn verify_text<'a, 'k>(
    text: &str,
    buffer: &'a mut Buffer,
    keys: impl Into<Keyring<'k>>,
    expect: &Expect<'a>,
    now: impl Into<Timestamp>,
) -> Result<Verified<'a>, Denial<'a>> {
    let mut explanation = Explanation::default();
    match decode(text, buffer.bytes_mut(), &mut explanation) {
        Ok(token) => verify(token, keys, expect, now),
        Err(code) => Err(Denial { code, license: None, explanation }),
    }
}

/// Decodes the text form of a token into space of any size.
///
/// # Errors
/// As [`text::decode_license_into`]; the failure is recorded in `explanation`.
pub fn decode<'b>(
    text: &str,
    space: &'b mut [u8],
    explanation: &mut Explanation<'_>,
) -> Result<&'b [u8], Code> {
    text::decode_license_into(text, space).inspect_err(|code| {
        explanation.fail(Check::Frame, *code, Facts::Size { bytes: text.len() });
    })
}

/// Checks who signed a token and that it is well-formed: everything that does not depend on the time.
///
/// # Errors
/// A code of group 1xx or 2xx; the checks are recorded in `explanation`.
pub fn authenticate<'a>(
    token: &'a [u8],
    keyring: Keyring<'_>,
    explanation: &mut Explanation<'_>,
) -> Result<License<'a>, Code> {
    let frame =
        Frame::read(token, Typ::License).map_err(|malformed| refuse(explanation, Check::Frame, malformed))?;
    explanation.note(Check::Frame, Code::Allowed, Facts::Size { bytes: token.len() })?;

    let facts = Facts::Key { kid: frame.kid, candidates: keyring.count(&frame.kid) };
    let found = match keyring.find(&frame.kid, KeyPurpose::License) {
        Ok(key) if key.algorithm().id() != frame.algorithm => Err(Code::AlgorithmMismatch),
        found => found,
    };
    explanation.note(Check::Key, found.err().unwrap_or(Code::Allowed), facts)?;
    let key = found?;

    let code = if key.verifies(&frame) { Code::Allowed } else { Code::BadSignature };
    explanation.note(Check::Signature, code, Facts::None)?;

    let license =
        License::read(token, &frame).map_err(|malformed| refuse(explanation, Check::Claims, malformed))?;
    explanation.note(Check::Claims, Code::Allowed, Facts::None)?;

    let (code, exceeded) = keyring.permits(key, &license);
    let facts = exceeded.map_or(Facts::None, |bound| Facts::Scope { bound });
    explanation.note(Check::KeyScope, code, facts)?;
    Ok(license)
}

fn refuse(explanation: &mut Explanation<'_>, check: Check, malformed: Malformed) -> Code {
    explanation.fail(check, malformed.code, Facts::At { offset: malformed.offset });
    malformed.code
}
