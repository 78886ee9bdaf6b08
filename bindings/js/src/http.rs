//! Header fields, status and body of HTTP messages.

use licentia::{Code, http};
use licentia_core::text::Base64Url;

use crate::{
    needs::whole,
    port::{
        call::{Answer, Call, done},
        numbers::charge,
        words::Told,
    },
};

/// Tells the token of an `Authorization: Bearer` field; an empty text if there is none.
pub(crate) fn bearer(call: &Call<'_>, told: &mut Told) -> Vec<f64> {
    told.word(&http::bearer(call.subject).unwrap_or_default());
    done()
}

/// Tells the name of the header field for proofs, and the value for a proof's bytes.
pub(crate) fn proof_field(call: &Call<'_>, told: &mut Told) -> Vec<f64> {
    told.words(&[&http::PROOF_FIELD, &Base64Url(call.bytes)]);
    done()
}

/// The code in `first`, and whether the subject says `allowed`.
fn decided(call: &Call<'_>) -> Result<(Code, bool), Code> {
    let code = Code::from_number(whole(call.first)? as u16).ok_or(Code::InvalidArgument)?;
    Ok((code, call.subject == "allowed"))
}

/// The status code of a decision.
pub(crate) fn status(call: &Call<'_>) -> Answer {
    let (code, allowed) = decided(call)?;
    Ok(vec![if allowed { 200.0 } else { f64::from(http::status(code)) }])
}

/// Tells the header fields of a decision, names and values in turn; then media type and body of a refusal.
///
/// `second` is the number of milliseconds to wait, or less than 0. The words name the rates and meters of the request,
/// the numbers are the charges of a check's answer.
pub(crate) fn fields(call: Call<'_>, told: &mut Told) -> Answer {
    let (code, allowed) = decided(&call)?;
    let some = |value: f64| (value >= 0.0).then_some(value as u64);
    let retry_after_ms = some(call.second);
    let mut words = call.words;
    let mut names = Vec::new();
    while let Ok(name) = words.next() {
        names.push(name);
    }
    let charges = call.numbers.as_chunks::<{ charge::LENGTH }>().0.iter().map(|charge| {
        let name = names.get(charge[charge::INDEX] as usize).copied().unwrap_or_default();
        let reset = some(charge[charge::RESET_MS]).map(http::retry_after);
        let policy = http::RateLimitPolicy {
            name,
            quota: charge[charge::LIMIT] as u64,
            window: some(charge[charge::WINDOW]),
        };
        (policy, http::RateLimit { name, remaining: charge[charge::REMAINING] as u64, reset })
    });
    for (name, value) in http::headers(code, allowed, retry_after_ms, charges) {
        told.word(&name).word(&value);
    }
    told.words(&[&http::PROBLEM_TYPE, &http::Problem { code, retry_after_ms }]);
    Ok(done())
}
