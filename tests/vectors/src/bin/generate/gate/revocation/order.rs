//! In which order bundles and deltas replace each other, and how fresh they must be.

use licentia_vectors::GateGroup;

use super::{delta, heal, indexed, keys, revoker, revoking, set, signed, stale, story};
use crate::{
    bundle::{DELTA_TYP, EXPIRES, ISSUED, NEXT, TYP},
    cbor,
    gate::story::{Story, sealed},
    licence::{self, Licence, NOW},
    terms::Action,
};

pub(super) fn group() -> GateGroup {
    let (first, second, third) = (set(1, &[5]), set(2, &[5, 7]), set(3, &[7, 9]));
    let to_third = delta(&[5, 9], 2, &third);
    let changed = |label: i64, value| {
        let payload = set(3, &[5, 9]).delta(2, &third).set(label, value);
        sealed(&revoker(), DELTA_TYP, &payload.encode())
    };
    let fork = second.payload().set(4, cbor::uint(ISSUED + 1));
    let tests = vec![
        story("a delta that another process has gone beyond")
            .publish(&signed(&third), "allowed")
            .publish(&delta(&[7], 1, &second), "bundle_wrong_base")
            .publish(&signed(&second), "bundle_rollback"),
        story("a newer bundle revokes and reinstates")
            .publish(&signed(&first), "allowed")
            .check(&indexed(5), NOW, 0, "revoked")
            .check(&indexed(7), NOW, 0, "allowed")
            .publish(&signed(&third), "allowed")
            .check(&indexed(5), NOW, 0, "allowed")
            .check(&indexed(7), NOW, 0, "revoked"),
        story("a delta revokes and reinstates")
            .publish(&signed(&second), "allowed")
            .publish(&to_third, "allowed")
            .check(&indexed(5), NOW, 0, "allowed")
            .check(&indexed(7), NOW, 0, "revoked")
            .check(&indexed(9), NOW, 0, "revoked"),
        story("the whole bundle after the delta to the same state")
            .publish(&signed(&second), "allowed")
            .publish(&to_third, "allowed")
            .publish(&signed(&third), "allowed")
            .publish(&to_third, "allowed")
            .check(&indexed(9), NOW, 0, "revoked"),
        story("a delta without its base").publish(&to_third, "bundle_wrong_base"),
        story("a delta on another base")
            .publish(&signed(&first), "allowed")
            .publish(&to_third, "bundle_wrong_base")
            .check(&indexed(5), NOW, 0, "revoked"),
        story("a delta under another salt")
            .publish(&signed(&second), "allowed")
            .publish(&changed(8, cbor::bytes(&[4; 16])), "bundle_wrong_base")
            .check(&indexed(7), NOW, 0, "revoked"),
        story("a delta of another stream")
            .publish(&signed(&second), "allowed")
            .publish(&changed(2, cbor::uint(1)), "bundle_wrong_base")
            .check(&indexed(7), NOW, 0, "revoked"),
        story("a delta of schema 2 on a bundle of schema 1")
            .publish(&signed(&second), "allowed")
            .publish(&changed(0, cbor::uint(2)), "allowed")
            .check(&indexed(7), NOW, 0, "revoked")
            .check(&indexed(9), NOW, 0, "revoked"),
        story("a delta that does not lead where it says")
            .publish(&signed(&second), "allowed")
            .publish(&delta(&[5], 2, &third), "bundle_wrong_root")
            .check(&indexed(7), NOW, 0, "revoked"),
        story("an older bundle, also after a restart")
            .publish(&signed(&second), "allowed")
            .publish(&signed(&first), "bundle_rollback")
            .restart()
            .publish(&signed(&first), "bundle_rollback")
            .publish(&signed(&second), "allowed")
            .check(&indexed(7), NOW, 0, "revoked"),
        story("another bundle of the same number")
            .publish(&signed(&second), "allowed")
            .publish(&sealed(&revoker(), TYP, &fork.encode()), "bundle_equivocation"),
        story("a thief's high number ends with the thief's key")
            .publish(&signed(&set(1 << 50, &[])), "allowed")
            .publish(&signed(&second), "bundle_rollback")
            .load(&keys(2, &revoking(&heal())), "allowed")
            .publish(&sealed(&heal(), TYP, &second.payload().encode()), "allowed")
            .check(&indexed(7), NOW, 0, "revoked"),
        story("the last second of a bundle, and its end")
            .publish(&signed(&first), "allowed")
            .check(&stale(Some(Action::Allow), None), EXPIRES - 1, 0, "allowed")
            .warning("revocation_stale")
            .check(&stale(Some(Action::Allow), None), EXPIRES, 1, "revocation_expired")
            .warning("revocation_stale"),
        story("stale after the next update, as the licence says")
            .publish(&signed(&first), "allowed")
            .check(&Licence::base(), NEXT, 0, "allowed")
            .check(&Licence::base(), NEXT + 1, 1, "revocation_stale")
            .check(&stale(Some(Action::Warn(10)), None), NEXT + 1, 1, "allowed")
            .warning("revocation_stale"),
        story("the age that a licence accepts")
            .publish(&signed(&first), "allowed")
            .check(&stale(None, Some(200)), ISSUED + 200, 0, "allowed")
            .check(&stale(None, Some(200)), ISSUED + 201, 1, "revocation_stale"),
        story("a licence that asks for a bundle where there is none").check(
            &stale(None, Some(200)),
            NOW,
            0,
            "revocation_stale",
        ),
        story("a warning where there is no bundle, from the time of issue on")
            .check(&stale(Some(Action::Warn(10)), Some(200)), licence::ISSUED + 10, 0, "allowed")
            .warning("revocation_stale")
            .check(&stale(Some(Action::Warn(10)), Some(200)), licence::ISSUED + 11, 1, "revocation_stale"),
    ];
    GateGroup {
        comment: "Bundles, deltas and their freshness".to_owned(),
        tests: tests.into_iter().map(Story::done).collect(),
    }
}
