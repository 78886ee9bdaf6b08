//! Rules revoke what has their conditions in common.

use licentia_vectors::GateGroup;
use sha2::{Digest, Sha256};

use super::{indexed, pair, rule, ruled, with};
use crate::{
    bundle::{Bundle, ISSUED, small},
    cbor,
    fields::Fields,
    gate::story::{Story, next},
    licence::{Licence, NOW},
    terms::{Feature, FeatureValue},
};

pub(super) fn group() -> GateGroup {
    let base = Licence::base;
    let digest = |licence: &Licence| -> Vec<u8> { Sha256::digest(licence.token()).to_vec() };
    let good = base();
    let forged = Licence::with(|l| l.features.push(("more".to_owned(), Feature(FeatureValue::True, None))));
    let from = |at: u64| Licence::with(|l| l.issued_at = at);
    let tier = |name: &str, version: u64| Licence::with(|l| l.tier = (name.to_owned(), version));
    let subject = rule(1, cbor::text("cus_42"));
    let both = subject.clone().set(3, cbor::array(&[cbor::text("pro")]));
    let several = Bundle {
        rules: vec![
            subject.clone().set(9, cbor::uint(NOW + 10)),
            subject.clone().set(10, cbor::array(&[cbor::uint(1), cbor::uint(NOW + 10)])),
        ],
        ..Bundle::new(1, &small(&[7], 2))
    };
    let by_rule = "revoked_by_rule";
    let every = (0..255)
        .map(|n| every_condition(1000 + n))
        .chain([subject.clone().set(3, cbor::array(&[cbor::text("pro")]))]);
    let full = Bundle { rules: every.collect(), ..Bundle::new(1, &[]) };
    let tests = vec![
        ruled("by key", rule(0, cbor::bytes(b"main"))).check(&good, NOW, 0, by_rule).check(
            &Licence::with(|l| l.signer = next()),
            NOW,
            0,
            "allowed",
        ),
        ruled("by key, but for the tokens that were good", {
            rule(0, cbor::bytes(b"main")).set(7, cbor::bytes(&digest(&good)))
        })
        .check(&good, NOW, 0, "allowed")
        .check(&forged, NOW, 0, by_rule),
        ruled("by subject", subject).check(&good, NOW, 0, by_rule).check(
            &Licence::with(|l| l.subject = "cus_4".to_owned()),
            NOW,
            0,
            "allowed",
        ),
        ruled("by lineage, also of a token that is issued later", rule(2, cbor::bytes(&base().id)))
            .check(&good, NOW, 0, by_rule)
            .check(
                &Licence::with(|l| (l.id, l.lineage) = (*b"vector licence 2", Some(base().id))),
                NOW,
                0,
                by_rule,
            )
            .check(&Licence::with(|l| l.id = *b"vector licence 2"), NOW, 0, "allowed"),
        ruled("by tier", rule(3, cbor::array(&[cbor::text("pro")])))
            .check(&tier("pro", 3), NOW, 0, by_rule)
            .check(&tier("pro", 4), NOW, 0, by_rule)
            .check(&tier("pr", 3), NOW, 0, "allowed"),
        ruled("by tier and version", rule(3, cbor::array(&[cbor::text("pro"), cbor::uint(3)])))
            .check(&tier("pro", 3), NOW, 0, by_rule)
            .check(&tier("pro", 4), NOW, 0, "allowed"),
        ruled("by time of issue, both ends included", rule(4, pair(ISSUED - 10, ISSUED)))
            .check(&from(ISSUED - 11), NOW, 0, "allowed")
            .check(&from(ISSUED - 10), NOW, 0, by_rule)
            .check(&from(ISSUED), NOW, 0, by_rule)
            .check(&from(ISSUED + 1), NOW, 0, "allowed"),
        ruled("by index, both ends included", rule(5, pair(10, 20)))
            .check(&indexed(9), NOW, 0, "allowed")
            .check(&indexed(10), NOW, 0, by_rule)
            .check(&indexed(20), NOW, 0, by_rule)
            .check(&indexed(21), NOW, 0, "allowed")
            .check(&good, NOW, 0, "allowed"),
        ruled("all conditions must hold", both).check(&tier("pro", 3), NOW, 0, by_rule).check(
            &tier("free", 3),
            NOW,
            0,
            "allowed",
        ),
        ruled(
            "exempt identifiers",
            rule(3, cbor::array(&[cbor::text("pro")])).set(6, cbor::bytes(&base().id)),
        )
        .check(&good, NOW, 0, "allowed")
        .check(&Licence::with(|l| l.id = *b"vector licence 2"), NOW, 0, by_rule),
        with("as many rules as there may be, with every condition each", &full)
            .check(&good, NOW, 0, by_rule)
            .check(&tier("free", 3), NOW, 0, "allowed"),
        with("the strictest of several counts, of those that are in effect", &several)
            .check(&indexed(6), NOW + 9, 0, "allowed")
            .warning(by_rule)
            .check(&indexed(7), NOW + 9, 0, "revoked")
            .check(&indexed(6), NOW + 10, 1, by_rule),
    ];
    GateGroup {
        comment: "Rules revoke what has their conditions in common".to_owned(),
        tests: tests.into_iter().map(Story::done).collect(),
    }
}

/// A rule that says all that a rule can say, and hits nobody: the index is another one.
fn every_condition(index: u64) -> Fields {
    Fields::default()
        .set(0, cbor::bytes(b"main"))
        .set(1, cbor::text("cus_42"))
        .set(2, cbor::bytes(&[1; 16]))
        .set(3, cbor::array(&[cbor::text("pro"), cbor::uint(3)]))
        .set(4, pair(0, NOW))
        .set(5, pair(index, index))
        .set(6, cbor::bytes(&[2; 16]))
        .set(7, cbor::bytes(&[3; 32]))
        .set(8, cbor::uint(2))
        .set(9, cbor::uint(1))
        .set(10, pair(1, NOW + 10))
}
