//! Keysets and revocation bundles: verified once, and read where they lie.

use core::cmp::Ordering;

use licentia_core::{
    Code, Keyring, Keyset, KeysetMark, Kid, License,
    inner::{Frame, Typ},
    revocation::Bundle,
};

use crate::{
    border::{Memory, bytes, empty, keep, kept, list, one, one_or_none, place, status},
    feature::BareLicense,
    verify::{
        BareKey, BareRequest, BareVerdict, DENIED, Known, LICENTIA_BARE_KEYS, decide, read_key, signed,
        signed_by,
    },
};

/// A keyset that was verified, in memory of the caller. Its bytes must stay where they are for as long as it is used.
/// What it holds is the library's alone.
#[repr(C)]
pub struct BareKeyset {
    /// Not to be read or written.
    pub private_words: [u64; 16],
}

// SAFETY: the size is checked when it is kept, and the value needs no drop.
unsafe impl Memory for BareKeyset {
    type Value = Keyset<'static>;
    const TAG: u64 = 0x6b65_7973_6574_2d31;
}

/// A revocation bundle that was verified, in memory of the caller. Its bytes must stay where they are for as long as it
/// is used. What it holds is the library's alone.
#[repr(C)]
pub struct BareBundle {
    /// Not to be read or written.
    pub private_words: [u64; 32],
}

// SAFETY: the size is checked when it is kept, and the value needs no drop.
unsafe impl Memory for BareBundle {
    type Value = Bundle<'static>;
    const TAG: u64 = 0x6275_6e64_6c65_2d31;
}

/// What to remember of the newest keyset, or of an issuer's newest bundle, so that no older one takes its place.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct BareMark {
    /// Its number.
    pub sequence: u64,
    /// SHA-256 of its content.
    pub digest: [u8; 32],
    /// What tells its signer: the thumbprint of a keyset's root key, or the identifier of a bundle's key.
    pub signer: [u8; 32],
    /// Length of that, in bytes.
    pub signer_len: u32,
    /// 0.
    pub reserved: u32,
}

/// What a licence is held against.
#[repr(C)]
pub struct BareTrust {
    /// Keys that licences may be signed with, if there is no keyset.
    pub keys: *const BareKey,
    /// How many there are, at most LICENTIA_BARE_KEYS.
    pub keys_len: usize,
    /// A keyset, or NULL.
    pub keyset: *const BareKeyset,
    /// A revocation bundle, or NULL.
    pub bundle: *const BareBundle,
    /// 1 if a licence without a bundle of its issuer is stale also if it does not ask for one, else 0.
    pub require_revocations: u32,
    /// 0.
    pub reserved: u32,
}

const NO_MARK: BareMark =
    BareMark { sequence: 0, digest: [0; 32], signer: [0; 32], signer_len: 0, reserved: 0 };

/// Verifies a keyset with the root key. `last` is the mark of the newest one that was accepted before, or NULL; `mark`
/// is what to remember when this one is in use.
///
/// Errors: those of the signature and the form; KEYSET_ROLLBACK, KEYSET_EQUIVOCATION; INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bare_keyset_open(
    root: *const BareKey,
    keyset: *const u8,
    keyset_len: usize,
    last: *const BareMark,
    opened: *mut BareKeyset,
    mark: *mut BareMark,
) -> u32 {
    // SAFETY: the caller keeps to the header's rules.
    status(unsafe {
        open(last, opened, mark, |last| {
            let keyset = Keyset::read(bytes(keyset, keyset_len)?, &read_key(one(root)?)?)?;
            let last = last.map(|last| KeysetMark {
                root: last.signer,
                sequence: last.sequence,
                digest: last.digest,
            });
            keyset.replaces(last.as_ref())?;
            let KeysetMark { root, sequence, digest } = keyset.mark();
            Ok((keyset, BareMark { sequence, digest, signer: root, signer_len: 32, reserved: 0 }))
        })
    })
}

/// Opens what `read` reads and holds against the mark of the newest one before: nothing is there until all is well.
unsafe fn open<M: Memory>(
    last: *const BareMark,
    opened: *mut M,
    mark: *mut BareMark,
    read: impl FnOnce(Option<BareMark>) -> Result<(M::Value, BareMark), Code>,
) -> Result<(), Code> {
    // SAFETY: the caller keeps to the header's rules.
    unsafe {
        let last = one_or_none(last)?.copied();
        empty(opened)?;
        let mark = place(mark, NO_MARK)?;
        let (value, found) = read(last)?;
        mark.write(found);
        keep(opened, value);
    }
    Ok(())
}

/// Verifies a revocation bundle with the keys of a keyset. `last` is the mark of the newest one of the same issuer and
/// stream that was accepted before, or NULL; `mark` is what to remember when this one is in use. A delta is refused: a
/// device has no room to merge it.
///
/// Errors: those of the signature and the form; BUNDLE_ROLLBACK, BUNDLE_EQUIVOCATION; INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bare_bundle_open(
    keyset: *const BareKeyset,
    bundle: *const u8,
    bundle_len: usize,
    last: *const BareMark,
    opened: *mut BareBundle,
    mark: *mut BareMark,
) -> u32 {
    // SAFETY: the caller keeps to the header's rules.
    status(unsafe {
        open(last, opened, mark, |last| {
            let keyset = kept(keyset)?;
            let (bundle, kid) = read_bundle(keyset, bytes(bundle, bundle_len)?)?;
            if bundle.base().is_some() {
                return Err(Code::WrongTyp);
            }
            let found = bundle_mark(&bundle, kid);
            if let Some(last) = last {
                bundle_replaces(keyset, &bundle, &found, &last)?;
            }
            Ok((bundle, found))
        })
    })
}

/// What to remember of a bundle that a key has signed.
fn bundle_mark(bundle: &Bundle<'_>, kid: Kid) -> BareMark {
    let mut mark = BareMark { sequence: bundle.sequence(), digest: bundle.digest(), ..NO_MARK };
    for (to, from) in mark.signer.iter_mut().zip(kid.as_bytes()) {
        *to = *from;
        mark.signer_len = mark.signer_len.saturating_add(1);
    }
    mark
}

/// A bundle must be newer than the last one, or the same.
fn bundle_replaces(
    keyset: &Keyset<'_>,
    bundle: &Bundle<'_>,
    found: &BareMark,
    last: &BareMark,
) -> Result<(), Code> {
    let length = usize::try_from(last.signer_len).map_err(|_| Code::InvalidArgument)?;
    let before = Kid::new(last.signer.get(..length).ok_or(Code::InvalidArgument)?)?;
    // Numbers of a key that may sign no more, since it was stolen, hold nobody up.
    if !may_sign(keyset, before, bundle) {
        return Ok(());
    }
    match found.sequence.cmp(&last.sequence) {
        Ordering::Less => Err(Code::BundleRollback),
        Ordering::Equal if found.digest != last.digest => Err(Code::BundleEquivocation),
        _ => Ok(()),
    }
}

/// Verifies the bytes of a licence with a keyset or with keys, asks the bundle, and decides whether it meets the
/// requirements. A denial is a verdict too: the status is LICENTIA_OK. `license` is NULL, or memory for a licence that
/// is allowed, for its features and counters.
///
/// It needs up to 8 KiB of stack and keeps no state. Several threads may call it at once.
///
/// Errors: INVALID_ARGUMENT; INVALID_KEY or WEAK_KEY for one of the keys.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bare_check(
    trust: *const BareTrust,
    token: *const u8,
    token_len: usize,
    request: *const BareRequest,
    verdict: *mut BareVerdict,
    license: *mut BareLicense,
) -> u32 {
    // SAFETY: the caller keeps to the header's rules.
    status(unsafe { check(trust, (token, token_len), request, verdict, license) })
}

unsafe fn check(
    trust: *const BareTrust,
    (token, token_len): (*const u8, usize),
    request: *const BareRequest,
    verdict: *mut BareVerdict,
    license: *mut BareLicense,
) -> Result<(), Code> {
    // SAFETY: the caller keeps to the header's rules.
    unsafe {
        let verdict = place(verdict, DENIED)?;
        if !license.is_null() {
            empty(license)?;
        }
        let (trust, request) = (one(trust)?, one(request)?);
        let token: &'static [u8] = bytes(token, token_len)?;
        let mut known = Known { must_know_revocations: trust.require_revocations != 0, ..Known::default() };
        if !trust.bundle.is_null() {
            known.bundle = Some(kept(trust.bundle)?);
        }
        let signed = if trust.keyset.is_null() {
            if trust.keys_len > LICENTIA_BARE_KEYS {
                return Err(Code::InvalidArgument);
            }
            signed_by(list(trust.keys, trust.keys_len)?, token)?
        } else {
            let keyset = kept(trust.keyset)?;
            known.keyset_expires = Some(keyset.expires());
            signed_by_keyset(keyset, token)
        };
        let allowed = decide(signed, request, &known, verdict)?;
        if let Some(allowed) = allowed.filter(|_| !license.is_null()) {
            keep(license, allowed.keep());
        }
    }
    Ok(())
}

#[inline(never)]
fn signed_by_keyset<'t>(keyset: &Keyset<'_>, token: &'t [u8]) -> Result<License<'t>, Code> {
    let kid = Frame::read(token, Typ::License).ok().map(|frame| frame.kid);
    let key = kid.and_then(|kid| keyset.key(&kid));
    signed(token, Keyring::of_keyset(key.as_slice(), keyset.bytes()))
}

#[inline(never)]
fn read_bundle<'a>(keyset: &Keyset<'_>, bytes: &'a [u8]) -> Result<(Bundle<'a>, Kid), Code> {
    // What is no bundle is refused with the code that says so, with whatever key.
    let frame = Frame::read(bytes, Typ::Bundle).or_else(|_| Frame::read(bytes, Typ::Delta));
    let kid = frame.ok().map(|frame| frame.kid);
    let key = kid.and_then(|kid| keyset.key(&kid));
    Bundle::read(bytes, Keyring::of_keyset(key.as_slice(), keyset.bytes()))
}

#[inline(never)]
fn may_sign(keyset: &Keyset<'_>, kid: Kid, bundle: &Bundle<'_>) -> bool {
    let key = keyset.key(&kid);
    let keyring = Keyring::of_keyset(key.as_slice(), keyset.bytes());
    keyring.has_revocation(&kid, bundle.issuer(), bundle.stream())
}
