//! A gate has a bundle for each issuer, and a bundle is about one.

use licentia_vectors::GateGroup;

use super::{delta, indexed, of, set, signed, stale, story};
use crate::{
    bundle::{EXPIRES, NEXT},
    gate::story::Story,
    licence::{Licence, NOW},
};

pub(super) fn group() -> GateGroup {
    let (first, second, third) = (set(1, &[5]), set(2, &[5, 7]), set(3, &[7, 9]));
    let to_third = delta(&[5, 9], 2, &third);
    let theirs = |index: u64| Licence::with(|l| (l.issuer, l.index) = ("other".to_owned(), Some(index)));
    let tests = vec![
        story("a bundle of each issuer, each with a number of its own")
            .publish(&signed(&second), "allowed")
            .publish(&of("other", &first), "allowed")
            .check(&indexed(7), NOW, 0, "revoked")
            .check(&theirs(7), NOW, 0, "allowed")
            .check(&theirs(5), NOW, 0, "revoked")
            .publish(&of("other", &first), "allowed")
            .publish(&signed(&first), "bundle_rollback")
            .check(&indexed(7), NOW, 0, "revoked"),
        story("a delta is for the bundle of its issuer")
            .publish(&of("other", &second), "allowed")
            .publish(&to_third, "bundle_wrong_base"),
        story("another issuer's bundle is neither fresh nor stale for a licence")
            .publish(&of("other", &first), "allowed")
            .check(&stale(None, Some(200)), NOW, 0, "revocation_stale")
            .check(&Licence::base(), NEXT + 1, 1, "allowed")
            .check(&Licence::base(), EXPIRES, 2, "allowed"),
    ];
    GateGroup {
        comment: "Bundles of several issuers".to_owned(),
        tests: tests.into_iter().map(Story::done).collect(),
    }
}
