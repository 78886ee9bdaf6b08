//! Catalogues of tiers.

use std::ffi::c_char;

use crate::{
    border::{Out, end, enter, shared, text},
    status::Status,
    vendor::draft::Draft,
};

/// Every version of every tier that a vendor sells. It does not change: threads may share it.
pub struct Catalogue(licentia_issuer::Catalogue);

/// Reads a catalogue, a TOML text.
///
/// Errors: INVALID_ARGUMENT; `licentia` on the command line says what is wrong with it.
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

/// Makes a draft of a version of a tier, or with 0 of the newest that is sold, for a subject, with its terms, from
/// `start` (seconds since 1970) on; free it with licentia_draft_free.
///
/// Errors: INVALID_ARGUMENT where there is no such tier.
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
