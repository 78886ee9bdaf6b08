//! The issuer.

use std::{ffi::c_char, sync::Arc};

use crate::{
    border::buffer::Owned,
    border::{Out, end, enter, shared, text},
    status::Status,
    vendor::draft::Draft,
    vendor::signing_key::SigningKey,
};

/// A vendor that issues licences under one name and key. It does not change: threads may share it.
pub struct Issuer(licentia_issuer::Issuer);

/// Makes an issuer from a name (1 to 256 bytes) and a key, which it shares; free it with licentia_issuer_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_issuer_new(
    name: *const c_char,
    name_len: usize,
    key: *const SigningKey,
    issuer: *mut *mut Issuer,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let issuer = Out::handle(issuer)?;
        let (name, key) = (text(name, name_len)?, Arc::clone(&shared(key)?.0));
        issuer.give(Issuer(licentia_issuer::Issuer::new(name, key)));
        Ok(())
    })
}

/// Frees an issuer. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_issuer_free(issuer: *mut Issuer) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(issuer) }
}

/// Signs a licence, and returns its text form; free it with licentia_string_free. It is a credential: keep it out of
/// logs.
///
/// Errors: INVALID_ARGUMENT for a draft that contradicts itself; a code of group 1xx for one that every gate would
/// refuse; STORE_UNREACHABLE if the system has no random bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_issuer_issue(
    issuer: *const Issuer,
    draft: *const Draft,
    token: *mut *mut c_char,
    token_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(token, token_len)?;
        let token = shared(issuer)?.0.issue(&shared(draft)?.0)?;
        out.give(token.text().as_bytes())
    })
}
