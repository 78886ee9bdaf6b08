//! The customer's private key, and its proofs of possession.

use std::ffi::c_char;

use crate::{
    border::buffer::Owned,
    border::{Out, array, array_or_none, end, enter, foreign, shared, text},
    status::Status,
};

/// A customer's private key, to which a licence can be bound. It is overwritten when it is freed. It does not change:
/// threads may share it.
pub struct HolderKey(licentia::HolderKey);

/// Makes the key from a seed of 32 bytes (RFC 8032, section 5.1.5). The seed is secret.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_holder_key_from_seed(seed: *const u8, key: *mut *mut HolderKey) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let key = Out::handle(key)?;
        key.give(HolderKey(licentia::HolderKey::from_seed(array(seed)?)));
        Ok(())
    })
}

/// Reads an Ed25519 key in PKCS#8 PEM that is not encrypted.
///
/// Errors: INVALID_KEY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_holder_key_from_pem(
    pem: *const c_char,
    pem_len: usize,
    key: *mut *mut HolderKey,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let key = Out::handle(key)?;
        key.give(HolderKey(
            licentia::HolderKey::from_pem(text(pem, pem_len)?).map_err(licentia::Code::from)?,
        ));
        Ok(())
    })
}

/// Overwrites and frees a key. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_holder_key_free(key: *mut HolderKey) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(key) }
}

/// Writes the public key and its thumbprint (RFC 9679), 32 bytes each. The issuer binds a licence to either.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_holder_key_public(
    key: *const HolderKey,
    public_key: *mut u8,
    thumbprint: *mut u8,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let [public_key, thumbprint] = Out::all([public_key, thumbprint].map(<*mut u8>::cast), [0_u8; 32])?;
        let key = &shared(key)?.0;
        public_key.set(key.public());
        thumbprint.set(key.thumbprint());
        Ok(())
    })
}

/// Makes a proof for one request with a licence in its text form, at `now` (seconds since 1970); free it with
/// licentia_bytes_free. `body` is the SHA-256 (32 bytes) of the request's body if the service wants the body signed,
/// else NULL.
///
/// Errors: a code of group 1xx for text that is no licence; INVALID_ARGUMENT for a method or URI that is too long;
/// STORE_UNREACHABLE if the system has no random bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_holder_key_prove(
    key: *const HolderKey,
    token: *const c_char,
    token_len: usize,
    method: *const c_char,
    method_len: usize,
    uri: *const c_char,
    uri_len: usize,
    body: *const u8,
    now: u64,
    proof: *mut *mut u8,
    proof_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(proof, proof_len)?;
        let (token, method, uri) =
            (foreign(token, token_len)?, text(method, method_len)?, text(uri, uri_len)?);
        let proof = shared(key)?.0.prove(token, method, uri, array_or_none(body)?, now);
        out.give(&proof.map_err(|error| error.code())?)
    })
}

/// As licentia_holder_key_prove, with the nonce that the service has handed out in the header field
/// `Licentia-Proof-Nonce`: the service then goes by its own clock, and not by `now`.
///
/// Errors: as licentia_holder_key_prove; INVALID_ARGUMENT for what is no such nonce.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_holder_key_prove_with_nonce(
    key: *const HolderKey,
    token: *const c_char,
    token_len: usize,
    method: *const c_char,
    method_len: usize,
    uri: *const c_char,
    uri_len: usize,
    body: *const u8,
    nonce: *const c_char,
    nonce_len: usize,
    now: u64,
    proof: *mut *mut u8,
    proof_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(proof, proof_len)?;
        let (token, method, uri) =
            (foreign(token, token_len)?, text(method, method_len)?, text(uri, uri_len)?);
        let (body, nonce) = (array_or_none(body)?, text(nonce, nonce_len)?);
        let proof = shared(key)?.0.prove_with_nonce(token, method, uri, body, Some(nonce), now);
        out.give(&proof.map_err(|error| error.code())?)
    })
}
