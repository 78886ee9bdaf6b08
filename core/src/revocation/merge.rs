//! What a delta leads to. It needs a heap, and the feature `alloc`.

use alloc::{boxed::Box, vec::Vec};

use super::{Bundle, Exact, Kept, build, state_root};
use crate::{cbor::Span, code::Code};

/// The state that a delta leads to from its base: the delta's numbers, times, rules and notes, and the merged
/// sets, encoded as a whole bundle would be, so that a query costs the same after any number of deltas.
///
/// # Errors
/// [`Code::BundleWrongBase`] where the delta is for another bundle, [`Code::BundleWrongRoot`] where it does not
/// lead to the state that it names.
pub fn merge(base: &Bundle<'_>, delta: &Bundle<'_>) -> Result<Kept<Box<[u8]>>, Code> {
    if delta.base() != Some(base.sequence()) {
        return Err(Code::BundleWrongBase);
    }
    let members: Vec<u64> = build::difference(base.exact().iter(), delta.exact().iter()).collect();
    let last = members.last().copied().unwrap_or(0);
    let exact = build::exact(members.iter().copied(), members.len() as u64, last);
    let hashes = build::hash_difference(base.hashes(), delta.hashes());
    if state_root(delta.encoded_rules(), &exact, &hashes, delta.notes()) != *delta.root() {
        return Err(Code::BundleWrongRoot);
    }
    Ok(keep(delta, &exact, &hashes))
}

/// A delta's own content with other sets.
fn keep(delta: &Bundle<'_>, exact: &[u8], hashes: &[u8]) -> Kept<Box<[u8]>> {
    let mut bytes = Vec::new();
    let mut place = |part: &[u8]| {
        let start = bytes.len();
        bytes.extend_from_slice(part);
        Span::new(start, bytes.len())
    };
    let mut fields = delta.fields;
    fields.issuer = place(delta.issuer().as_bytes());
    fields.rules = delta.fields.rules.map(|_| place(delta.encoded_rules()));
    (fields.exact, fields.hashes, fields.notes) = (place(exact), place(hashes), place(delta.notes()));
    fields.shape = Exact::read(exact).unwrap_or_default().shape();
    fields.base = None;
    Kept { bytes: bytes.into(), fields }
}
