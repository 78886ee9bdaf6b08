//! What a delta leads to. It needs a heap, and the feature `alloc`.

use alloc::{boxed::Box, vec::Vec};

use super::{
    build,
    bundle::{Bundle, OwnedBundle, state_root},
    group,
};
use crate::{cbor::Span, code::Code};

/// The state that a delta leads to from its base: the delta's numbers, times and rules, and the merged groups,
/// encoded as a whole bundle would be, so that a query costs the same after any number of deltas.
///
/// # Errors
/// [`Code::BundleWrongBase`] if the delta is for another bundle (its number, issuer, stream or salt),
/// [`Code::BundleWrongRoot`] if it does not lead to the state that it names.
pub fn merge(base: &Bundle<'_>, delta: &Bundle<'_>) -> Result<OwnedBundle<Box<[u8]>>, Code> {
    let same_stream = (delta.issuer(), delta.stream()) == (base.issuer(), base.stream());
    // Under another salt no hash of the base would fit.
    if delta.base() != Some(base.sequence()) || !same_stream || delta.salt() != base.salt() {
        return Err(Code::BundleWrongBase);
    }
    let groups = build::group_difference(base, delta, delta.schema()).ok_or(Code::BundleWrongRoot)?;
    if state_root(delta.encoded_rules(), &groups) != *delta.root() {
        return Err(Code::BundleWrongRoot);
    }
    // A signer who lies can lead to a state that no whole bundle may have.
    group::check(&groups)?;
    Ok(keep(delta, &groups))
}

/// A delta's own content with other groups.
fn keep(delta: &Bundle<'_>, groups: &[u8]) -> OwnedBundle<Box<[u8]>> {
    let mut bytes = Vec::new();
    let mut place = |part: &[u8]| {
        let start = bytes.len();
        bytes.extend_from_slice(part);
        Span::new(start, bytes.len())
    };
    let mut fields = delta.fields;
    fields.issuer = place(delta.issuer().as_bytes());
    fields.rules = delta.fields.rules.map(|_| place(delta.encoded_rules()));
    fields.groups = place(groups);
    fields.base = None;
    OwnedBundle { bytes: bytes.into(), fields }
}
