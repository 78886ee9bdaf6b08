//! Catalogues of tiers.

use std::ffi::c_char;

use crate::{
    border::{Out, end, enter, shared, text},
    status::Status,
    vendor::draft::Draft,
};

/// All versions of all tiers that a vendor sells. It does not change: threads may share it.
pub struct Catalogue(licentia_issuer::Catalogue);

/// Reads a catalogue from TOML; free it with licentia_catalogue_free.
///
/// Errors: INVALID_ARGUMENT; the command `licentia catalogue` says what is wrong.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_catalogue_parse(
    toml: *const c_char,
    toml_len: usize,
    catalogue: *mut *mut Catalogue,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let catalogue = Out::handle(catalogue)?;
        catalogue.give(Catalogue(text(toml, toml_len)?.parse()?));
        Ok(())
    })
}

/// Frees a catalogue. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_catalogue_free(catalogue: *mut Catalogue) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(catalogue) }
}

/// Makes a draft from a version of a tier, or from the newest that is sold if `version` is 0, for a subject, from
/// `start` (seconds since 1970). Free it with licentia_draft_free.
///
/// Errors: INVALID_ARGUMENT if there is no such tier.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_catalogue_draft(
    catalogue: *const Catalogue,
    tier: *const c_char,
    tier_len: usize,
    version: u64,
    subject: *const c_char,
    subject_len: usize,
    start: u64,
    draft: *mut *mut Draft,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let draft = Out::handle(draft)?;
        let (tier, subject) = (text(tier, tier_len)?, text(subject, subject_len)?);
        let version = (version > 0).then_some(version);
        draft.give(Draft(shared(catalogue)?.0.tier(tier, version)?.draft(subject, start)?));
        Ok(())
    })
}
