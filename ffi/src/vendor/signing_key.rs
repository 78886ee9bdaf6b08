//! Private keys of the vendor.

use std::ffi::c_char;

use crate::{
    border::buffer::Owned,
    border::{Out, Refusal, array, bytes, end, enter, overlap, passphrase, shared, text},
    key::public_key::Key,
    status::Status,
};

/// A vendor's private key, which is overwritten when it is freed. It does not change: threads may share it.
pub struct SigningKey(pub(crate) std::sync::Arc<licentia_issuer::SigningKey>);

/// The status of an error on the vendor's side, whose texts a program in C has no use for.
impl From<licentia_issuer::Error> for Refusal {
    fn from(error: licentia_issuer::Error) -> Self {
        error.code().into()
    }
}

/// Makes a new key from random bytes of the system.
///
/// Errors: STORE_UNREACHABLE if the system has no random bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_signing_key_generate(key: *mut *mut SigningKey) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let key = Out::handle(key)?;
        key.give(SigningKey(licentia_issuer::SigningKey::generate()?.into()));
        Ok(())
    })
}

/// Makes the key from a seed of 32 bytes (RFC 8032, section 5.1.5). The seed is secret.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_signing_key_from_seed(
    seed: *const u8,
    key: *mut *mut SigningKey,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let key = Out::handle(key)?;
        key.give(SigningKey(licentia_issuer::SigningKey::from_seed(array(seed)?)?.into()));
        Ok(())
    })
}

/// Reads a key in PKCS#8 PEM. Pass the passphrase if it is encrypted, else NULL and 0.
///
/// Errors: INVALID_KEY, also if the passphrase is missing, wrong or not needed; INVALID_ARGUMENT for an empty
/// passphrase.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_signing_key_from_pem(
    pem: *const c_char,
    pem_len: usize,
    phrase: *const c_char,
    phrase_len: usize,
    key: *mut *mut SigningKey,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let key = Out::handle(key)?;
        let phrase = passphrase(phrase, phrase_len)?;
        key.give(SigningKey(licentia_issuer::SigningKey::from_pem(text(pem, pem_len)?, phrase)?.into()));
        Ok(())
    })
}

/// Returns the key in PKCS#8 PEM, encrypted with the passphrase, or not encrypted if that is NULL and 0. Free it with
/// licentia_string_free, which overwrites it.
///
/// Errors: INVALID_ARGUMENT for an empty passphrase, and for NULL with a length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_signing_key_pem(
    key: *const SigningKey,
    phrase: *const c_char,
    phrase_len: usize,
    pem: *mut *mut c_char,
    pem_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(pem, pem_len)?;
        let phrase = passphrase(phrase, phrase_len)?;
        out.give(shared(key)?.0.to_pem(phrase)?.as_bytes())
    })
}

/// Overwrites and frees a key. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_signing_key_free(key: *mut SigningKey) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(key) }
}

/// Returns the public key; free it with licentia_key_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_signing_key_public(
    key: *const SigningKey,
    public_key: *mut *mut Key,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Out::handle(public_key)?;
        out.give(Key(shared(key)?.0.public()));
        Ok(())
    })
}

/// Signs a message with Ed25519, and writes the 64 bytes of the signature.
///
/// Errors: INVALID_ARGUMENT if the signature would overwrite the message; nothing is written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_signing_key_sign(
    key: *const SigningKey,
    message: *const u8,
    message_len: usize,
    signature: *mut u8,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        if overlap(message, message_len, signature, 64) {
            return Err(Refusal::ARGUMENT);
        }
        let out = Out::new(signature.cast(), [0_u8; 64])?;
        out.set(shared(key)?.0.sign(bytes(message, message_len)?));
        Ok(())
    })
}

/// Signs a keyset with the root key; free it with licentia_bytes_free. `draft` is the TOML text of `licentia keyset`,
/// with the sequence number of the previous keyset. Times are seconds since 1970.
///
/// Errors: INVALID_ARGUMENT for a draft that every gate would refuse.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_signing_key_sign_keyset(
    root: *const SigningKey,
    draft: *const c_char,
    draft_len: usize,
    issued_at: u64,
    expires: u64,
    signed_keyset: *mut *mut u8,
    signed_keyset_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(signed_keyset, signed_keyset_len)?;
        let mut draft: licentia_issuer::KeysetDraft = text(draft, draft_len)?.parse()?;
        out.give(&draft.sign(&shared(root)?.0, issued_at, expires)?)
    })
}

/// Acknowledges a receipt of an instance and all receipts before it, at `now` (seconds since 1970): see
/// licentia_receipts_acknowledge. Free the bytes with licentia_bytes_free.
///
/// Errors: RECEIPT_MALFORMED, RECEIPT_FORGED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_signing_key_acknowledge(
    key: *const SigningKey,
    receipt: *const u8,
    receipt_len: usize,
    now: u64,
    acknowledgement: *mut *mut u8,
    acknowledgement_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(acknowledgement, acknowledgement_len)?;
        let receipt = licentia_core::receipt::Receipt::read(bytes(receipt, receipt_len)?)?;
        let (instance, link) = (receipt.instance(), receipt.link());
        out.give(&licentia_issuer::acknowledge(&shared(key)?.0, &instance, link, now)?)
    })
}
