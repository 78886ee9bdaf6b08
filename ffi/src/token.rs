//! Tokens: their text form, and what they claim before anybody has checked it.

use std::ffi::c_char;

use licentia::Unverified;
use licentia_core::{
    Buffer,
    text::{Text, decode_license},
};

use crate::{
    border::{bytes, enter, foreign},
    buffer::Owned,
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

/// Gives the text form of a licence's bytes, which are not looked at; free it with licentia_string_free.
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

/// Gives what a licence claims, as a JSON object, without a look at its signature: to show it, never to decide.
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
