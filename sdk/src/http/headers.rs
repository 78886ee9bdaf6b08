//! The header fields of an answer.

use licentia_core::{
    Code,
    http::{Challenge, RateLimit, RateLimitPolicy, retry_after, status},
};

/// The header fields of [`crate::Decision::http_headers`], for a binding that holds a decision in its own language.
pub fn headers<'a>(
    code: Code,
    allowed: bool,
    retry_after_ms: Option<u64>,
    charges: impl Iterator<Item = (RateLimitPolicy<'a>, RateLimit<'a>)>,
) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    let status = if allowed { 200 } else { status(code) };
    if matches!(status, 401 | 403) {
        fields.push(("www-authenticate", Challenge(code).to_string()));
    }
    if let Some(after_ms) = retry_after_ms.filter(|_| !allowed) {
        fields.push(("retry-after", retry_after(after_ms).to_string()));
    }
    let (mut policies, mut remaining) = (String::new(), String::new());
    for (policy, left) in charges {
        let comma = if policies.is_empty() { "" } else { ", " };
        policies += &format!("{comma}{policy}");
        remaining += &format!("{comma}{left}");
    }
    if !policies.is_empty() {
        fields.push(("ratelimit-policy", policies));
        fields.push(("ratelimit", remaining));
    }
    fields
}
