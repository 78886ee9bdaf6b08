//! The times of a revocation.

use licentia_core::{
    Timestamp,
    revocation::{Effect, RevocationTerms},
};

use crate::{error::Result, time::plausible};

/// Refuses terms with a time that is not plausible. An `effective` of 1970 means at once.
pub(crate) fn check_terms(terms: &RevocationTerms) -> Result<()> {
    if terms.effective > Timestamp::EPOCH {
        plausible("effective", terms.effective)?;
    }
    match terms.effect {
        Effect::WarnUntil(until) => plausible("warn until", until).map(drop),
        Effect::GraceUntil(until) => plausible("grace until", until).map(drop),
        _ => Ok(()),
    }
}
