//! Revocation: who is meant, from when on, in which order bundles replace each other, and which are refused.

use licentia_vectors::GateGroup;
use sha2::{Digest, Sha256};

use super::story::{Story, entry, keyset, next, root, sealed};
use crate::{
    bundle::{
        Bundle, DELTA_TYP, EXPIRES, ISSUED, NEXT, TYP, Terms, chunked, filter, group, hash, root as root_of,
        small, state,
    },
    cbor::{self, Item},
    fields::Fields,
    licence::{Licence, NOW, Policy},
    signer::Signer,
    terms::{Action, Feature, FeatureValue},
};

const DAY: u64 = 86_400;

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
    let large = Bundle::new(1, &chunked(&many, 4, 11));
    let terms = |effective, effect, until| Terms { effective, effect, until, ..Terms::unpaid() };
    let two = Licence::with(|l| l.id = *b"vector licence 2");
    let list = |licence: &Licence| hash(&licence.id).to_be_bytes();
    let noted = Bundle {
        groups: [
            group(terms(NOW + 10, 0, 0), &small(&[1], 0), &[]),
            group(terms(0, 1, NOW + 10), &small(&[2], 1), &list(&Licence::base())),
            group(terms(0, 2, NOW + 10), &small(&[3], 1), &list(&two)),
        ]
        .concat(),
        ..Bundle::new(1, &[])
    };
    let reasons: Vec<u8> = (0..=7_u8)
        .flat_map(|reason| {
            group(Terms { reason, ..Terms::default() }, &small(&[u64::from(reason) * 3], 3), &[])
        })
        .collect();
    let reasons = Bundle { groups: reasons, ..Bundle::new(1, &[]) };
    let hashed =
        Bundle { groups: group(Terms::default(), &[], &list(&Licence::base())), ..Bundle::new(1, &[]) };
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
        with("a licence without an index is revoked by its identifier", &hashed)
            .check(&Licence::base(), NOW, 0, "revoked")
            .check(&Licence::with(|l| l.id = *b"vector licence 2"), NOW, 0, "allowed")
            .check(&indexed(1), NOW, 0, "allowed"),
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

pub(crate) fn order() -> GateGroup {
    let set = |sequence: u64, indices: &[u64]| Bundle::new(sequence, &state(indices));
    let (first, second, third) = (set(1, &[5]), set(2, &[5, 7]), set(3, &[7, 9]));
    let delta = |changes: &[u64], base: u64, state: &Bundle| {
        sealed(&revoker(), DELTA_TYP, &set(state.sequence, changes).delta(base, state).encode())
    };
    let to_third = delta(&[5, 9], 2, &third);
    let fork = second.payload().set(4, cbor::uint(ISSUED + 1));
    let heal = Signer::new(b"revoker2", 6);
    let graced = Terms { effect: 2, until: NOW + 10, ..Terms::unpaid() };
    let (five, seven) = (state(&[5]), state(&[7]));
    // 7 goes from one group to another: the two are of one length, and follow each other by their terms.
    let moved = Bundle {
        groups: [group(Terms::unpaid(), &five, &[]), group(graced, &seven, &[])].concat(),
        ..set(3, &[])
    };
    let moves = Bundle {
        groups: [group(Terms::unpaid(), &seven, &[]), group(graced, &seven, &[])].concat(),
        ..set(3, &[])
    };
    let moves = sealed(&revoker(), DELTA_TYP, &moves.delta(2, &moved).encode());
    let future = |sequence: u64| {
        let times = set(sequence, &[5]).payload().set(4, cbor::uint(NOW + 100 * DAY));
        times.set(5, cbor::uint(NOW + 101 * DAY)).set(6, cbor::uint(NOW + 102 * DAY))
    };
    let dated = |issued: u64| set(1, &[5]).payload().set(4, cbor::uint(issued));
    let of = |issuer: &str, bundle: &Bundle| {
        sealed(&revoker(), TYP, &bundle.payload().set(1, cbor::text(issuer)).encode())
    };
    let theirs = |index: u64| Licence::with(|l| (l.issuer, l.index) = ("other".to_owned(), Some(index)));
    let limited = |scope: Fields| keys(2, &revoking(&revoker()).set(4, scope.encode()));
    let only = |issuer: &str| limited(Fields::default().set(0, cbor::array(&[cbor::text(issuer)])));
    let timed =
        |from: u64, to: u64| keys(2, &revoking(&revoker()).set(1, cbor::uint(from)).set(2, cbor::uint(to)));
    let whole = signed(&first);
    let tests = vec![
        story("a delta changes what a revocation says")
            .publish(&signed(&second), "allowed")
            .publish(&moves, "allowed")
            .check(&indexed(5), NOW, 0, "revoked")
            .check(&indexed(7), NOW, 0, "allowed")
            .state("grace")
            .warning("revoked")
            .check(&indexed(7), NOW + 10, 1, "revoked"),
        story("a delta that another process has gone beyond")
            .publish(&signed(&third), "allowed")
            .publish(&delta(&[7], 1, &second), "bundle_wrong_base")
            .publish(&signed(&second), "bundle_rollback"),
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
        story("a bundle that is dated far ahead moves no clock, and the next one takes its place")
            .publish(&sealed(&revoker(), TYP, &future(7).encode()), "allowed")
            .check(&indexed(5), NOW, 0, "revoked")
            .check(&indexed(6), NOW, 0, "allowed")
            .load(&keys(2, &revoking(&heal)), "allowed")
            .publish(&sealed(&heal, TYP, &second.payload().encode()), "allowed")
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
                        revoking(&heal),
                        revoking(&revoker())
                            .set(4, Fields::default().set(0, cbor::array(&[cbor::text("other")])).encode()),
                    ],
                ),
                "allowed",
            )
            .publish(&sealed(&heal, TYP, &second.payload().encode()), "allowed")
            .check(&indexed(7), NOW, 0, "revoked"),
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
    let good = Bundle::new(1, &small(&[5], 2));
    let payload = good.payload();
    let bad = |comment: &str, payload: &Fields| {
        let bytes = sealed(&revoker(), TYP, &payload.encode());
        story(comment).publish(&bytes, "bundle_malformed").check(&indexed(5), NOW, 0, "allowed")
    };
    // A signer who lies names the root of what is there.
    let grouped = |comment: &str, groups: &[u8]| {
        let root = cbor::bytes(&root_of(&[], groups));
        bad(comment, &payload.clone().set(10, cbor::bytes(groups)).set(7, root))
    };
    let set = |comment: &str, exact: &[u8]| grouped(comment, &group(Terms::unpaid(), exact, &[]));
    let hashes = |comment: &str, hashes: &[u8]| grouped(comment, &group(Terms::unpaid(), &[], hashes));
    let terms = |comment: &str, terms: Terms| grouped(comment, &group(terms, &small(&[5], 2), &[]));
    let times = |comment: &str, issued: u64, next: u64, expires: u64| {
        let times = payload.clone().set(4, cbor::uint(issued)).set(5, cbor::uint(next));
        bad(comment, &times.set(6, cbor::uint(expires)))
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
            &sealed(&revoker(), TYP, &payload.clone().set(12, cbor::uint(0)).encode()),
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
        set("a set of an unknown form", &[2, 0]),
        set("a Rice parameter of 54 in a small set", &[0x80 + 54, 0]),
        set("a small set of too many members", &[&[0x80_u8][..], &[0; 200]].concat()),
        set("a small set with a byte of ones too many", &[&small(&[5], 2)[..], &[0xff]].concat()),
        set("a small set that ends in a gap", &[0x80 + 4, 0b0000_0000]),
        set("an index beyond those that there are", &small(&[9_007_199_254_740_992], 53)),
        set("a set shorter than its head", &[1; 15]),
        set("a Rice parameter of 54", &huge(1, &[54])),
        set("a chunk of 2^54", &huge(2, &[54])),
        set("entries of an unknown width", &huge(3, &[2])),
        set("a count of 2^64 - 1", &huge(4, &[0xff; 8])),
        set("a member fewer than there are", &huge(4, &[1])),
        set("a member more than there are", &huge(4, &[3])),
        set("2^32 - 1 chunks", &huge(12, &[0xff; 4])),
        set("no chunks", &huge(12, &[0; 4])),
        set("an anchor that is not the beginning", &huge(16, &[1])),
        set("chunks that overlap", &huge(26, &[1])),
        hashes("hashes that are cut", &[0; 9]),
        hashes("hashes out of order", &[[2; 8], [1; 8]].concat()),
        hashes("a hash twice", &[1; 16]),
        hashes("a group of nobody", &[]),
        grouped("a group that is cut", &[0; 25]),
        grouped("bytes after the last group", &[&good.groups[..], &[0]].concat()),
        grouped("a group that is longer than its section", &{
            let mut groups = good.groups.clone();
            groups[18] += 1;
            groups
        }),
        grouped("two groups with the same terms", &[&good.groups[..], &good.groups].concat()),
        grouped("257 groups", &{
            let one = |effective| group(Terms { effective, ..Terms::unpaid() }, &small(&[5], 2), &[]);
            (0..257).flat_map(one).collect::<Vec<u8>>()
        }),
        terms("an effect that is not known", Terms { effect: 3, ..Terms::unpaid() }),
        terms("a denial that has an end", Terms { until: 1, ..Terms::unpaid() }),
        terms("a time past the last one", Terms { effective: 253_402_300_800, ..Terms::unpaid() }),
        terms("an end past the last one", Terms { effect: 1, until: 253_402_300_800, ..Terms::unpaid() }),
        section("a pre-filter that is cut", 11, &[0; 31]),
        section("a pre-filter that hides a member", 11, &[0; 32]),
        times("issued after the next update", NEXT + 1, NEXT, EXPIRES),
        times("expired with the next update", ISSUED, NEXT, NEXT),
        ruled("a rule without a condition", Fields::default().set(8, cbor::uint(1))),
        ruled("a rule with an unknown condition", rule(0, cbor::bytes(b"main")).set(11, cbor::uint(0))),
        ruled("a rule with an unknown action", rule(0, cbor::bytes(b"main")).set(10, pair(3, 0))),
        ruled("a rule with a list that is cut", rule(0, cbor::bytes(b"main")).set(6, cbor::bytes(&[0; 15]))),
        ruled("a range that ends before it begins", rule(5, pair(2, 1))),
        ruled(
            "exempt identifiers out of order",
            rule(0, cbor::bytes(b"main")).set(6, cbor::bytes(&[[2; 16], [1; 16]].concat())),
        ),
        ruled(
            "allowed digests out of order",
            rule(0, cbor::bytes(b"main")).set(7, cbor::bytes(&[[2; 32], [1; 32]].concat())),
        ),
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
