//! What a revocation says: why, from when on, and whether it denies.

use licentia_vectors::GateGroup;

use super::{indexed, revoker, set, signed, story, with};
use crate::{
    bundle::{Bundle, DELTA_TYP, Terms, group as encode, hash, small, state},
    gate::story::{Story, sealed},
    licence::{Licence, NOW},
};

pub(super) fn group() -> GateGroup {
    let terms = |effective, effect, until| Terms { effective, effect, until, ..Terms::unpaid() };
    let two = Licence::with(|l| l.id = *b"vector licence 2");
    let list = |licence: &Licence| hash(&licence.id).to_be_bytes();
    let noted = Bundle {
        groups: [
            encode(terms(NOW + 10, 0, 0), &small(&[1], 0), &[]),
            encode(terms(0, 1, NOW + 10), &small(&[2], 1), &list(&Licence::base())),
            encode(terms(0, 2, NOW + 10), &small(&[3], 1), &list(&two)),
        ]
        .concat(),
        ..Bundle::new(1, &[])
    };
    let reasons: Vec<u8> = (0..=7_u8)
        .flat_map(|reason| {
            encode(Terms { reason, ..Terms::default() }, &small(&[u64::from(reason) * 3], 3), &[])
        })
        .collect();
    let reasons = Bundle { groups: reasons, ..Bundle::new(1, &[]) };
    let graced = Terms { effect: 2, until: NOW + 10, ..Terms::unpaid() };
    let (five, seven) = (state(&[5]), state(&[7]));
    // 7 goes from one group to another: the two are of one length, and follow each other by their terms.
    let next = Bundle {
        groups: [encode(Terms::unpaid(), &five, &[]), encode(graced, &seven, &[])].concat(),
        ..set(3, &[])
    };
    let delta = Bundle {
        groups: [encode(Terms::unpaid(), &seven, &[]), encode(graced, &seven, &[])].concat(),
        ..set(3, &[])
    };
    let delta = sealed(&revoker(), DELTA_TYP, &delta.delta(2, &next).encode());
    let tests = vec![
        with("from its time on, flagged until, in grace until", &noted)
            .check(&indexed(1), NOW + 9, 0, "allowed")
            .check(&indexed(2), NOW + 9, 0, "allowed")
            .warning("revoked")
            .check(&Licence::base(), NOW + 9, 0, "allowed")
            .warning("revoked")
            .check(&indexed(3), NOW + 9, 0, "allowed")
            .state("grace")
            .warning("revoked")
            .check(&two, NOW + 9, 0, "allowed")
            .state("grace")
            .warning("revoked")
            .check(&indexed(1), NOW + 10, 1, "revoked")
            .check(&indexed(2), NOW + 10, 1, "revoked")
            .check(&indexed(3), NOW + 10, 1, "revoked")
            .check(&Licence::base(), NOW + 10, 1, "revoked")
            .check(&two, NOW + 10, 1, "revoked"),
        with("a group for each reason, and for one that is not known yet", &reasons)
            .check(&indexed(0), NOW, 0, "revoked")
            .check(&indexed(3), NOW, 0, "revoked")
            .check(&indexed(4), NOW, 0, "allowed")
            .check(&indexed(21), NOW, 0, "revoked"),
        story("a delta changes what a revocation says")
            .publish(&signed(&set(2, &[5, 7])), "allowed")
            .publish(&delta, "allowed")
            .check(&indexed(5), NOW, 0, "revoked")
            .check(&indexed(7), NOW, 0, "allowed")
            .state("grace")
            .warning("revoked")
            .check(&indexed(7), NOW + 10, 1, "revoked"),
    ];
    GateGroup {
        comment: "What revocations say".to_owned(),
        tests: tests.into_iter().map(Story::done).collect(),
    }
}
