//! Public keys.

use std::ffi::c_char;

use crate::{
    border::buffer::Owned,
    border::{Lent, Out, array, bytes, end, enter, shared, text},
    status::Status,
};

/// A public key that verifies licences, keysets or bundles. It does not change: threads may share it.
pub struct Key(pub(crate) licentia::Key);

/// Reads a public key in its text form, `licpub1_...`, which `licentia keygen` writes.
///
/// Errors: INVALID_KEY, WEAK_KEY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_key_from_text(
    text_form: *const c_char,
    text_form_len: usize,
    key: *mut *mut Key,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let key = Out::handle(key)?;
        key.give(Key(licentia::Key::from_text(text(text_form, text_form_len)?)?));
        Ok(())
    })
}

/// Makes a public key from an Ed25519 key of 32 bytes and an identifier of 1 to 32 bytes.
///
/// Errors: INVALID_KEY, WEAK_KEY; INVALID_ARGUMENT for the identifier.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_key_from_ed25519(
    kid: *const u8,
    kid_len: usize,
    public_key: *const u8,
    key: *mut *mut Key,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let key = Out::handle(key)?;
        key.give(Key(licentia::Key::ed25519(bytes(kid, kid_len)?, array(public_key)?)?));
        Ok(())
    })
}

/// Frees a key. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_key_free(key: *mut Key) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(key) }
}

/// Returns the text form, `licpub1_...`; free it with licentia_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_key_text(
    key: *const Key,
    text_form: *mut *mut c_char,
    text_form_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(text_form, text_form_len)?;
        out.give(shared(key)?.0.to_string().as_bytes())
    })
}

/// Returns the key's identifier, valid as long as the key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_key_kid(
    key: *const Key,
    kid: *mut *const u8,
    kid_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Lent::new(kid, kid_len)?;
        out.lend(shared(key)?.0.kid().as_bytes());
        Ok(())
    })
}

/// Returns the 32 bytes of the Ed25519 key, valid as long as the key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_key_bytes(
    key: *const Key,
    public_key: *mut *const u8,
    public_key_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Lent::new(public_key, public_key_len)?;
        out.lend(shared(key)?.0.public().as_bytes());
        Ok(())
    })
}
