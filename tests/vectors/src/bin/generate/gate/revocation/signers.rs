//! What a revocation key may sign, and what it can do to the clock.

use licentia_vectors::GateGroup;

use super::{DAY, heal, indexed, keys, of, revoker, revoking, set, signed, story};
use crate::{
    bundle::{ISSUED, NEXT, TYP},
    cbor,
    fields::Fields,
    gate::story::{Story, entry, keyset, sealed},
    licence::{Licence, NOW},
    signer::Signer,
};

pub(super) fn group() -> GateGroup {
    let (first, second) = (set(1, &[5]), set(2, &[5, 7]));
    let future = |sequence: u64| {
        let times = set(sequence, &[5]).payload().set(4, cbor::uint(NOW + 100 * DAY));
        times.set(5, cbor::uint(NOW + 101 * DAY)).set(6, cbor::uint(NOW + 102 * DAY))
    };
    let dated = |issued: u64| set(1, &[5]).payload().set(4, cbor::uint(issued));
    let limited = |scope: Fields| keys(2, &revoking(&revoker()).set(4, scope.encode()));
    let only = |issuer: &str| limited(Fields::default().set(0, cbor::array(&[cbor::text(issuer)])));
    let timed =
        |from: u64, to: u64| keys(2, &revoking(&revoker()).set(1, cbor::uint(from)).set(2, cbor::uint(to)));
    let whole = signed(&first);
    let tests = vec![
        story("a bundle that is dated far ahead moves no clock, and the next one takes its place")
            .publish(&sealed(&revoker(), TYP, &future(7).encode()), "allowed")
            .check(&indexed(5), NOW, 0, "revoked")
            .check(&indexed(6), NOW, 0, "allowed")
            .load(&keys(2, &revoking(&heal())), "allowed")
            .publish(&sealed(&heal(), TYP, &second.payload().encode()), "allowed")
            .check(&indexed(6), NOW + 1, 1, "allowed")
            .restart()
            .check(&indexed(6), NOW + 2, 0, "allowed"),
        story("a bundle that is dated a day ahead moves the clock by a day")
            .publish(
                &sealed(&revoker(), TYP, &dated(NOW + DAY).set(5, cbor::uint(NOW + 2 * DAY)).encode()),
                "allowed",
            )
            .check(&Licence::with(|l| l.expires = NOW + DAY), NOW, 0, "expired")
            .check(&Licence::with(|l| l.expires = NOW + DAY + 1), NOW, 0, "allowed"),
        story("a revocation key that is limited to the issuer")
            .load(&only("acme"), "allowed")
            .publish(&whole, "allowed"),
        story("a revocation key that is limited to another issuer")
            .load(&only("other"), "allowed")
            .publish(&whole, "bundle_untrusted")
            .publish(&of("other", &first), "allowed"),
        story("a revocation key with a limit that no bundle can be held against")
            .load(&limited(Fields::default().set(2, cbor::array(&[cbor::text("pro")]))), "allowed")
            .publish(&whole, "bundle_untrusted"),
        story("the first and the last time of a revocation key")
            .load(&timed(ISSUED, ISSUED), "allowed")
            .publish(&whole, "allowed"),
        story("before the time of a revocation key")
            .load(&timed(ISSUED + 1, NEXT), "allowed")
            .publish(&whole, "key_not_active"),
        story("after the time of a revocation key")
            .load(&timed(0, ISSUED - 1), "allowed")
            .publish(&whole, "key_not_active"),
        story("a thief's high number ends with the scope of the thief's key")
            .publish(&signed(&set(1 << 50, &[])), "allowed")
            .load(
                &keyset(
                    2,
                    &[
                        entry(&Signer::main()),
                        revoking(&heal()),
                        revoking(&revoker())
                            .set(4, Fields::default().set(0, cbor::array(&[cbor::text("other")])).encode()),
                    ],
                ),
                "allowed",
            )
            .publish(&sealed(&heal(), TYP, &second.payload().encode()), "allowed")
            .check(&indexed(7), NOW, 0, "revoked"),
    ];
    GateGroup {
        comment: "What a revocation key may sign, and when".to_owned(),
        tests: tests.into_iter().map(Story::done).collect(),
    }
}
