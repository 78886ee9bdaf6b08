//! The tests of the gate: keysets, the clock guard with its policy, and counting.

mod bounds;
mod clock;
mod counts;
mod keysets;
mod revocation;
mod story;

use licentia_vectors::{File, GateGroup};

use crate::output;

const NOTES: &[(&str, &str)] = &[
    ("Clock", "The clock guard, and what the licence's policy says to a doubt."),
    ("Keyset", "Keysets: rotation, revocation, order, expiry."),
    ("Malformed", "Keysets that no gate takes."),
    ("Quota", "Quotas are exact, start anew with their period, and cost nothing where a request is denied."),
    ("Rate", "Rates by the generic cell rate algorithm."),
    ("Revocation", "Revocation bundles: whom they revoke, their order, and those that no gate takes."),
    ("Scope", "What a key of a keyset may sign."),
];

pub(crate) fn file() -> File<GateGroup> {
    let mut groups = vec![
        keysets::rotation(),
        keysets::scopes(),
        keysets::malformed(),
        bounds::group(),
        bounds::malformed(),
        clock::group(),
        counts::group(),
    ];
    groups.extend(revocation::groups());
    output::file("licentia-gate-v1", NOTES, groups)
}
