//! Bundles that no gate takes.

use licentia_vectors::GateGroup;

use super::{indexed, keys, pair, revoker, revoking, rule, signed, story};
use crate::{
    bundle::{
        Bundle, DELTA_TYP, EXPIRES, ISSUED, NEXT, TYP, Terms, chunked, group as encode, root as root_of,
        small,
    },
    cbor,
    fields::Fields,
    gate::story::{Story, root, sealed},
    licence::NOW,
    signer::Signer,
};

/// A bundle that is refused, and changes nothing.
fn bad(comment: &str, payload: &Fields) -> Story {
    let bytes = sealed(&revoker(), TYP, &payload.encode());
    story(comment).publish(&bytes, "bundle_malformed").check(&indexed(5), NOW, 0, "allowed")
}

fn good() -> Bundle {
    Bundle::new(1, &small(&[5], 2))
}

/// Groups under their own root, as a signer who lies would name it.
fn grouped(comment: &str, groups: &[u8]) -> Story {
    let root = cbor::bytes(&root_of(&[], groups));
    bad(comment, &good().payload().set(10, cbor::bytes(groups)).set(7, root))
}

pub(super) fn group() -> GateGroup {
    let tests = [frames(), fields(), sets(), groups()];
    GateGroup {
        comment: "Bundles that no gate takes".to_owned(),
        tests: tests.into_iter().flatten().map(Story::done).collect(),
    }
}

/// What is no bundle, or by nobody who may sign one.
fn frames() -> Vec<Story> {
    let payload = good().payload();
    let mut bent = signed(&good());
    let last = bent.len() - 1;
    bent[last] ^= 1;
    let whole = signed(&good());
    let standing = |state: i64| keys(2, &revoking(&revoker()).set(3, cbor::int(state)));
    vec![
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
    ]
}

/// What a payload may not say or lack.
fn fields() -> Vec<Story> {
    let payload = good().payload();
    let times = |comment: &str, issued: u64, next: u64, expires: u64| {
        let times = payload.clone().set(4, cbor::uint(issued)).set(5, cbor::uint(next));
        bad(comment, &times.set(6, cbor::uint(expires)))
    };
    let section =
        |comment: &str, key: i64, bytes: &[u8]| bad(comment, &payload.clone().set(key, cbor::bytes(bytes)));
    let ruled =
        |comment: &str, rule: Fields| bad(comment, &payload.clone().set(9, cbor::array(&[rule.encode()])));
    vec![
        bad("another schema", &payload.clone().set(0, cbor::uint(3))),
        bad("no schema", &payload.clone().set(0, cbor::uint(0))),
        bad("no issuer", &payload.clone().without(1)),
        bad("no sequence", &payload.clone().without(3)),
        bad("no salt", &payload.clone().without(8)),
        bad("a short salt", &payload.clone().set(8, cbor::bytes(&[0; 15]))),
        bad("an unknown negative label", &payload.clone().set(-1, cbor::uint(0))),
        section("a pre-filter that is cut", 11, &[0; 31]),
        section("a pre-filter that hides a member", 11, &[0; 32]),
        times("issued after the next update", NEXT + 1, NEXT, EXPIRES),
        times("expired with the next update", ISSUED, NEXT, NEXT),
        ruled("a rule without a condition", Fields::default().set(8, cbor::uint(1))),
        ruled("a rule with an unknown condition", rule(0, cbor::bytes(b"main")).set(11, cbor::uint(0))),
        ruled("a rule with an unknown action", rule(0, cbor::bytes(b"main")).set(10, pair(3, 0))),
        ruled("a rule with a list that is cut", rule(0, cbor::bytes(b"main")).set(6, cbor::bytes(&[0; 15]))),
        ruled("a range that ends before it begins", rule(5, pair(2, 1))),
        ruled("a range of times past the last one", rule(4, pair(0, 253_402_300_800))),
        ruled("a range of one number", rule(5, cbor::array(&[cbor::uint(1)]))),
        ruled(
            "a number of a reason past 2^53 - 1",
            rule(0, cbor::bytes(b"main")).set(8, cbor::uint(1 << 53)),
        ),
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
    ]
}

/// Exact sets that lie.
fn sets() -> Vec<Story> {
    let set = |comment: &str, exact: &[u8]| grouped(comment, &encode(Terms::unpaid(), exact, &[]));
    let huge = |at: usize, bytes: &[u8]| {
        let mut section = chunked(&[1, 5000], 4, 11);
        section[at..at + bytes.len()].copy_from_slice(bytes);
        section
    };
    // Chunks with a member of gap 0 each.
    let zeros = |chunk: u8, chunks: u32, count: u64| {
        let mut section = vec![1, 0, chunk, 0];
        section.extend(count.to_le_bytes());
        section.extend(chunks.to_le_bytes());
        (0..u64::from(chunks)).step_by(64).for_each(|anchor| section.extend(anchor.to_le_bytes()));
        (0..chunks).for_each(|at| section.extend([u8::try_from(at % 64).expect("below 64"), 0]));
        section.extend(vec![0; usize::try_from(chunks / 8).expect("a few")]);
        if !chunks.is_multiple_of(8) {
            section.push(0xff >> (chunks % 8));
        }
        section
    };
    // One member behind so many ones, under Rice parameter 53.
    let quotient = |ones: usize| {
        let bits = [
            vec![0xff; ones / 8],
            if ones.is_multiple_of(8) { vec![0; 7] } else { vec![0x80, 0, 0, 0, 0, 0, 0] },
        ]
        .concat();
        let mut section = vec![0x80 + 53];
        section.extend(bits);
        *section.last_mut().expect("bits") |= if ones.is_multiple_of(8) { 3 } else { 1 };
        section
    };
    let mut padded = chunked(&[1, 2, 3], 1, 2);
    padded[12] = 2;
    padded.splice(24..26, [0, 0, 6, 0]);
    let crowded = |count: u64| {
        let mut section = vec![1, 0, 19, 0];
        section.extend(count.to_le_bytes());
        section.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        section.extend(vec![0; usize::try_from(count / 8).expect("bytes")]);
        section.extend((!count.is_multiple_of(8)).then_some(0xff >> (count % 8)));
        section
    };
    vec![
        set("a set of an unknown form", &[2, 0]),
        set("a Rice parameter of 54 in a small set", &[0x80 + 54, 0]),
        set("a small set of nobody", &[0x80]),
        set("a small set of nobody that is filled up", &[0x80, 0xff]),
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
        set("2,049 chunks of 2^53, the last of which begins at 0 again", &zeros(53, 2_049, 2_049)),
        set("more chunks than there are indices", &zeros(43, 1_025, 1_025)),
        set("a quotient of 2^64, which is 0 again", &quotient(2_048)),
        set("a quotient beyond the greatest index", &quotient(1)),
        set("a chunk without members at the end", &padded),
        set("a query that decodes 262,145 members", &crowded(262_145)),
    ]
}

/// Groups that lie, but for their sets.
fn groups() -> Vec<Story> {
    let good = good();
    let hashes = |comment: &str, hashes: &[u8]| grouped(comment, &encode(Terms::unpaid(), &[], hashes));
    let terms = |comment: &str, terms: Terms| grouped(comment, &encode(terms, &small(&[5], 2), &[]));
    vec![
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
            let one = |effective| encode(Terms { effective, ..Terms::unpaid() }, &small(&[5], 2), &[]);
            (0..257).flat_map(one).collect::<Vec<u8>>()
        }),
        terms("an effect that is not known", Terms { effect: 3, ..Terms::unpaid() }),
        terms("a denial that has an end", Terms { until: 1, ..Terms::unpaid() }),
        terms("a time past the last one", Terms { effective: 253_402_300_800, ..Terms::unpaid() }),
        terms("an end past the last one", Terms { effect: 1, until: 253_402_300_800, ..Terms::unpaid() }),
    ]
}
