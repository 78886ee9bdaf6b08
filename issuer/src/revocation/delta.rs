//! Deltas, and the whole bundles that they lead to.

use licentia_core::{Code, inner::build, revocation::Bundle};

use super::payload::Payload;
use crate::{
    error::{BundleError, Result},
    key::SigningKey,
};

/// Signs the delta that leads from one whole bundle to a later one.
///
/// Both must have the same salt, or no hash would match. The delta has the later bundle's number, times and
/// rules, so a gate may load either.
///
/// # Errors
/// [`BundleError`].
pub fn sign_delta(base: &Bundle<'_>, next: &Bundle<'_>, key: &SigningKey) -> Result<Vec<u8>> {
    if base.base().or(next.base()).is_some() {
        return Err(BundleError::NotWhole.into());
    }
    if base.salt() != next.salt()
        || base.sequence() >= next.sequence()
        || (base.issuer(), base.stream()) != (next.issuer(), next.stream())
    {
        return Err(BundleError::WrongBase.into());
    }
    let groups = build::group_difference(base, next, next.schema());
    let groups = groups.ok_or(BundleError::Refused(Code::BundleMalformed))?;
    sign_again(key, next, groups, Some(base.sequence()))
}

/// Signs a state as a whole bundle, such as one that deltas led to. It says the same as the bundle that was
/// published under its number.
///
/// # Errors
/// [`BundleError`].
pub fn sign_state(state: &Bundle<'_>, key: &SigningKey) -> Result<Vec<u8>> {
    sign_again(key, state, state.encoded_groups().to_vec(), None)
}

/// Signs what a bundle says with these groups, as a whole bundle or as a delta on `base`.
fn sign_again(key: &SigningKey, bundle: &Bundle<'_>, groups: Vec<u8>, base: Option<u64>) -> Result<Vec<u8>> {
    let rules = bundle.encoded_rules();
    let rules = if rules.is_empty() { None } else { Some(ciborium::from_reader(rules)) };
    let rules = rules.transpose().map_err(|_| BundleError::Refused(Code::BundleMalformed))?;
    Payload {
        issuer: bundle.issuer(),
        numbers: [bundle.stream(), bundle.sequence()],
        times: [bundle.issued_at(), bundle.next_update(), bundle.expires()],
        root: *bundle.root(),
        schema: bundle.schema(),
        salt: *bundle.salt(),
        rules,
        sections: [groups, Vec::new()],
        base,
    }
    .sign(key)
}
