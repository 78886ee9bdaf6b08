//! The checks of an authenticated licence, in their order: what it grants, to whom, and when.

use crate::{
    code::Code,
    expect::Expect,
    explain::{Check, Explanation, Facts},
    license::claims::License,
    license::feature,
    proof,
    revocation::{
        bundle::{BundleHead, RevocationQuery},
        rule::{Effect, RevocationTerms},
    },
    time::{clock::Time, timestamp::Timestamp},
};

/// What state an allowed decision is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum State {
    /// The contract runs.
    Active = 0,
    /// The contract has ended, and the licence has not: time to renew.
    Grace = 1,
    /// A quota is used up, and the contract allows overage.
    Overage = 2,
    /// An enforcing gate would have denied it.
    Advisory = 3,
}

impl State {
    /// Its stable number, as the bindings pass it on.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its stable name in `snake_case`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Grace => "grace",
            Self::Overage => "overage",
            Self::Advisory => "advisory",
        }
    }
}

/// Checks what a licence grants at a time.
///
/// # Errors
/// A code of group 2xx (the keyset has expired), 3xx or 4xx; the checks are recorded in `explanation`.
pub fn authorize<'a>(
    license: &License<'_>,
    expect: &Expect<'a>,
    revocations: Option<RevocationQuery<'_>>,
    time: Time,
    explanation: &mut Explanation<'a>,
) -> Result<State, Code> {
    #[cfg(not(any(target_os = "none", target_family = "wasm")))]
    let license = &license.by_ref();
    let now = time.now;
    if let Some(expires) = expect.keyset_expires {
        let code = if now < expires { Code::Allowed } else { Code::KeysetExpired };
        explanation.note(Check::Keyset, code, Facts::Until { expires, now })?;
    }
    if let Some(since) = time.doubt_since {
        let facts = Facts::Since { since, now };
        explanation.doubt(
            Check::Clock,
            Code::ClockRollback,
            facts,
            license.policy().clock_doubt,
            since,
            now,
        )?;
    }
    let (code, facts) = check_time(license, expect.skew, now);
    explanation.note(Check::Time, code, facts)?;
    if let Some(expected) = expect.issuer {
        let code = if license.is_from(expected) { Code::Allowed } else { Code::IssuerMismatch };
        explanation.note(Check::Issuer, code, Facts::Issuer { expected })?;
    }
    let (code, facts) = check_audience(license, expect.audience);
    explanation.note(Check::Audience, code, facts)?;
    let in_grace =
        check_revocation(license, revocations.as_ref(), expect.revocations_required, now, explanation)?;
    if let Some((code, facts)) = check_node(license, expect.node) {
        explanation.note(Check::Node, code, facts)?;
    }
    if let Some(expires) = license.maintained_until() {
        let code = match expect.release {
            None => Code::ReleaseRequired,
            Some(release) if release <= expires => Code::Allowed,
            Some(_) => Code::ReleaseNotCovered,
        };
        explanation.note(
            Check::Release,
            code,
            Facts::Until { expires, now: expect.release.unwrap_or(now) },
        )?;
    }
    if let Some(confirmation) = license.confirmation() {
        let code = match expect.proof {
            None => Code::ProofRequired,
            Some(presented) => {
                proof::check(license, confirmation, &presented, (expect.service_nonces, expect.replay), now)
                    .map_or_else(|code| code, |()| Code::Allowed)
            }
        };
        explanation.note(Check::Proof, code, Facts::None)?;
    }
    for name in expect.features {
        let (code, facts) = check_feature(license, name, now);
        explanation.note(Check::Feature, code, facts)?;
    }
    let in_grace = in_grace || license.term_end().is_some_and(|term_end| now >= term_end);
    Ok(if in_grace { State::Grace } else { State::Active })
}

/// `exp` is the first second that is too late; `nbf` and `iat` are the first that is not too early.
fn check_time<'a>(license: &License<'_>, skew: u64, now: Timestamp) -> (Code, Facts<'a>) {
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
fn check_audience<'a>(license: &License<'_>, expected: Option<&'a str>) -> (Code, Facts<'a>) {
    let (named, good) = license.names_audience(expected);
    let code = if good || named == 0 { Code::Allowed } else { Code::AudienceMismatch };
    (code, Facts::Audience { expected, named })
}

/// Checks that the revocation data of the licence's stream is fresh enough and that the licence is not revoked. Returns whether a
/// revocation puts the licence into grace.
fn check_revocation(
    license: &License<'_>,
    bundle: Option<&RevocationQuery<'_>>,
    required: bool,
    now: Timestamp,
    explanation: &mut Explanation<'_>,
) -> Result<bool, Code> {
    let policy = license.policy();
    let head = bundle.and_then(|bundle| bundle.head(license));
    let age = policy.max_revocation_age;
    // A licence that states a maximum age requires a bundle. Any other licence does so only if the host asks for it.
    let stale_since = match head {
        None => (required || age.is_some()).then_some(license.issued_at()),
        Some(head) => {
            let latest =
                age.map_or(Timestamp::MAX, |age| head.issued_at.saturating_add(age)).min(head.next_update);
            Some(latest).filter(|latest| now > *latest)
        }
    };
    if let Some(since) = stale_since {
        let facts = Facts::Since { since, now };
        let action = policy.stale_revocation;
        explanation.doubt(Check::Freshness, Code::RevocationStale, facts, action, since, now)?;
    }
    let facts = head.map(|BundleHead { sequence, issued_at, .. }| Facts::Bundle { sequence, issued_at });
    if let (Some(head), Some(facts)) = (head, facts)
        && now >= head.expires
    {
        explanation.note(Check::Revocation, Code::RevocationExpired, facts)?;
    }
    let Some((sequence, by_rule, terms)) = bundle.and_then(|bundle| bundle.verdict(license, now)) else {
        if let Some(facts) = facts {
            explanation.note(Check::Revocation, Code::Allowed, facts)?;
        }
        return Ok(false);
    };
    let code = if by_rule { Code::RevokedByRule } else { Code::Revoked };
    let (until, grace) = match terms.effect {
        Effect::Deny => (None, false),
        Effect::WarnUntil(until) => (Some(until), false),
        Effect::GraceUntil(until) => (Some(until), true),
    };
    let RevocationTerms { reason, effective, .. } = terms;
    let facts = Facts::Revoked { sequence, reason, effective, until };
    if until.is_some_and(|until| now < until) {
        explanation.tolerate(Check::Revocation, code, facts);
        return Ok(grace);
    }
    explanation.note(Check::Revocation, code, facts).map(|()| false)
}

/// A licence without node locks is for every machine.
fn check_node<'a>(license: &License<'_>, node: Option<&[u8; 32]>) -> Option<(Code, Facts<'a>)> {
    let locks = license.node_locks().count();
    let code = match node {
        _ if locks == 0 => return None,
        None => Code::NodeRequired,
        Some(node) if license.node_locks().any(|lock| lock == node) => Code::Allowed,
        Some(_) => Code::NodeMismatch,
    };
    Some((code, Facts::Nodes { locks }))
}

fn check_feature<'a>(license: &License<'_>, name: &'a str, now: Timestamp) -> (Code, Facts<'a>) {
    let (code, expires) = match license.feature_end(name) {
        Err(code) => (code, None),
        Ok(expires) if feature::has_ended(expires, now) => (Code::FeatureExpired, expires),
        Ok(expires) => (Code::Allowed, expires),
    };
    (code, Facts::Feature { name, expires, now })
}
