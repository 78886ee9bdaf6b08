//! The C ABI of core alone, for microcontrollers: no standard library, no heap, no state between calls.
//!
//! `include/licentia_bare.h` is generated from this crate. A function here converts types and calls core.

#![no_std]
#![deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use core::{ffi::c_char, mem::MaybeUninit, ptr};

use licentia_core::{
    Code, Expect, Explanation, Key, License, State, proof::Presented, text::decode_license_into, verify_into,
};

/// The largest number of keys.
pub const LICENTIA_BARE_KEYS: usize = 4;
/// The largest number of features.
pub const LICENTIA_BARE_FEATURES: usize = 8;

/// The call succeeded.
const OK: u32 = 1;
/// Stands for a number that is absent.
const NONE: u64 = u64::MAX;

/// A public key that licences are signed with.
#[repr(C)]
pub struct BareKey {
    /// Its identifier.
    pub kid: *const u8,
    /// Length of the identifier, 1 to 32 bytes.
    pub kid_len: usize,
    /// The 32 bytes of the Ed25519 key.
    pub public_key: *const u8,
}

/// A text: UTF-8, without need of a NUL. NULL means none.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct BareText {
    /// The text.
    pub data: *const c_char,
    /// Its length, in bytes.
    pub len: usize,
}

/// A proof of possession, and the request that it came with.
#[repr(C)]
pub struct BareProof {
    /// The proof.
    pub proof: *const u8,
    /// Its length, in bytes.
    pub proof_len: usize,
    /// The request's method.
    pub method: BareText,
    /// The request's URI.
    pub uri: BareText,
    /// SHA-256 (32 bytes) of its body if the body must be signed too, else NULL.
    pub body: *const u8,
    /// How old a proof may be, in seconds.
    pub max_age: u64,
}

/// The requirements of a request.
#[repr(C)]
pub struct BareRequest {
    /// The time, in seconds since 1970.
    pub now: u64,
    /// Tolerance of clocks that differ, in seconds; 60 is usual.
    pub skew: u64,
    /// Date of the running release, in seconds since 1970, or LICENTIA_NONE.
    pub release: u64,
    /// The issuer, or NULL for any.
    pub issuer: BareText,
    /// Name of this service, or NULL.
    pub audience: BareText,
    /// Features, all of which are required.
    pub features: *const BareText,
    /// How many there are, at most LICENTIA_BARE_FEATURES.
    pub features_len: usize,
    /// SHA-256 (32 bytes) of this machine's fingerprint, or NULL.
    pub node: *const u8,
    /// A proof of possession, or NULL. The caller must reject a proof that was used before.
    pub proof: *const BareProof,
}

/// The verdict on a licence. Its texts point into the token.
#[repr(C)]
pub struct BareVerdict {
    /// The reason: one of LICENTIA_CODE_*. LICENTIA_CODE_ALLOWED means that it is allowed.
    pub code: u32,
    /// The state if it is allowed: one of LICENTIA_STATE_*; else 0.
    pub state: u32,
    /// Whether the signature is good, so that the members below are valid.
    pub authentic: u32,
    /// 0.
    pub reserved: u32,
    /// When it expires, in seconds since 1970.
    pub expires: u64,
    /// Version of the tier.
    pub tier_version: u64,
    /// Name of the tier.
    pub tier: BareText,
    /// The customer.
    pub subject: BareText,
    /// The lineage, which stays the same through renewals.
    pub lineage: [u8; 16],
}

/// A constant in flash: a value that is built on the stack would take its space twice.
const EMPTY: Explanation<'static> = Explanation::new();
const NO_TEXT: BareText = BareText { data: ptr::null(), len: 0 };
const DENIED: BareVerdict = BareVerdict {
    code: Code::InvalidArgument as u32,
    state: 0,
    authentic: 0,
    reserved: 0,
    expires: 0,
    tier_version: 0,
    tier: NO_TEXT,
    subject: NO_TEXT,
    lineage: [0; 16],
};

/// Decodes the text form of a licence, `lic1_...`, into memory of the caller, and writes the length. 4096 bytes are
/// always enough.
///
/// Errors: MALFORMED_TEXT, TOKEN_TOO_LONG; INVALID_ARGUMENT, also if the text and the memory overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bare_decode(
    token: *const c_char,
    token_len: usize,
    space: *mut u8,
    space_len: usize,
    decoded_len: *mut usize,
) -> u32 {
    // SAFETY: the caller keeps to the header's rules.
    status(unsafe { decode(token, token_len, space, space_len, decoded_len) })
}

unsafe fn decode(
    token: *const c_char,
    token_len: usize,
    space: *mut u8,
    space_len: usize,
    decoded_len: *mut usize,
) -> Result<(), Code> {
    // SAFETY: the caller keeps to the header's rules.
    unsafe {
        let length = place(decoded_len, 0)?;
        let text = core::str::from_utf8(bytes(token.cast(), token_len)?).map_err(|_| Code::MalformedText)?;
        let apart = disjoint(token.addr(), token_len, space.addr(), space_len);
        if space.is_null() || isize::try_from(space_len).is_err() || !apart {
            return Err(Code::InvalidArgument);
        }
        length.write(decode_license_into(text, core::slice::from_raw_parts_mut(space, space_len))?.len());
    }
    Ok(())
}

/// Verifies the bytes of a licence with at most LICENTIA_BARE_KEYS keys, and decides whether it meets the requirements.
/// A denial is a verdict too: the status is LICENTIA_OK.
///
/// It needs up to 8 KiB of stack and keeps no state. Several threads may call it at once.
///
/// Errors: INVALID_ARGUMENT; INVALID_KEY or WEAK_KEY for one of the keys.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bare_verify(
    keys: *const BareKey,
    keys_len: usize,
    token: *const u8,
    token_len: usize,
    request: *const BareRequest,
    verdict: *mut BareVerdict,
) -> u32 {
    // SAFETY: the caller keeps to the header's rules.
    status(unsafe { check(keys, keys_len, token, token_len, request, verdict) })
}

fn status(result: Result<(), Code>) -> u32 {
    result.map_or_else(|code| code as u32, |()| OK)
}

unsafe fn check(
    keys: *const BareKey,
    keys_len: usize,
    token: *const u8,
    token_len: usize,
    request: *const BareRequest,
    verdict: *mut BareVerdict,
) -> Result<(), Code> {
    // SAFETY: the caller keeps to the header's rules.
    unsafe {
        let verdict = place(verdict, DENIED)?;
        let token = bytes(token, token_len)?;
        let request = one(request)?;
        let mut known = [const { MaybeUninit::<Key>::uninit() }; LICENTIA_BARE_KEYS];
        load(known.get_mut(..keys_len).ok_or(Code::InvalidArgument)?, list(keys, keys_len)?)?;
        let known = core::slice::from_raw_parts(known.as_ptr().cast::<Key>(), keys_len);
        let mut features = [""; LICENTIA_BARE_FEATURES];
        let features = features.get_mut(..request.features_len).ok_or(Code::InvalidArgument)?;
        for (space, name) in features.iter_mut().zip(list(request.features, request.features_len)?) {
            *space = text(*name)?.unwrap_or_default();
        }
        let mut expect = Expect::new().features(features).skew(request.skew);
        if let Some(issuer) = text(request.issuer)? {
            expect = expect.issuer(issuer);
        }
        if let Some(audience) = text(request.audience)? {
            expect = expect.audience(audience);
        }
        if let Some(node) = array(request.node)? {
            expect = expect.node(node);
        }
        if request.release != NONE {
            expect = expect.release(request.release);
        }
        if !request.proof.is_null() {
            let proof = one(request.proof)?;
            let presented = Presented {
                proof: bytes(proof.proof, proof.proof_len)?,
                method: text(proof.method)?.unwrap_or_default(),
                uri: text(proof.uri)?.unwrap_or_default(),
                body: array(proof.body)?,
                max_age: proof.max_age,
            };
            expect = expect.proof(presented, None);
        }
        // Explanations are for machines that can keep them.
        let mut explanation = EMPTY;
        match verify_into(token, known, &expect, request.now, &mut explanation) {
            Ok((license, state)) => {
                verdict.write(BareVerdict {
                    code: Code::Allowed as u32,
                    state: number(state),
                    ..of(&license)
                });
            }
            Err((code, license)) => {
                verdict.write(license.as_ref().map_or(DENIED, of));
                (*verdict).code = code as u32;
            }
        }
    }
    Ok(())
}

/// Reads the keys, or returns the code of a bad one. A function of its own, so that its stack frame is gone when the
/// signature is checked.
#[inline(never)]
unsafe fn load(places: &mut [MaybeUninit<Key>], keys: &[BareKey]) -> Result<(), Code> {
    for (place, key) in places.iter_mut().zip(keys) {
        // SAFETY: the caller keeps to the header's rules.
        let (kid, public) = unsafe { (bytes(key.kid, key.kid_len)?, array(key.public_key)?) };
        // Keys hold nothing that must be dropped.
        place.write(Key::ed25519(kid, public.ok_or(Code::InvalidArgument)?)?);
    }
    Ok(())
}

fn number(state: State) -> u32 {
    match state {
        State::Active => 1,
        State::Grace => 2,
        State::Overage => 3,
        State::Advisory => 4,
        _ => 0,
    }
}

fn of(license: &License<'_>) -> BareVerdict {
    let lend = |text: &str| BareText { data: text.as_ptr().cast(), len: text.len() };
    let tier = license.tier();
    BareVerdict {
        authentic: 1,
        expires: license.expires(),
        tier_version: tier.version,
        tier: lend(tier.name),
        subject: lend(license.subject()),
        lineage: license.lineage().into(),
        ..DENIED
    }
}

/// Whether two ranges of memory have no byte in common.
fn disjoint(one: usize, one_len: usize, other: usize, other_len: usize) -> bool {
    one >= other.saturating_add(other_len) || other >= one.saturating_add(one_len)
}

/// An output, which is emptied.
unsafe fn place<T>(to: *mut T, empty: T) -> Result<*mut T, Code> {
    if to.is_null() || !to.is_aligned() {
        return Err(Code::InvalidArgument);
    }
    // SAFETY: it is aligned, and the caller keeps to the header's rules.
    unsafe { to.write(empty) };
    Ok(to)
}

unsafe fn one<'a, T>(from: *const T) -> Result<&'a T, Code> {
    if from.is_null() || !from.is_aligned() {
        return Err(Code::InvalidArgument);
    }
    // SAFETY: it is aligned, and the caller keeps to the header's rules.
    Ok(unsafe { &*from })
}

unsafe fn list<'a, T>(from: *const T, length: usize) -> Result<&'a [T], Code> {
    if length == 0 {
        return Ok(&[]);
    }
    let fits = length.checked_mul(size_of::<T>()).is_some_and(|size| isize::try_from(size).is_ok());
    if from.is_null() || !from.is_aligned() || !fits {
        return Err(Code::InvalidArgument);
    }
    // SAFETY: it is aligned, no object is longer, and the caller keeps to the header's rules.
    Ok(unsafe { core::slice::from_raw_parts(from, length) })
}

unsafe fn bytes<'a>(from: *const u8, length: usize) -> Result<&'a [u8], Code> {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { list(from, length) }
}

unsafe fn array<'a>(from: *const u8) -> Result<Option<&'a [u8; 32]>, Code> {
    // SAFETY: the caller keeps to the header's rules.
    if from.is_null() { Ok(None) } else { unsafe { one(from.cast()) }.map(Some) }
}

unsafe fn text<'a>(from: BareText) -> Result<Option<&'a str>, Code> {
    if from.data.is_null() {
        return if from.len == 0 { Ok(None) } else { Err(Code::InvalidArgument) };
    }
    // SAFETY: the caller keeps to the header's rules.
    let bytes = unsafe { bytes(from.data.cast(), from.len) }?;
    core::str::from_utf8(bytes).map(Some).map_err(|_| Code::InvalidArgument)
}

/// Nothing here panics on purpose. After a panic the device waits for its watchdog.
#[cfg(target_os = "none")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
