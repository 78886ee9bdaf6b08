//! The order of the checks, from bytes to a verdict.
//!
//! First [`authenticate`]: limits and framing, key, signature, claims. Its
//! outcome depends on the token and the keys alone, so that it can be kept.
//! Then [`authorize`]: time, issuer, audience, features, which depend on the
//! request and on `now`. [`verify`] is one after the other. No claim is given
//! out before the signature was checked.

#![allow(clippy::result_large_err, reason = "there is no heap to put an explanation on")]

use core::fmt;

use crate::{
    cbor::Malformed,
    claims::License,
    code::Code,
    cose::{Frame, Typ},
    explain::{Check, Explanation, Facts},
    key::Key,
    limits,
    text::{self, Buffer},
};

/// What the caller requires of a licence.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Expect<'a> {
    issuer: Option<&'a str>,
    audience: Option<&'a str>,
    features: &'a [&'a str],
    skew: u64,
}

impl Default for Expect<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Expect<'a> {
    /// Tolerance of clocks that differ, where none is set: 60 seconds.
    pub const DEFAULT_SKEW: u64 = 60;

    /// Requires a good signature and the right time, and no more.
    pub const fn new() -> Self {
        Self { issuer: None, audience: None, features: &[], skew: Self::DEFAULT_SKEW }
    }

    /// Requires this issuer (`iss`). Without it, whoever holds one of the keys may issue.
    pub const fn issuer(self, issuer: &'a str) -> Self {
        Self { issuer: Some(issuer), ..self }
    }

    /// Names this service. A licence that names audiences is refused by a service that is not among them.
    pub const fn audience(self, audience: &'a str) -> Self {
        Self { audience: Some(audience), ..self }
    }

    /// Requires all of these features.
    pub const fn features(self, features: &'a [&'a str]) -> Self {
        Self { features, ..self }
    }

    /// Tolerates that the issuer's clock is ahead by up to `seconds`.
    ///
    /// It applies to `iat` and `nbf` alone and so never makes a licence last longer.
    pub const fn skew(self, seconds: u64) -> Self {
        Self { skew: seconds, ..self }
    }
}

/// In which state a licence grants what it grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// The contract runs.
    Active,
    /// The contract has ended, and the licence has not: time to renew.
    Grace,
}

impl State {
    /// Its stable name in `snake_case`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Grace => "grace",
        }
    }
}

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
    /// The checks that ran; the last one failed.
    pub explanation: Explanation<'a>,
}

impl fmt::Display for Denial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.fmt(f)
    }
}

impl core::error::Error for Denial<'_> {}

/// Verifies a token (its bytes) at `now` (seconds since 1970).
///
/// # Errors
/// The first check that fails, with the explanation of all that ran.
pub fn verify<'a>(
    token: &'a [u8],
    keys: &[Key],
    expect: &Expect<'a>,
    now: u64,
) -> Result<Verified<'a>, Denial<'a>> {
    let mut explanation = Explanation::default();
    let verdict = authenticate(token, keys, &mut explanation)
        .and_then(|license| authorize(&license, expect, now, &mut explanation).map(|state| (license, state)));
    match verdict {
        Ok((license, state)) => Ok(Verified { license, state, explanation }),
        Err(code) => Err(Denial { code, explanation }),
    }
}

/// Verifies a token in its text form, which is decoded into `buffer`, at `now` (seconds since 1970).
///
/// # Errors
/// The first check that fails, with the explanation of all that ran.
pub fn verify_text<'a>(
    text: &str,
    buffer: &'a mut Buffer,
    keys: &[Key],
    expect: &Expect<'a>,
    now: u64,
) -> Result<Verified<'a>, Denial<'a>> {
    match text::decode_license(text, buffer) {
        Ok(token) => verify(token, keys, expect, now),
        Err(code) => {
            let mut explanation = Explanation::default();
            // The failure is noted here and returned below.
            let _ = explanation.note(Check::Frame, code, Facts::Size { bytes: text.len() });
            Err(Denial { code, explanation })
        }
    }
}

/// Checks who signed a token and that it is well-formed: everything that does not depend on the time.
///
/// # Errors
/// A code of group 1xx or 2xx; the checks are noted in `explanation`.
pub fn authenticate<'a>(
    token: &'a [u8],
    keys: &[Key],
    explanation: &mut Explanation<'a>,
) -> Result<License<'a>, Code> {
    let frame = match Frame::read(token, Typ::License) {
        Ok(frame) => frame,
        Err(malformed) => return Err(refuse(explanation, Check::Frame, malformed)),
    };
    explanation.note(Check::Frame, Code::Allowed, Facts::Size { bytes: token.len() })?;

    let candidates = || keys.iter().filter(|key| *key.kid() == frame.kid).take(limits::KEYS_TRIED);
    let fitting = || candidates().filter(|key| key.algorithm().id() == frame.algorithm);
    let code = match (candidates().next(), fitting().next()) {
        (None, _) => Code::UnknownKey,
        (_, None) => Code::AlgorithmMismatch,
        _ => Code::Allowed,
    };
    let facts = Facts::Key { kid: frame.kid, candidates: candidates().count() };
    explanation.note(Check::Key, code, facts)?;

    let good = fitting().any(|key| key.verifies(&frame));
    let code = if good { Code::Allowed } else { Code::BadSignature };
    explanation.note(Check::Signature, code, Facts::None)?;

    match License::read(token, &frame) {
        Ok(license) => {
            explanation.note(Check::Claims, Code::Allowed, Facts::None)?;
            Ok(license)
        }
        Err(malformed) => Err(refuse(explanation, Check::Claims, malformed)),
    }
}

/// Checks what a licence grants at `now` (seconds since 1970).
///
/// # Errors
/// A code of group 3xx or 4xx; the checks are noted in `explanation`.
pub fn authorize<'a>(
    license: &License<'a>,
    expect: &Expect<'a>,
    now: u64,
    explanation: &mut Explanation<'a>,
) -> Result<State, Code> {
    let (code, facts) = check_time(license, expect.skew, now);
    explanation.note(Check::Time, code, facts)?;
    if let Some(expected) = expect.issuer {
        let found = license.issuer();
        let code = if found == expected { Code::Allowed } else { Code::IssuerMismatch };
        explanation.note(Check::Issuer, code, Facts::Issuer { expected, found })?;
    }
    let (code, facts) = check_audience(license, expect.audience);
    explanation.note(Check::Audience, code, facts)?;
    for name in expect.features {
        let (code, facts) = check_feature(license, name, now);
        explanation.note(Check::Feature, code, facts)?;
    }
    let in_grace = license.term_end().is_some_and(|term_end| now >= term_end);
    Ok(if in_grace { State::Grace } else { State::Active })
}

/// `exp` is the first second that is too late; `nbf` and `iat` are the first that is not too early.
fn check_time<'a>(license: &License<'a>, skew: u64, now: u64) -> (Code, Facts<'a>) {
    let (issued_at, not_before, expires) = (license.issued_at(), license.not_before(), license.expires());
    let latest = now.saturating_add(skew);
    let code = if now >= expires {
        Code::Expired
    } else if latest < issued_at {
        Code::IssuedInFuture
    } else if not_before.is_some_and(|not_before| latest < not_before) {
        Code::NotYetValid
    } else {
        Code::Allowed
    };
    (code, Facts::Time { now, skew, issued_at, not_before, term_end: license.term_end(), expires })
}

/// A licence without `aud` is for every service; one with it, only for those that it names (RFC 7519, 4.1.3).
fn check_audience<'a>(license: &License<'a>, expected: Option<&'a str>) -> (Code, Facts<'a>) {
    let named = license.audiences().count();
    let good = named == 0 || license.audiences().any(|audience| Some(audience) == expected);
    let code = if good { Code::Allowed } else { Code::AudienceMismatch };
    (code, Facts::Audience { expected, named })
}

fn check_feature<'a>(license: &License<'a>, name: &'a str, now: u64) -> (Code, Facts<'a>) {
    let (code, expires) = match license.feature(name) {
        None => (Code::FeatureNotLicensed, None),
        Some(feature) if feature.is_expired(now) => (Code::FeatureExpired, feature.expires),
        Some(feature) => (Code::Allowed, feature.expires),
    };
    (code, Facts::Feature { name, expires, now })
}

fn refuse(explanation: &mut Explanation<'_>, check: Check, malformed: Malformed) -> Code {
    // The failure is noted here and returned by the caller.
    let _ = explanation.note(check, malformed.code, Facts::At { offset: malformed.offset });
    malformed.code
}
