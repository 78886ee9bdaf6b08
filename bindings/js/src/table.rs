//! What needs no gate: the table of codes, texts, keys, periods, a holder's proofs, and what HTTP is told.

use std::fmt::Display;

use licentia::{Code, Holder, decision::http_headers, http};
use licentia_core::{
    Key, Period,
    inner::Quoted,
    text::{self, Base64Url},
};

use crate::{
    ask::{time, whole},
    call::{Answer, Call, done},
    what,
    words::Told,
};

/// Does what is asked for.
///
/// # Errors
/// Why not; [`Code::InvalidArgument`] for what nobody knows.
pub(crate) fn answer(asked: u32, call: Call<'_>, told: &mut Told) -> Answer {
    match asked {
        what::CODES => Ok(codes(told)),
        what::DECODE_LICENSE => {
            text::decode_license(call.subject, &mut licentia_core::Buffer::new()).map(numbers)
        }
        what::ENCODE_LICENSE => Ok(say(told, &[&text::Text::license(call.bytes)])),
        what::READ_KEY => read_key(call.subject),
        what::WINDOW => window(&call),
        what::PROVE => prove(call),
        what::HOLDER_KEY => holder_key(call.bytes),
        what::HTTP_STATUS => http_status(&call),
        what::HTTP_FIELDS => http_fields(call, told),
        what::BEARER => Ok(say(told, &[&http::bearer(call.subject).unwrap_or_default()])),
        what::PROOF_FIELD => Ok(say(told, &[&http::PROOF_FIELD, &Base64Url(call.bytes)])),
        what::BUNDLE_MARK => Ok(say(told, &[&licentia::revocation::mark(call.bytes).unwrap_or_default()])),
        _ => Err(Code::InvalidArgument),
    }
}

/// Tells words, and nothing else.
fn say(told: &mut Told, words: &[&dyn Display]) -> Vec<f64> {
    for word in words {
        told.word(word);
    }
    done()
}

/// Bytes as numbers, after one that says nothing: no answer is empty.
pub(crate) fn numbers(bytes: &[u8]) -> Vec<f64> {
    let mut numbers = done();
    numbers.extend(bytes.iter().copied().map(f64::from));
    numbers
}

/// The table of codes as JSON: number, name, message, advice.
fn codes(told: &mut Told) -> Vec<f64> {
    for (at, entry) in Code::TABLE.iter().enumerate() {
        let (before, number, name) = (if at == 0 { '[' } else { ',' }, entry.code.number(), entry.name);
        let (message, advice) = (Quoted(entry.message), Quoted(entry.advice));
        told.part(&format_args!(
            r#"{before}{{"number":{number},"name":"{name}","message":{message},"advice":{advice}}}"#
        ));
    }
    told.part(&']');
    done()
}

/// The length of a public key's kid, its kid, and its 32 bytes.
fn read_key(key: &str) -> Answer {
    let key = Key::from_text(key)?;
    let kid = key.kid().as_bytes();
    Ok(numbers(&[&[kid.len() as u8], kid, key.public().as_bytes()].concat()))
}

/// Start and end (seconds since 1970; infinity where it never ends) of the period at a time. The subject is a name
/// of the calendar, or `seconds`, `month_from`, `year_from`; the numbers are its own and its anchor; `first` is the time.
fn window(call: &Call<'_>) -> Answer {
    let [seconds, anchor] = call.numbers else { return Err(Code::InvalidArgument) };
    let (seconds, anchor, at) = (whole(*seconds)?, time(*anchor)?, time(call.first)?);
    let period = match call.subject {
        "seconds" if seconds > 0 => Period::Fixed { seconds, anchor },
        "month_from" => Period::MonthFrom { anchor },
        "year_from" => Period::YearFrom { anchor },
        name => Period::named(name).ok_or(Code::InvalidArgument)?,
    };
    let window = period.window(at);
    Ok(vec![window.start as f64, window.end.map_or(f64::INFINITY, |end| end as f64)])
}

/// A proof for one request at `first` (seconds since 1970), with the token that the call is about. The words are method
/// and URI; the bytes are the seed of the key, `second` of them, and the SHA-256 of the request's body where there is one.
fn prove(call: Call<'_>) -> Answer {
    let Call { subject, mut words, bytes, first, second, .. } = call;
    let (method, uri) = (words.next()?, words.next()?);
    words.end()?;
    let (seed, body) = bytes.split_at_checked(whole(second)? as usize).ok_or(Code::InvalidArgument)?;
    let body = if body.is_empty() { None } else { Some(digest(body)?) };
    let proof = Holder::from_seed(digest(seed)?).prove(subject, method, uri, body, time(first)?)?;
    Ok(numbers(&proof))
}

/// The public key of a seed, and its thumbprint (RFC 9679): 32 bytes each.
fn holder_key(seed: &[u8]) -> Answer {
    let holder = Holder::from_seed(digest(seed)?);
    Ok(numbers(&[holder.public(), holder.thumbprint()].concat()))
}

fn digest(bytes: &[u8]) -> Result<&[u8; 32], Code> {
    bytes.try_into().map_err(|_| Code::InvalidArgument)
}

/// The code of a decision, and whether it lets the request go on.
fn decided(call: &Call<'_>) -> Result<(Code, bool), Code> {
    let code = Code::from_number(whole(call.first)? as u16).ok_or(Code::InvalidArgument)?;
    Ok((code, call.subject == "allowed"))
}

/// The status of a decision. The subject is `allowed`, or anything else.
fn http_status(call: &Call<'_>) -> Answer {
    let (code, allowed) = decided(call)?;
    Ok(vec![if allowed { 200.0 } else { f64::from(http::status(code)) }])
}

/// The header fields of a decision, names and values in turn, and after them the media type and the text of a refusal's
/// body. `second` is the milliseconds to wait, or less than 0; the words are the names of the rates and meters that were
/// asked for; the numbers are the charges, as a check answers them.
fn http_fields(call: Call<'_>, told: &mut Told) -> Answer {
    let (code, allowed) = decided(&call)?;
    let some = |value: f64| (value >= 0.0).then_some(value as u64);
    let retry_after_ms = some(call.second);
    let mut words = call.words;
    let mut names = Vec::new();
    while let Ok(name) = words.next() {
        names.push(name);
    }
    let charges = call.numbers.as_chunks::<5>().0.iter().map(|[at, limit, window, remaining, reset]| {
        let name = names.get(*at as usize).copied().unwrap_or_default();
        let reset = some(*reset).map(http::retry_after);
        let policy = http::RateLimitPolicy { name, quota: *limit as u64, window: some(*window) };
        (policy, http::RateLimit { name, remaining: *remaining as u64, reset })
    });
    for (name, value) in http_headers(code, allowed, retry_after_ms, charges) {
        told.word(&name).word(&value);
    }
    Ok(say(told, &[&http::PROBLEM_TYPE, &http::Problem { code, retry_after_ms }]))
}
