//! Tokens: their text form, and their unverified claims.

use std::ffi::c_char;

use licentia::Unverified;
use licentia_core::{
    Buffer, http,
    text::{Text, decode_base64url, decode_license},
};

use crate::{
    border::buffer::Owned,
    border::{Refusal, bytes, enter, foreign},
    status::Status,
};

/// Decodes the text form of a licence, `lic1_...`; free the bytes with licentia_bytes_free.
///
/// Errors: MALFORMED_TEXT, TOKEN_TOO_LONG.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_token_decode(
    token: *const c_char,
    token_len: usize,
    decoded: *mut *mut u8,
    decoded_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(decoded, decoded_len)?;
        out.give(decode_license(foreign(token, token_len)?, &mut Buffer::new())?)
    })
}

/// Returns the text form of the bytes of a licence, which are not checked; free it with licentia_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_token_encode(
    decoded: *const u8,
    decoded_len: usize,
    token: *mut *mut c_char,
    token_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(token, token_len)?;
        out.give(Text::license(bytes(decoded, decoded_len)?).to_string().as_bytes())
    })
}

/// Returns the token of a value of the HTTP field `Authorization` whose scheme is Bearer; free it with
/// licentia_string_free. Join several fields of one request by `, `: then there is none that is accepted.
///
/// Errors: ABSENT for another scheme.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_token_from_authorization(
    value: *const c_char,
    value_len: usize,
    token: *mut *mut c_char,
    token_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(token, token_len)?;
        out.give(http::bearer(foreign(value, value_len)?).ok_or(Refusal::ABSENT)?.as_bytes())
    })
}

/// Decodes base64url without padding, strictly: the form of a proof in the HTTP field `Licentia-Proof`. Free the bytes
/// with licentia_bytes_free.
///
/// Errors: MALFORMED_TEXT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_base64url_decode(
    encoded: *const c_char,
    encoded_len: usize,
    decoded: *mut *mut u8,
    decoded_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(decoded, decoded_len)?;
        out.give(decode_base64url(foreign(encoded, encoded_len)?, &mut Buffer::new())?)
    })
}

/// Returns the claims of a licence as a JSON object, without checking its signature: to show them, never to decide.
/// Free it with licentia_string_free.
///
/// Errors: a code of group 1xx.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_token_unverified_json(
    token: *const c_char,
    token_len: usize,
    json: *mut *mut c_char,
    json_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(json, json_len)?;
        let mut buffer = Buffer::new();
        let decoded = decode_license(foreign(token, token_len)?, &mut buffer)?;
        let claims = Unverified::read(decoded).map_err(|malformed| malformed.code)?;
        out.give(claims.json().to_string().as_bytes())
    })
}
