//! Items that no licence holds, and keys that no map has.

use licentia_vectors::LicenseGroup;

use crate::{
    cbor::{self, Item},
    encoding::unhex,
    licence::Licence,
    section::Section,
    token::{
        with_claim, with_feature, with_field, with_grant, with_header, with_ignored, with_parameter,
        with_payload, with_policy,
    },
};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![items(), places(), keys()]
}

const CODE: &str = "forbidden_item";

/// Well-formed items that are forbidden.
pub(super) const FORBIDDEN: [(&str, &str); 24] = [
    ("a half float, 1.0", "f9 3c00"),
    ("a half float, 0.0", "f9 0000"),
    ("a half float, -0.0", "f9 8000"),
    ("a half float, NaN", "f9 7e00"),
    ("a half float, infinity", "f9 7c00"),
    ("a single float, 100000.0", "fa 47c35000"),
    ("a single float, NaN", "fa 7fc00000"),
    ("a single float, -infinity", "fa ff800000"),
    ("a double float, 1.1", "fb 3ff199999999999a"),
    ("a double float, NaN", "fb 7ff8000000000000"),
    ("a double float, NaN with a payload", "fb 7ff8000000000001"),
    ("a double float, infinity", "fb 7ff0000000000000"),
    ("undefined", "f7"),
    ("simple(0)", "e0"),
    ("simple(19)", "f3"),
    ("simple(32)", "f8 20"),
    ("simple(255)", "f8 ff"),
    ("tag 0, a date", "c0 6a 323032362d30312d3031"),
    ("tag 1, a time", "c1 00"),
    ("tag 2, a great number", "c2 49 010000000000000000"),
    ("tag 3, a small number", "c3 41 00"),
    ("tag 24, encoded CBOR", "d8 18 41 00"),
    ("tag 55799, CBOR itself", "d9 d9f7 00"),
    ("tag 2^64 - 1", "db ffffffffffffffff 00"),
];

fn items() -> LicenseGroup {
    let mut cases =
        Section::new("ForbiddenItem", "Items that no licence may hold, in a value that is ignored");
    for (what, hex) in FORBIDDEN {
        cases.invalid(what, CODE, &with_ignored(unhex(hex)));
    }
    // What is no CBOR at all.
    for (what, hex) in [
        ("a break without a beginning", "ff"),
        ("true in two bytes", "f8 15"),
        ("the reserved head 1c", "1c"),
        ("the reserved head 1d", "1d"),
        ("the reserved head 1e", "1e"),
        ("the reserved head 3c", "3c"),
        ("the reserved head 5c", "5c"),
        ("the reserved head 7d", "7d"),
        ("the reserved head 9e", "9e"),
        ("the reserved head bc", "bc"),
        ("the reserved head dc", "dc"),
        ("the reserved head fc", "fc"),
        ("the reserved head fd", "fd"),
        ("the reserved head fe", "fe"),
    ] {
        cases.invalid(what, CODE, &with_ignored(unhex(hex)));
    }
    cases.done()
}

fn places() -> LicenseGroup {
    let mut cases = Section::new("ForbiddenItem", "Items that no licence may hold, at every level");
    let zero = || cbor::uint(0);
    for (what, hex) in [
        ("a half float", "f9 3c00"),
        ("a double NaN", "fb 7ff8000000000000"),
        ("undefined", "f7"),
        ("simple(0)", "e0"),
        ("a tag", "c1 00"),
    ] {
        let item = unhex(hex);
        let mut case = |place: &str, token: Vec<u8>| cases.invalid(format!("{place}: {what}"), CODE, &token);
        case("ignored in the header", with_parameter(100, item.clone()));
        case("ignored in the grant", with_field(100, item.clone()));
        case("ignored in the policy", with_policy(&[(cbor::uint(100), item.clone())]));
        case("status", with_claim(65_535, cbor::map(&[(zero(), item.clone())])));
        case("in an array", with_ignored(cbor::array(std::slice::from_ref(&item))));
        case("in a map", with_ignored(cbor::map(&[(zero(), item.clone())])));
        case("as a key", with_ignored(cbor::map(&[(item.clone(), zero())])));
        case(
            "as a key of the header",
            with_header(&Licence::base().header().set_raw(item.clone(), zero()).encode()),
        );
        case(
            "as a key of the claims",
            with_payload(&Licence::base().claims().set_raw(item.clone(), zero()).encode()),
        );
        case(
            "as a key of the grant",
            with_grant(Licence::base().grant().set_raw(item.clone(), zero()).encode()),
        );
        case("as a key of a feature", with_field(2, cbor::map(&[(item.clone(), zero())])));
        case("as the end of a feature", with_feature(cbor::array(&[cbor::simple(cbor::TRUE), item])));
    }
    cases.done()
}

/// A map with this key, somewhere in a token.
type KeyPlace = (&'static str, fn(Item) -> Vec<u8>);

fn keys() -> LicenseGroup {
    let mut cases = Section::new("Type", "Map keys that are no integers, texts or byte strings");
    let places: [KeyPlace; 6] = [
        ("header", |key| with_header(&Licence::base().header().set_raw(key, cbor::uint(0)).encode())),
        ("claims", |key| with_payload(&Licence::base().claims().set_raw(key, cbor::uint(0)).encode())),
        ("grant", |key| with_grant(Licence::base().grant().set_raw(key, cbor::uint(0)).encode())),
        ("policy", |key| with_policy(&[(cbor::uint(0), cbor::uint(0)), (key, cbor::uint(0))])),
        ("status", |key| with_claim(65_535, cbor::map(&[(key, cbor::uint(0))]))),
        ("ignored", |key| with_ignored(cbor::map(&[(key, cbor::uint(0))]))),
    ];
    for (place, token) in places {
        for (what, hex) in
            [("an array", "80"), ("a map", "a0"), ("false", "f4"), ("true", "f5"), ("null", "f6")]
        {
            cases.invalid(format!("{place}: {what} as a key"), "wrong_type", &token(unhex(hex)));
        }
    }
    for (what, key) in [("an integer", cbor::uint(1)), ("bytes", cbor::bytes(b"a"))] {
        let named = |value: Item| cbor::map(&[(key.clone(), value)]);
        let pair = cbor::array(&[cbor::uint(1), cbor::uint(1)]);
        let mut case = |place: &str, token: Vec<u8>| {
            cases.invalid(format!("{place}: {what} as a name"), "wrong_type", &token);
        };
        case("features", with_field(2, named(cbor::simple(cbor::TRUE))));
        case("quotas", with_field(3, named(pair.clone())));
        case("rates", with_field(4, named(pair)));
        case("meta", with_field(11, named(cbor::text("v"))));
    }
    cases.done()
}
