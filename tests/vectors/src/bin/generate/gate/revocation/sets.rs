//! Which licences a bundle revokes by themselves.

use licentia_vectors::GateGroup;

use super::{indexed, revoker, story, with};
use crate::{
    bundle::{Bundle, TYP, Terms, chunked, filter, hash, small},
    cbor,
    gate::story::{Story, sealed},
    licence::{Licence, NOW},
};

pub(super) fn group() -> GateGroup {
    let many: Vec<u64> = (0..1100).map(|n| n * 37 + n % 5).collect();
    let large = Bundle::new(1, &chunked(&many, 4, 11));
    let list = |licence: &Licence| hash(&licence.id).to_be_bytes();
    let listed = crate::bundle::group(Terms::default(), &[], &list(&Licence::base()));
    // The lenient group is longer, and so comes first.
    let lenient = Terms { effect: 1, until: NOW + 1_000, ..Terms::unpaid() };
    let group = crate::bundle::group;
    let twice =
        [group(lenient, &small(&[5, 7], 2), &[]), group(Terms::unpaid(), &small(&[5], 2), &[])].concat();
    let both = [list(&Licence::base()), [0xff; 8]].concat();
    let listed_twice =
        [group(lenient, &[], &both), group(Terms::unpaid(), &[], &list(&Licence::base()))].concat();
    let hashed = Bundle { groups: listed, ..Bundle::new(1, &[]) };
    let filtered = Bundle::new(1, &small(&[5], 2)).payload().set(11, cbor::bytes(&filter(&[5])));
    let widely = Bundle::new(1, &small(&[5], 2)).payload().set(11, cbor::bytes(&[0xff; 96]));
    let foreign = Bundle::new(1, &small(&[7], 2)).payload().set(1, cbor::text("other"));
    let at_end = many[1099];
    let tests = vec![
        story("no bundle").check(&indexed(7), NOW, 0, "allowed"),
        with("an empty bundle", &Bundle::new(1, &[])).check(&indexed(7), NOW, 0, "allowed"),
        with("exactly the indices of the set", &Bundle::new(1, &small(&[5, 7], 2)))
            .check(&indexed(4), NOW, 0, "allowed")
            .check(&indexed(5), NOW, 0, "revoked")
            .check(&indexed(6), NOW, 0, "allowed")
            .check(&indexed(7), NOW, 0, "revoked")
            .check(&indexed(8), NOW, 0, "allowed")
            .check(&Licence::base(), NOW, 0, "allowed"),
        with("index 0", &Bundle::new(1, &small(&[0], 0)))
            .check(&indexed(0), NOW, 0, "revoked")
            .check(&indexed(1), NOW, 0, "allowed")
            .check(&Licence::base(), NOW, 0, "allowed"),
        with("the greatest index", &Bundle::new(1, &small(&[9_007_199_254_740_991], 53)))
            .check(&indexed(9_007_199_254_740_991), NOW, 0, "revoked")
            .check(&indexed(9_007_199_254_740_990), NOW, 0, "allowed"),
        with("a set with a directory", &large)
            .check(&indexed(0), NOW, 0, "revoked")
            .check(&indexed(37), NOW, 0, "allowed")
            .check(&indexed(38), NOW, 0, "revoked")
            .check(&indexed(2047), NOW, 0, "allowed")
            .check(&indexed(2035), NOW, 0, "revoked")
            .check(&indexed(at_end - 1), NOW, 0, "allowed")
            .check(&indexed(at_end), NOW, 0, "revoked")
            .check(&indexed(at_end + 1), NOW, 0, "allowed")
            .check(&indexed(1 << 40), NOW, 0, "allowed"),
        story("a set with a directory, in schema 2")
            .publish(&sealed(&revoker(), TYP, &large.payload().set(0, cbor::uint(2)).encode()), "allowed")
            .check(&indexed(38), NOW, 0, "revoked")
            .check(&indexed(39), NOW, 0, "allowed")
            .check(&indexed(at_end), NOW, 0, "revoked"),
        with(
            "an index in two groups: the strictest counts",
            &Bundle { groups: twice, ..Bundle::new(1, &[]) },
        )
        .check(&indexed(5), NOW, 0, "revoked")
        .check(&indexed(7), NOW, 0, "allowed")
        .warning("revoked"),
        with(
            "an identifier in two groups: the strictest counts",
            &Bundle { groups: listed_twice, ..Bundle::new(1, &[]) },
        )
        .check(&Licence::base(), NOW, 0, "revoked"),
        with("a licence without an index is revoked by its identifier", &hashed)
            .check(&Licence::base(), NOW, 0, "revoked")
            .check(&Licence::with(|l| l.id = *b"vector licence 2"), NOW, 0, "allowed")
            .check(&indexed(1), NOW, 0, "allowed"),
        story("a pre-filter on the wire")
            .publish(&sealed(&revoker(), TYP, &filtered.encode()), "allowed")
            .check(&indexed(5), NOW, 0, "revoked")
            .check(&indexed(6), NOW, 0, "allowed"),
        story("a pre-filter that lets everything pass decides nothing")
            .publish(&sealed(&revoker(), TYP, &widely.encode()), "allowed")
            .check(&indexed(5), NOW, 0, "revoked")
            .check(&indexed(6), NOW, 0, "allowed"),
        story("another issuer's bundle says nothing")
            .publish(&sealed(&revoker(), TYP, &foreign.encode()), "allowed")
            .check(&indexed(7), NOW, 0, "allowed"),
        with("a revoked licence that has also expired", &Bundle::new(1, &small(&[7], 2))).check(
            &Licence::with(|l| (l.index, l.expires) = (Some(7), NOW)),
            NOW,
            0,
            "expired",
        ),
    ];
    GateGroup {
        comment: "Which licences a bundle revokes".to_owned(),
        tests: tests.into_iter().map(Story::done).collect(),
    }
}
