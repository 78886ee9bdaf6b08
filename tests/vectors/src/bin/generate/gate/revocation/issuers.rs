//! A gate has a bundle for each issuer and stream, and a bundle is about one.

use licentia_vectors::GateGroup;

use super::{delta, indexed, of, pair, revoker, rule, set, signed, stale, story};
use crate::{
    bundle::{Bundle, EXPIRES, NEXT, TYP},
    cbor,
    fields::Fields,
    gate::story::{Story, sealed},
    licence::{GREATEST, Licence, NOW},
    terms::Action,
};

pub(super) fn group() -> GateGroup {
    let (first, second, third) = (set(1, &[5]), set(2, &[5, 7]), set(3, &[7, 9]));
    let to_third = delta(&[5, 9], 2, &third);
    let streamed = |index: u64| Licence::with(|l| (l.stream, l.index) = (2, Some(index)));
    let streaming =
        |bundle: &Bundle| sealed(&revoker(), TYP, &bundle.payload().set(2, cbor::uint(2)).encode());
    let asking = |stream: u64| {
        let mut licence = stale(None, Some(GREATEST));
        (licence.stream, licence.index) = (stream, Some(6));
        licence
    };
    let ruled = |rule: Fields| Bundle { sequence: 1, rules: vec![rule], ..Bundle::default() };
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
        story("an age is asked for, and there is no bundle")
            .check(&stale(None, Some(GREATEST)), NOW, 0, "revocation_stale")
            .check(&stale(Some(Action::Allow), Some(0)), NOW, 1, "allowed")
            .warning("revocation_stale"),
        story("a bundle of each stream, each about its own indices and with a number of its own")
            .publish(&signed(&second), "allowed")
            .check(&indexed(7), NOW, 0, "revoked")
            .check(&streamed(7), NOW, 0, "allowed")
            .publish(&streaming(&first), "allowed")
            .check(&streamed(5), NOW, 0, "revoked")
            .check(&streamed(7), NOW, 0, "allowed")
            .check(&indexed(7), NOW, 0, "revoked")
            .publish(&streaming(&first), "allowed")
            .publish(&signed(&first), "bundle_rollback"),
        story("a stream without a bundle is stale")
            .publish(&signed(&first), "allowed")
            .check(&asking(0), NOW, 0, "allowed")
            .check(&asking(2), NOW, 0, "revocation_stale")
            .publish(&streaming(&first), "allowed")
            .check(&asking(2), NOW, 1, "allowed")
            .check(&asking(3), NOW, 1, "revocation_stale"),
        story("a rule is for all streams of the issuer")
            .publish(&signed(&ruled(rule(1, cbor::text("cus_42")))), "allowed")
            .check(&streamed(7), NOW, 0, "revoked_by_rule")
            .check(&Licence::with(|l| (l.stream, l.subject) = (2, "cus_43".to_owned())), NOW, 0, "allowed"),
        story("a rule by index is for its stream")
            .publish(&signed(&ruled(rule(5, pair(0, 9)))), "allowed")
            .check(&indexed(7), NOW, 0, "revoked_by_rule")
            .check(&streamed(7), NOW, 0, "allowed"),
        story("the strictest of the streams' rules counts")
            .publish(&signed(&ruled(rule(1, cbor::text("cus_42")).set(10, pair(1, NOW + 9)))), "allowed")
            .check(&streamed(7), NOW, 0, "allowed")
            .warning("revoked_by_rule")
            .publish(&streaming(&ruled(rule(1, cbor::text("cus_42")))), "allowed")
            .check(&indexed(7), NOW, 0, "revoked_by_rule"),
    ];
    GateGroup {
        comment: "Bundles of several issuers".to_owned(),
        tests: tests.into_iter().map(Story::done).collect(),
    }
}
