//! Verifying with keys, and what is required of a licence.

use core::{ffi::c_char, slice};

use licentia_core::{
    Code, Expect, Explanation, Key, Keyring, License, State, Time, Timestamp, authenticate, authorize,
    inner::{Frame, Typ},
    proof::Presented,
    revocation::{Bundle, RevocationQuery},
    text::decode_license_into,
};

use crate::border::{BareText, NO_TEXT, NONE, array, bytes, disjoint, list, one, place, status, text};

/// The largest number of keys.
pub const LICENTIA_BARE_KEYS: usize = 4;
/// The largest number of features.
pub const LICENTIA_BARE_FEATURES: usize = 8;

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
pub(crate) const DENIED: BareVerdict = BareVerdict {
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
        length.write(decode_license_into(text, slice::from_raw_parts_mut(space, space_len))?.len());
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
        if keys_len > LICENTIA_BARE_KEYS {
            return Err(Code::InvalidArgument);
        }
        let license = signed_by(list(keys, keys_len)?, token)?;
        decide(license, request, &Known::default(), verdict)?;
    }
    Ok(())
}

/// What is known beside the keys.
#[derive(Clone, Copy, Default)]
pub(crate) struct Known<'a> {
    pub(crate) keyset_expires: Option<Timestamp>,
    pub(crate) bundle: Option<&'a Bundle<'a>>,
    pub(crate) must_know_revocations: bool,
}

/// Writes the verdict on a licence, and returns it if it is allowed.
pub(crate) unsafe fn decide<'a>(
    license: Result<License<'a>, Code>,
    request: &BareRequest,
    known: &Known<'_>,
    verdict: *mut BareVerdict,
) -> Result<Option<License<'a>>, Code> {
    // SAFETY: the verdict was emptied before, and is the caller's, who keeps to the header's rules.
    unsafe {
        let license = match license {
            Ok(license) => license,
            Err(code) => {
                (*verdict).code = code as u32;
                return Ok(None);
            }
        };
        let state = granted(&license, request, known)?;
        verdict.write(of(&license));
        match state {
            Ok(state) => {
                ((*verdict).code, (*verdict).state) = (Code::Allowed as u32, number(state));
                Ok(Some(license))
            }
            Err(code) => {
                (*verdict).code = code as u32;
                Ok(None)
            }
        }
    }
}

/// Checks the signature with one of several keys, all of which must be good; the inner error is a denial. A key takes
/// much of a small stack, so that there is one at a time.
#[inline(never)]
pub(crate) unsafe fn signed_by<'t>(
    keys: &[BareKey],
    token: &'t [u8],
) -> Result<Result<License<'t>, Code>, Code> {
    // SAFETY: the caller keeps to the header's rules.
    unsafe {
        for key in keys {
            read_key(key)?;
        }
        // Without keys: what is malformed, and else that the key is not known.
        let unknown = signed(token, Keyring::new(&[]));
        let kid = Frame::read(token, Typ::License).ok().map(|frame| frame.kid);
        let (Err(Code::UnknownKey), Some(kid)) = (&unknown, kid) else { return Ok(unknown) };
        let mut found: Option<&BareKey> = None;
        for key in keys {
            if bytes(key.kid, key.kid_len)? != kid.as_bytes() {
                continue;
            }
            // As in every keyring, two keys of one identifier are none.
            match found {
                Some(first) if array(first.public_key)? != array(key.public_key)? => {
                    return Ok(Err(Code::AmbiguousKey));
                }
                _ => found = Some(key),
            }
        }
        let Some(found) = found else { return Ok(unknown) };
        let key = read_key(found)?;
        Ok(signed(token, Keyring::new(slice::from_ref(&key))))
    }
}

/// Reads a key. A function of its own, so that its stack frame is gone when the signature is checked.
#[inline(never)]
pub(crate) unsafe fn read_key(key: &BareKey) -> Result<Key, Code> {
    // SAFETY: the caller keeps to the header's rules.
    unsafe {
        Key::ed25519(bytes(key.kid, key.kid_len)?, array(key.public_key)?.ok_or(Code::InvalidArgument)?)
    }
}

/// Checks the signature. A function of its own, so that its stack frame is gone when the rest is checked.
#[inline(never)]
pub(crate) fn signed<'a>(token: &'a [u8], keyring: Keyring<'_>) -> Result<License<'a>, Code> {
    // Explanations are for machines that can keep them.
    let mut explanation = EMPTY;
    authenticate(token, keyring, &mut explanation)
}

/// Whether the licence grants what is requested; the inner error is a denial.
#[inline(never)]
unsafe fn granted(
    license: &License<'_>,
    request: &BareRequest,
    known: &Known<'_>,
) -> Result<Result<State, Code>, Code> {
    // SAFETY: the caller keeps to the header's rules.
    unsafe {
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
            expect = expect.release(request.release.into());
        }
        if let Some(expires) = known.keyset_expires {
            expect = expect.keyset_expires(expires);
        }
        if known.must_know_revocations {
            expect = expect.require_revocations();
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
        let mut explanation = EMPTY;
        let query = known.bundle.map(RevocationQuery::of);
        Ok(authorize(license, &expect, query, Time::from(request.now), &mut explanation))
    }
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
        expires: license.expires().as_seconds(),
        tier_version: tier.version,
        tier: lend(tier.name),
        subject: lend(license.subject()),
        lineage: license.lineage().into(),
        ..DENIED
    }
}
