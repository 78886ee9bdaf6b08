//! Revocation: who is meant, from when on, in which order bundles replace each other, and which are refused.

use licentia_vectors::GateGroup;
use sha2::{Digest, Sha256};

use super::story::{Story, entry, keyset, next, root, sealed};
use crate::{
    bundle::{Bundle, DELTA_TYP, EXPIRES, ISSUED, NEXT, TYP, chunked, note, small, state},
    cbor::{self, Item},
    fields::Fields,
    licence::{Licence, NOW, Policy},
    signer::Signer,
    terms::{Action, Feature, FeatureValue},
};

/// The key that signs bundles.
fn revoker() -> Signer {
    Signer::new(b"revoker", 5)
}

/// A keyset with the licence key and the revocation key.
fn keys(sequence: u64, revoker: &Fields) -> Vec<u8> {
    keyset(sequence, &[entry(&Signer::main()), entry(&next()), revoker.clone()])
}

fn revoking(key: &Signer) -> Fields {
    entry(key).set(5, cbor::int(1))
}

fn story(comment: &str) -> Story {
    Story::rooted("Revocation", comment, &keys(1, &revoking(&revoker())))
}

fn signed(bundle: &Bundle) -> Vec<u8> {
    sealed(&revoker(), TYP, &bundle.payload().encode())
}

/// The licence with an index.
fn indexed(index: u64) -> Licence {
    Licence::with(|l| l.index = Some(index))
}

/// A story with one bundle.
fn with(comment: &str, bundle: &Bundle) -> Story {
    story(comment).publish(&signed(bundle), "allowed")
}

/// A story with one bundle that has one rule.
fn ruled(comment: &str, rule: Fields) -> Story {
    with(comment, &Bundle { sequence: 1, rules: vec![rule], ..Bundle::default() })
}

fn rule(key: i64, condition: Item) -> Fields {
    Fields::default().set(key, condition)
}

fn pair(from: u64, to: u64) -> Item {
    cbor::array(&[cbor::uint(from), cbor::uint(to)])
}

pub(crate) fn sets() -> GateGroup {
    let many: Vec<u64> = (0..1100).map(|n| n * 37 + n % 5).collect();
    let large = Bundle::new(1, chunked(&many, 4, 11));
    let noted = Bundle {
        notes: [note(1, NOW + 10, 0, 0), note(2, 0, 1, NOW + 10), note(3, 0, 2, NOW + 10)].concat(),
        ..Bundle::new(1, small(&[1, 2, 3], 0))
    };
    let hashed = Bundle { sequence: 1, hashes: hash(&Licence::base().id), ..Bundle::default() };
    let foreign = Bundle::new(1, small(&[7], 2)).payload().set(1, cbor::text("other"));
    let at_end = many[1099];
    let tests = vec![
        story("no bundle").check(&indexed(7), NOW, 0, "allowed"),
        with("an empty bundle", &Bundle::new(1, Vec::new())).check(&indexed(7), NOW, 0, "allowed"),
        with("exactly the indices of the set", &Bundle::new(1, small(&[5, 7], 2)))
            .check(&indexed(4), NOW, 0, "allowed")
            .check(&indexed(5), NOW, 0, "revoked")
            .check(&indexed(6), NOW, 0, "allowed")
            .check(&indexed(7), NOW, 0, "revoked")
            .check(&indexed(8), NOW, 0, "allowed")
            .check(&Licence::base(), NOW, 0, "allowed"),
        with("index 0", &Bundle::new(1, small(&[0], 0)))
            .check(&indexed(0), NOW, 0, "revoked")
            .check(&indexed(1), NOW, 0, "allowed")
            .check(&Licence::base(), NOW, 0, "allowed"),
        with("the greatest index", &Bundle::new(1, small(&[9_007_199_254_740_991], 53)))
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
        with("a licence without an index is revoked by its identifier", &hashed)
            .check(&Licence::base(), NOW, 0, "revoked")
            .check(&Licence::with(|l| l.id = *b"vector licence 2"), NOW, 0, "allowed")
            .check(&indexed(1), NOW, 0, "allowed"),
        with("from its time on, flagged until, in grace until", &noted)
            .check(&indexed(1), NOW + 9, 0, "allowed")
            .check(&indexed(2), NOW + 9, 0, "allowed")
            .warning("revoked")
            .check(&indexed(3), NOW + 9, 0, "allowed")
            .state("grace")
            .check(&indexed(1), NOW + 10, 1, "revoked")
            .check(&indexed(2), NOW + 10, 1, "revoked")
            .check(&indexed(3), NOW + 10, 1, "revoked"),
        story("another issuer's bundle says nothing")
            .publish(&sealed(&revoker(), TYP, &foreign.encode()), "allowed")
            .check(&indexed(7), NOW, 0, "allowed"),
        with("a revoked licence that has also expired", &Bundle::new(1, small(&[7], 2))).check(
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

/// SipHash-1-3 of the base licence's identifier under the salt of these tests.
fn hash(id: &[u8; 16]) -> Vec<u8> {
    use std::hash::Hasher as _;
    let mut hasher = siphasher::sip::SipHasher13::new_with_key(&[3; 16]);
    hasher.write(id);
    hasher.finish().to_be_bytes().to_vec()
}

pub(crate) fn rules() -> GateGroup {
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
        ..Bundle::new(1, small(&[7], 2))
    };
    let by_rule = "revoked_by_rule";
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

pub(crate) fn order() -> GateGroup {
    let set = |sequence: u64, indices: &[u64]| Bundle::new(sequence, state(indices));
    let (first, second, third) = (set(1, &[5]), set(2, &[5, 7]), set(3, &[7, 9]));
    let delta = |changes: &[u64], base: u64, state: &Bundle| {
        sealed(&revoker(), DELTA_TYP, &set(state.sequence, changes).delta(base, state).encode())
    };
    let to_third = delta(&[5, 9], 2, &third);
    let fork = second.payload().set(4, cbor::uint(ISSUED + 1));
    let heal = Signer::new(b"revoker2", 6);
    let tests = vec![
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
            .load(&keys(2, &revoking(&heal)), "allowed")
            .publish(&sealed(&heal, TYP, &second.payload().encode()), "allowed")
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
    ];
    GateGroup {
        comment: "Bundles, deltas and their freshness".to_owned(),
        tests: tests.into_iter().map(Story::done).collect(),
    }
}

/// A licence with a policy for staleness.
fn stale(action: Option<Action>, age: Option<u64>) -> Licence {
    let policy = Policy { stale_revocation: action, max_revocation_age: age, ..Policy::default() };
    Licence::with(|l| l.policy = Some(policy))
}

pub(crate) fn malformed() -> GateGroup {
    let good = Bundle::new(1, small(&[5], 2));
    let payload = good.payload();
    let bad = |comment: &str, payload: &Fields| {
        let bytes = sealed(&revoker(), TYP, &payload.encode());
        story(comment).publish(&bytes, "bundle_malformed").check(&indexed(5), NOW, 0, "allowed")
    };
    let section =
        |comment: &str, key: i64, bytes: &[u8]| bad(comment, &payload.clone().set(key, cbor::bytes(bytes)));
    let ruled =
        |comment: &str, rule: Fields| bad(comment, &payload.clone().set(9, cbor::array(&[rule.encode()])));
    let huge = |at: usize, bytes: &[u8]| {
        let mut section = chunked(&[1, 5000], 4, 11);
        section[at..at + bytes.len()].copy_from_slice(bytes);
        section
    };
    let mut bent = signed(&good);
    let last = bent.len() - 1;
    bent[last] ^= 1;
    let whole = signed(&good);
    let standing = |state: i64| keys(2, &revoking(&revoker()).set(3, cbor::int(state)));
    let tests = vec![
        story("nothing at all").publish(&[], "bundle_malformed"),
        story("cut short").publish(&whole[..whole.len() - 1], "bundle_malformed"),
        story("a byte too many").publish(&[&whole[..], &[0]].concat(), "bundle_malformed"),
        story("an altered signature").publish(&bent, "bundle_bad_signature"),
        story("signed by a licence key")
            .publish(&sealed(&Signer::main(), TYP, &payload.encode()), "bundle_untrusted"),
        story("signed by the root key").publish(&sealed(&root(), TYP, &payload.encode()), "bundle_untrusted"),
        story("signed by a retired revocation key")
            .load(&standing(1), "allowed")
            .publish(&whole, "key_not_active"),
        story("signed by a revoked revocation key")
            .load(&standing(2), "allowed")
            .publish(&whole, "key_revoked"),
        story("a keyset").publish(&keys(7, &revoking(&revoker())), "wrong_typ"),
        story("a licence").publish(&indexed(5).token(), "wrong_typ"),
        story("a delta under a bundle's type").publish(
            &sealed(&revoker(), TYP, &payload.clone().set(14, cbor::uint(0)).encode()),
            "bundle_malformed",
        ),
        story("a bundle under a delta's type")
            .publish(&sealed(&revoker(), DELTA_TYP, &payload.encode()), "bundle_malformed"),
        story("a root that is not that of the sections").publish(
            &sealed(&revoker(), TYP, &payload.clone().set(7, cbor::bytes(&[0; 32])).encode()),
            "bundle_wrong_root",
        ),
        bad("another schema", &payload.clone().set(0, cbor::uint(2))),
        bad("no issuer", &payload.clone().without(1)),
        bad("no sequence", &payload.clone().without(3)),
        bad("no salt", &payload.clone().without(8)),
        bad("a short salt", &payload.clone().set(8, cbor::bytes(&[0; 15]))),
        bad("an unknown negative label", &payload.clone().set(-1, cbor::uint(0))),
        section("a set of an unknown form", 10, &[2, 0]),
        section("a Rice parameter of 54 in a small set", 10, &[0x80 + 54, 0]),
        section("a small set of too many members", 10, &[&[0x80_u8][..], &[0; 200]].concat()),
        section("a set shorter than its head", 10, &[1; 15]),
        section("a Rice parameter of 54", 10, &huge(1, &[54])),
        section("a chunk of 2^54", 10, &huge(2, &[54])),
        section("entries of an unknown width", 10, &huge(3, &[2])),
        section("a count of 2^64 - 1", 10, &huge(4, &[0xff; 8])),
        section("2^32 - 1 chunks", 10, &huge(12, &[0xff; 4])),
        section("no chunks", 10, &huge(12, &[0; 4])),
        section("hashes that are cut", 11, &[0; 9]),
        section("hashes out of order", 11, &[[2; 8], [1; 8]].concat()),
        section("a hash twice", 11, &[1; 16]),
        section("notes that are cut", 12, &[0; 25]),
        section("a pre-filter that is cut", 13, &[0; 31]),
        ruled("a rule without a condition", Fields::default().set(8, cbor::uint(1))),
        ruled("a rule with an unknown condition", rule(0, cbor::bytes(b"main")).set(11, cbor::uint(0))),
        ruled("a rule with an unknown action", rule(0, cbor::bytes(b"main")).set(10, pair(3, 0))),
        ruled("a rule with a list that is cut", rule(0, cbor::bytes(b"main")).set(6, cbor::bytes(&[0; 15]))),
        bad("257 rules", &payload.clone().set(9, cbor::array(&vec![rule(1, cbor::text("a")).encode(); 257]))),
        // Whoever pads a bundle with what is not known yet changes nothing.
        story("an unknown label is ignored")
            .publish(&sealed(&revoker(), TYP, &payload.clone().set(99, cbor::uint(0)).encode()), "allowed")
            .check(&indexed(5), NOW, 0, "revoked"),
    ];
    GateGroup {
        comment: "Bundles that no gate takes".to_owned(),
        tests: tests.into_iter().map(Story::done).collect(),
    }
}
