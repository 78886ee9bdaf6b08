//! Revocation bundles that are not signed yet.

use std::ffi::c_char;

use licentia::revocation::{Effect, Reason, RevocationTerms};
use licentia_issuer::{BundleDraft, RuleDraft};

use crate::{
    border::buffer::Owned,
    border::{Out, Outcome, Refusal, array, bytes, end, enter, exclusive, shared, text},
    status::Status,
    vendor::signing_key::SigningKey,
};

/// A revoked licence is refused.
pub const LICENTIA_EFFECT_DENY: u32 = 0;
/// A revoked licence is allowed and flagged until a time.
pub const LICENTIA_EFFECT_WARN: u32 = 1;
/// A revoked licence is in grace until a time.
pub const LICENTIA_EFFECT_GRACE: u32 = 2;

/// A revocation bundle before it is signed. One thread uses it at a time.
pub struct Bundle(BundleDraft);

/// Makes a bundle for an issuer's licences that revokes none yet; free it with licentia_bundle_free. `sequence` is
/// greater than that of the previous bundle, `next_update` is when the next one comes at the latest, and at `expires`
/// the bundle becomes void. Times are seconds since 1970. `salt` is 16 bytes that were drawn at random after the
/// licences were issued.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bundle_new(
    issuer: *const c_char,
    issuer_len: usize,
    sequence: u64,
    issued_at: u64,
    next_update: u64,
    expires: u64,
    salt: *const u8,
    bundle: *mut *mut Bundle,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let bundle = Out::handle(bundle)?;
        let (issuer, salt) = (text(issuer, issuer_len)?.to_owned(), *array::<16>(salt)?);
        bundle.give(Bundle(BundleDraft {
            issuer,
            sequence,
            issued_at: issued_at.into(),
            next_update: next_update.into(),
            expires: expires.into(),
            salt: salt.into(),
            ..BundleDraft::default()
        }));
        Ok(())
    })
}

/// Frees a bundle. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bundle_free(bundle: *mut Bundle) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(bundle) }
}

/// What a revocation says.
fn terms(reason: u32, effective: u64, effect: u32, until: u64) -> Result<RevocationTerms, Refusal> {
    let effect = match effect {
        LICENTIA_EFFECT_DENY => Effect::Deny,
        LICENTIA_EFFECT_WARN => Effect::WarnUntil(until.into()),
        LICENTIA_EFFECT_GRACE => Effect::GraceUntil(until.into()),
        _ => return Err(Refusal::ARGUMENT),
    };
    let known = Reason::from_number(u64::from(reason));
    if known as u32 == reason {
        Ok(RevocationTerms { reason: known, effective: effective.into(), effect })
    } else {
        Err(Refusal::ARGUMENT)
    }
}

/// Revokes the licence with an index from a time on, for a reason (0 unspecified, 1 key compromise, 2 unpaid, 3
/// superseded, 4 fraud, 5 requested, 6 breach). `effect` is one of LICENTIA_EFFECT_*; WARN and GRACE last until
/// `until`. Times are seconds since 1970.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bundle_revoke_index(
    bundle: *mut Bundle,
    index: u64,
    reason: u32,
    effective: u64,
    effect: u32,
    until: u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let terms = terms(reason, effective, effect, until)?;
        exclusive(bundle)?.0.indices.insert(index, terms);
        Ok(())
    })
}

/// Revokes the licence with an identifier (16 bytes) that has no index.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bundle_revoke_id(bundle: *mut Bundle, id: *const u8) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let id: [u8; 16] = *array(id)?;
        exclusive(bundle)?.0.ids.insert(id.into(), RevocationTerms::default());
        Ok(())
    })
}

/// Adds a rule.
///
/// # Safety
/// As [`exclusive`].
unsafe fn add_rule(bundle: *mut Bundle, rule: RuleDraft) -> Outcome {
    // SAFETY: as the caller says.
    unsafe { exclusive(bundle) }?.0.rules.push(rule);
    Ok(())
}

/// Revokes, by a rule, every licence that was signed with the key of an identifier (1 to 32 bytes), as after its theft.
/// To keep good licences, pass the SHA-256 digests of their bytes in `allowed`, 32 bytes each, one after another;
/// `allowed_len` is the length of all. Other arguments are as for licentia_bundle_revoke_index.
///
/// Errors: INVALID_ARGUMENT also for a length that is no multiple of 32.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bundle_revoke_key(
    bundle: *mut Bundle,
    kid: *const u8,
    kid_len: usize,
    allowed: *const u8,
    allowed_len: usize,
    reason: u32,
    effective: u64,
    effect: u32,
    until: u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let (digests, rest) = bytes(allowed, allowed_len)?.as_chunks::<32>();
        if !rest.is_empty() {
            return Err(Refusal::ARGUMENT);
        }
        let terms = terms(reason, effective, effect, until)?;
        let (kid, allowed) = (bytes(kid, kid_len)?.to_owned(), digests.iter().copied().collect());
        add_rule(bundle, RuleDraft { kid: Some(kid), allowed, terms, ..RuleDraft::default() })
    })
}

/// Revokes, by a rule, every licence of a subject. Other arguments are as for licentia_bundle_revoke_index.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bundle_revoke_subject(
    bundle: *mut Bundle,
    subject: *const c_char,
    subject_len: usize,
    reason: u32,
    effective: u64,
    effect: u32,
    until: u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let terms = terms(reason, effective, effect, until)?;
        let subject = text(subject, subject_len)?.to_owned();
        add_rule(bundle, RuleDraft { subject: Some(subject), terms, ..RuleDraft::default() })
    })
}

/// Revokes, by a rule, a licence through all its renewals, by its lineage (16 bytes). Other arguments are as for
/// licentia_bundle_revoke_index.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bundle_revoke_lineage(
    bundle: *mut Bundle,
    lineage: *const u8,
    reason: u32,
    effective: u64,
    effect: u32,
    until: u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let terms = terms(reason, effective, effect, until)?;
        let lineage: [u8; 16] = *array(lineage)?;
        add_rule(bundle, RuleDraft { lineage: Some(lineage.into()), terms, ..RuleDraft::default() })
    })
}

/// Signs a bundle with a revocation key; free its bytes with licentia_bytes_free.
///
/// Errors: INVALID_ARGUMENT for a bundle that every gate would refuse.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bundle_sign(
    bundle: *const Bundle,
    key: *const SigningKey,
    signed_bundle: *mut *mut u8,
    signed_bundle_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(signed_bundle, signed_bundle_len)?;
        out.give(&shared(bundle)?.0.sign(&shared(key)?.0)?)
    })
}

/// Signs the difference between a published bundle, `base`, and this one, which has a greater number and the same salt;
/// free its bytes with licentia_bytes_free. A gate loads it only on top of the base.
///
/// Errors: INVALID_ARGUMENT for a bundle that every gate would refuse.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bundle_sign_delta(
    bundle: *const Bundle,
    base: *const Bundle,
    key: *const SigningKey,
    signed_delta: *mut *mut u8,
    signed_delta_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(signed_delta, signed_delta_len)?;
        out.give(&shared(bundle)?.0.sign_delta(&shared(base)?.0, &shared(key)?.0)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::LICENTIA_OK;

    #[test]
    fn a_rule_about_a_key_keeps_every_digest_that_is_allowed() {
        let mut bundle = Bundle(BundleDraft::default());
        let (kid, digests) = ([1, 2, 3, 4], [[7_u8; 32], [9; 32]]);
        // SAFETY: the pointers are of what stands here.
        let status = unsafe {
            licentia_bundle_revoke_key(
                &raw mut bundle,
                kid.as_ptr(),
                kid.len(),
                digests.as_flattened().as_ptr(),
                64,
                1,
                5,
                LICENTIA_EFFECT_WARN,
                6,
            )
        };
        let terms = RevocationTerms {
            reason: Reason::KeyCompromise,
            effective: 5.into(),
            effect: Effect::WarnUntil(6.into()),
        };
        let rule = RuleDraft {
            kid: Some(kid.to_vec()),
            allowed: digests.into_iter().collect(),
            terms,
            ..RuleDraft::default()
        };
        assert_eq!((status, bundle.0.rules), (LICENTIA_OK, vec![rule]));
    }
}
