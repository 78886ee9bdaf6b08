//! How a decision is said in HTTP: status, challenge, rate limit fields and problem details.
//!
//! 401 and 403 are told apart as in RFC 6750, section 3.1: 401 where the licence itself is not
//! good, 403 if it is good and does not grant this; 429 of RFC 6585; 503 if the service
//! cannot tell.

use core::fmt;

use crate::{code::Code, json::Quoted};

/// Name of the header field with a proof of possession, in unpadded base64url.
pub const PROOF_FIELD: &str = "licentia-proof";

/// Name of the header field with a nonce for the next proof, in unpadded base64url.
pub const PROOF_NONCE_FIELD: &str = "licentia-proof-nonce";

/// Whether a refusal with this code brings a nonce: the next proof may be good with it.
pub const fn brings_nonce(code: Code) -> bool {
    matches!(code, Code::ProofRequired | Code::ProofStale | Code::ProofInFuture | Code::ProofNonceRequired)
}

/// The token of a value of `Authorization`, whose scheme is `Bearer` in any case (RFC 9110, section 11.1).
pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, rest) = value.split_at_checked("Bearer".len())?;
    let token = rest.strip_prefix(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_ascii())
}

/// Status code of a response to a request that was decided with `code`.
pub const fn status(code: Code) -> u16 {
    match code {
        Code::Allowed => 200,
        Code::RateLimited | Code::QuotaExceeded | Code::SeatsTaken => 429,
        Code::FeatureNotLicensed
        | Code::FeatureExpired
        | Code::ReleaseNotCovered
        | Code::ReleaseRequired
        | Code::NodeRequired
        | Code::NodeMismatch
        | Code::RateNotLicensed
        | Code::MeterNotLicensed
        | Code::SeatsNotLicensed => 403,
        Code::KeysetExpired
        | Code::ClockRollback
        | Code::ProofCacheFull
        | Code::RevocationStale
        | Code::RevocationExpired
        | Code::StoreUnreachable => 503,
        Code::JobCostDiffers => 409,
        _ if code.number() >= 800 => 500,
        // Receipts: nothing that a gate says; an endpoint that takes them refuses them so.
        _ if code.number() >= 640 => 403,
        _ => 401,
    }
}

/// Value of `WWW-Authenticate` (RFC 6750, section 3) for a code whose status is 401 or 403.
#[derive(Clone, Copy, Debug)]
pub struct Challenge(pub Code);

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = match (self.0, status(self.0)) {
            // Who presents nothing is told nothing but the scheme.
            (Code::MissingToken, _) => return f.write_str("Bearer"),
            (Code::ProofRequired, _) => "proof_required",
            (Code::ProofNonceRequired, _) => "use_proof_nonce",
            (_, 403) => "insufficient_scope",
            _ => "invalid_token",
        };
        // Messages are our own and hold neither quotes nor backslashes.
        write!(f, r#"Bearer error="{error}", error_description="{}: {}""#, self.0.name(), self.0.message())
    }
}

/// Problem details (RFC 9457) of a refusal, as JSON.
#[derive(Clone, Copy, Debug)]
pub struct Problem {
    /// The code.
    pub code: Code,
    /// When to try again, in milliseconds, if that helps.
    pub retry_after_ms: Option<u64>,
}

/// Media type of [`Problem`].
pub const PROBLEM_TYPE: &str = "application/problem+json";

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, number, status) = (self.code.name(), self.code.number(), status(self.code));
        write!(f, r#"{{"type":"urn:licentia:code:{name}","title":{},"#, Quoted(self.code.message()))?;
        write!(f, r#""status":{status},"detail":{},"#, Quoted(self.code.advice()))?;
        write!(f, r#""code":{number},"name":"{name}""#)?;
        if let Some(retry_after_ms) = self.retry_after_ms {
            write!(f, r#","retry_after_ms":{retry_after_ms}"#)?;
        }
        f.write_str("}")
    }
}

/// Value of `Retry-After` (RFC 9110, section 10.2.3): whole seconds, rounded up.
pub const fn retry_after(milliseconds: u64) -> u64 {
    milliseconds.div_ceil(1000)
}

/// The greatest integer of a structured field: 15 digits (RFC 9651, section 3.3.1). What is more is shown as this.
const FIELD_INTEGER: u64 = 999_999_999_999_999;

/// An integer as a structured field holds it.
fn field_integer(number: u64) -> u64 {
    number.min(FIELD_INTEGER)
}

/// One item of `RateLimit-Policy`: a name, its quota and its window.
///
/// The fields are those of the IETF draft "`RateLimit` header fields for HTTP".
#[derive(Clone, Copy, Debug)]
pub struct RateLimitPolicy<'a> {
    /// Name of the rate or meter.
    pub name: &'a str,
    /// Units per window.
    pub quota: u64,
    /// Length of the window in seconds, if it has a fixed one.
    pub window: Option<u64>,
}

impl fmt::Display for RateLimitPolicy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names are of a grammar that needs no escaping.
        write!(f, r#""{}";q={}"#, self.name, field_integer(self.quota))?;
        self.window.map_or(Ok(()), |window| write!(f, ";w={}", field_integer(window)))
    }
}

/// One item of `RateLimit`: what is left, and until when.
#[derive(Clone, Copy, Debug)]
pub struct RateLimit<'a> {
    /// Name of the rate or meter.
    pub name: &'a str,
    /// Units left.
    pub remaining: u64,
    /// Seconds until there are more, if that is known.
    pub reset: Option<u64>,
}

impl fmt::Display for RateLimit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#""{}";r={}"#, self.name, field_integer(self.remaining))?;
        self.reset.map_or(Ok(()), |reset| write!(f, ";t={}", field_integer(reset)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn every_code_has_a_status_of_its_kind() {
        for entry in Code::TABLE {
            let expected: &[u16] = match entry.code.number() {
                0 => &[200],
                1..=199 => &[401],
                200..=399 => &[401, 503],
                400..=599 => &[401, 403, 503],
                600..=699 => &[403, 429, 503],
                803 => &[409],
                _ => &[500],
            };
            assert!(expected.contains(&status(entry.code)), "{}", entry.name);
        }
        assert_eq!(status(Code::Expired), 401);
        assert_eq!(status(Code::FeatureNotLicensed), 403);
        assert_eq!(status(Code::QuotaExceeded), 429);
    }

    #[test]
    fn the_scheme_is_bearer_in_any_case() {
        for value in ["Bearer lic1_A", "bearer   lic1_A ", "BEARER lic1_A"] {
            assert_eq!(bearer(value), Some("lic1_A"));
        }
        for value in ["", "Bearer", "Basic lic1_A", "Bearerlic1_A", " Bearer lic1_A"] {
            assert_eq!(bearer(value), None, "{value:?}");
        }
        assert_eq!(bearer("Bearer "), Some(""));
    }

    #[test]
    fn fields_are_well_formed() {
        assert_eq!(Challenge(Code::MissingToken).to_string(), "Bearer");
        assert_eq!(
            Challenge(Code::Expired).to_string(),
            r#"Bearer error="invalid_token", error_description="expired: The licence has expired.""#
        );
        for entry in Code::TABLE {
            assert!(!entry.message.contains(['"', '\\']), "{}", entry.name);
        }
        assert_eq!(
            RateLimitPolicy { name: "api", quota: 10, window: Some(1) }.to_string(),
            r#""api";q=10;w=1"#
        );
        assert_eq!(RateLimit { name: "api", remaining: 9, reset: None }.to_string(), r#""api";r=9"#);
        let most = crate::limits::INTEGER;
        assert_eq!(
            RateLimitPolicy { name: "api", quota: most, window: Some(most) }.to_string(),
            r#""api";q=999999999999999;w=999999999999999"#
        );
        assert_eq!(
            RateLimit { name: "api", remaining: u64::MAX, reset: Some(u64::MAX) }.to_string(),
            r#""api";r=999999999999999;t=999999999999999"#
        );
        assert_eq!((retry_after(0), retry_after(1), retry_after(1000), retry_after(1001)), (0, 1, 1, 2));
    }
}
