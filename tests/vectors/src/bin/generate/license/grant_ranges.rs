//! Fields of the grant outside their ranges.

use licentia_vectors::LicenseGroup;

use crate::{
    cbor::{self, Item},
    encoding::unhex,
    section::Section,
    token::{with_feature, with_field, with_policy, with_quota, with_rate},
};

const CODE: &str = "invalid_value";

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![integers(), counts(), features(), quotas(), rates(), policies()]
}

fn integers() -> LicenseGroup {
    let mut cases = Section::new("Range", "Integers above 2^53 - 1");
    let list = cbor::array;
    for (what, number) in [("2^53", 1 << 53), ("2^63", 1 << 63), ("2^64 - 1", u64::MAX)] {
        let n = || cbor::uint(number);
        let one = || cbor::uint(1);
        let mut case = |field: &str, token: Vec<u8>| cases.invalid(format!("{field}: {what}"), CODE, &token);
        case("version of the tier", with_field(1, list(&[cbor::text("a"), n()])));
        case("feature", with_feature(n()));
        case("feature with an end", with_feature(list(&[n(), one()])));
        case("limit", with_quota(list(&[n(), one()])));
        case("seconds of a period", with_quota(list(&[one(), list(&[n(), one()])])));
        case("hard limit", with_quota(list(&[one(), one(), list(&[one(), n()])])));
        case("count", with_rate(list(&[n(), one()])));
        case("milliseconds", with_rate(list(&[one(), n()])));
        case("burst", with_rate(list(&[one(), one(), n()])));
        case("seats", with_field(6, n()));
        case("seconds of an action", with_policy(&[(cbor::uint(0), list(&[one(), n()]))]));
        case("max_revocation_age", with_policy(&[(cbor::uint(3), n())]));
        case("index", with_field(13, n()));
    }
    for (what, hex) in [
        ("-2^53", "3b 001fffffffffffff"),
        ("-2^53 - 1", "3b 0020000000000000"),
        ("-2^63", "3b 7fffffffffffffff"),
        ("-2^64", "3b ffffffffffffffff"),
    ] {
        cases.invalid(format!("feature: {what}"), CODE, &with_feature(unhex(hex)));
        let ending = list(&[unhex(hex), cbor::uint(1)]);
        cases.invalid(format!("feature with an end: {what}"), CODE, &with_feature(ending));
    }
    cases.done()
}

/// A map of `count` entries with names in canonical order.
fn many(count: usize, value: &Item) -> Item {
    let entries: Vec<_> = (0..count).map(|n| (cbor::text(&format!("n{n:02}")), value.clone())).collect();
    cbor::map(&entries)
}

fn counts() -> LicenseGroup {
    let mut cases = Section::new("Range", "Too many entries, and none");
    let pair = cbor::array(&[cbor::uint(1), cbor::uint(1)]);
    let on = cbor::simple(cbor::TRUE);
    for count in [0, 65, 100] {
        cases.invalid(format!("{count} features"), CODE, &with_field(2, many(count, &on)));
        let entries: Vec<_> = (0..count).map(|n| (cbor::uint(4 + n as u64), cbor::uint(0))).collect();
        cases.invalid(format!("{count} entries of the policy"), CODE, &with_policy(&entries));
    }
    for count in [0, 17, 64] {
        cases.invalid(format!("{count} quotas"), CODE, &with_field(3, many(count, &pair)));
        cases.invalid(format!("{count} rates"), CODE, &with_field(4, many(count, &pair)));
        cases.invalid(
            format!("{count} entries of meta"),
            CODE,
            &with_field(11, many(count, &cbor::text("v"))),
        );
        let locks = cbor::array(&vec![cbor::bytes(&[0; 32]); count]);
        cases.invalid(format!("{count} node locks"), CODE, &with_field(8, locks));
    }
    for length in [0, 16, 31, 33, 64] {
        let locks = cbor::array(&[cbor::bytes(&vec![0; length])]);
        cases.invalid(format!("a node lock of {length} bytes"), CODE, &with_field(8, locks));
        let locks = cbor::array(&[cbor::bytes(&[0; 32]), cbor::bytes(&vec![0; length])]);
        cases.invalid(format!("a second node lock of {length} bytes"), CODE, &with_field(8, locks));
    }
    for kind in [4, 5, 23, 24, 255, u64::MAX] {
        cases.invalid(format!("kind {kind}"), CODE, &with_field(10, cbor::uint(kind)));
    }
    cases.done()
}

fn features() -> LicenseGroup {
    let mut cases = Section::new("Range", "Features");
    // A feature that is not granted is left out; `false` must not be taken for a grant, nor for anything else.
    cases.invalid("false", CODE, &with_feature(cbor::simple(cbor::FALSE)));
    cases.invalid("null", CODE, &with_feature(cbor::simple(cbor::NULL)));
    for (what, hex) in [
        ("false with an end", "82 f4 01"),
        ("null with an end", "82 f6 01"),
        ("true without the end in its array", "81 f5"),
        ("an end and no value", "81 01"),
        ("an end and something more", "83 f5 01 01"),
        ("an empty array", "80"),
    ] {
        cases.invalid(what, CODE, &with_feature(unhex(hex)));
    }
    for (what, hex) in [
        ("an array in an array", "82 82 f5 01 01"),
        ("null for the end", "82 f5 f6"),
        ("a negative end", "82 f5 20"),
        ("a text for the end", "82 f5 61 61"),
        ("bytes with an end", "82 41 61 01"),
    ] {
        cases.invalid(what, "wrong_type", &with_feature(unhex(hex)));
    }
    cases.done()
}

fn quotas() -> LicenseGroup {
    let mut cases = Section::new("Range", "Periods and overages");
    let one = || cbor::uint(1);
    let period = |item: Item| with_quota(cbor::array(&[one(), item]));
    for number in [7, 8, 23, 24, 1000, u64::MAX] {
        cases.invalid(format!("period {number}"), CODE, &period(cbor::uint(number)));
    }
    for unit in [0, -1, -2, -3, -4, -7, -8, -24, -25, -65_537, -9_007_199_254_740_991] {
        let item = cbor::array(&[cbor::int(unit), one()]);
        cases.invalid(format!("period [{unit}, 1]"), CODE, &period(item));
    }
    let overage = |limit: u64, item: Item| with_quota(cbor::array(&[cbor::uint(limit), one(), item]));
    for number in [1, 3, 4, 23, 24, u64::MAX] {
        cases.invalid(format!("overage {number}"), CODE, &overage(1, cbor::uint(number)));
    }
    for kind in [0, 2, 3, u64::MAX] {
        let item = cbor::array(&[cbor::uint(kind), cbor::uint(10)]);
        cases.invalid(format!("overage [{kind}, 10]"), CODE, &overage(1, item));
    }
    for (limit, hard) in [(1, 0), (100, 99), (9_007_199_254_740_991, 9_007_199_254_740_990)] {
        let item = cbor::array(&[one(), cbor::uint(hard)]);
        cases.invalid(
            format!("a hard limit of {hard} below the limit of {limit}"),
            CODE,
            &overage(limit, item),
        );
    }
    cases.done()
}

fn rates() -> LicenseGroup {
    let mut cases = Section::new("Range", "Rates");
    for (what, hex) in [
        ("a count of 0", "82 00 01"),
        ("0 milliseconds", "82 01 00"),
        ("a burst of 0", "83 01 01 00"),
        ("0 of everything", "83 00 00 00"),
    ] {
        cases.invalid(what, CODE, &with_rate(unhex(hex)));
    }
    cases.done()
}

fn policies() -> LicenseGroup {
    let mut cases = Section::new("Range", "Actions of the policy");
    for (name, key) in [("stale_revocation", 0), ("clock_doubt", 1), ("store_unreachable", 2)] {
        let action = |hex: &str| with_policy(&[(cbor::uint(key), unhex(hex))]);
        for (what, hex) in [
            ("1, which needs its seconds", "01"),
            ("3", "03"),
            ("2^64 - 1", "1b ffffffffffffffff"),
            ("an empty array", "80"),
            ("[1]", "81 01"),
            ("[0, 1], deny with seconds", "82 00 01"),
            ("[2, 1], allow with seconds", "82 02 01"),
            ("[3, 1]", "82 03 01"),
            ("[1, 1, 1]", "83 01 01 01"),
        ] {
            cases.invalid(format!("{name}: {what}"), CODE, &action(hex));
        }
    }
    cases.done()
}
