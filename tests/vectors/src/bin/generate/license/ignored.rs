//! Good licences with things that are to be read over.

use licentia_vectors::LicenseGroup;

use crate::{
    cbor::{self, Item},
    encoding::unhex,
    licence::{Licence, Policy},
    section::Section,
};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![values(), keys()]
}

/// A level at which unknown keys are ignored, and a licence with such an entry there.
type Level = (&'static str, fn(Item, Item) -> Licence);

const LEVELS: [Level; 4] =
    [("header", in_header), ("claims", in_claims), ("grant", in_grant), ("policy", in_policy)];

fn in_header(key: Item, value: Item) -> Licence {
    Licence::with(|l| l.more[0] = vec![(key, value)])
}

fn in_claims(key: Item, value: Item) -> Licence {
    Licence::with(|l| l.more[1] = vec![(key, value)])
}

fn in_grant(key: Item, value: Item) -> Licence {
    Licence::with(|l| l.more[2] = vec![(key, value)])
}

fn in_policy(key: Item, value: Item) -> Licence {
    Licence::with(|l| l.policy = Some(Policy { more: vec![(key, value)], ..Policy::default() }))
}

fn values() -> LicenseGroup {
    let mut cases = Section::new("Ignored", "Good licences: values that are read over, of every kind");
    let mixed_keys = cbor::map(&[
        (cbor::uint(1), cbor::uint(0)),
        (cbor::uint(24), cbor::uint(0)),
        (cbor::int(-1), cbor::uint(0)),
        (cbor::bytes(b"k"), cbor::uint(0)),
        (cbor::text("k"), cbor::uint(0)),
    ]);
    let values: [(&str, Item); 19] = [
        ("2^53, which no known field may hold", cbor::uint(1 << 53)),
        ("2^64 - 1", cbor::uint(u64::MAX)),
        ("-2^64", unhex("3b ffffffffffffffff")),
        ("no bytes", cbor::bytes(&[])),
        ("300 bytes", cbor::bytes(&[0xff; 300])),
        ("an empty text", cbor::text("")),
        ("a text of 300 bytes", cbor::text(&"a".repeat(300))),
        ("an empty array", cbor::array(&[])),
        ("an array of 100", cbor::array(&vec![cbor::uint(0); 100])),
        ("an empty map", cbor::map(&[])),
        ("a map with keys of every kind", mixed_keys),
        ("false", cbor::simple(cbor::FALSE)),
        ("true", cbor::simple(cbor::TRUE)),
        ("null", cbor::simple(cbor::NULL)),
        ("8 arrays, one in the other", cbor::nested_arrays(8)),
        ("8 maps, one in the other", cbor::nested_maps(8)),
        ("7 arrays around an empty one", [vec![0x81; 7], vec![0x80]].concat()),
        ("7 maps around an empty one", [[0xa1, 0].repeat(7), vec![0xa0]].concat()),
        ("arrays and maps beside each other", unhex("83 81 81 00 a1 00 82 00 00 80")),
    ];
    for (level, licence) in LEVELS {
        for (what, value) in &values {
            cases.valid(format!("{level}: {what}"), &licence(cbor::uint(100), value.clone()));
        }
    }
    cases.done()
}

fn keys() -> LicenseGroup {
    let mut cases = Section::new("Ignored", "Good licences: keys that are read over");
    let mut key = |levels: &[Level], what: &str, key: Item| {
        for (level, licence) in levels {
            cases.valid(format!("{level}: the key {what}"), &licence(key.clone(), cbor::uint(0)));
        }
    };
    key(&LEVELS, "23", cbor::uint(23));
    key(&LEVELS, "2^64 - 1", cbor::uint(u64::MAX));
    key(&LEVELS, "\"\"", cbor::text(""));
    key(&LEVELS, "\"1\"", cbor::text("1"));
    key(&LEVELS, "of text with 300 bytes", cbor::text(&"k".repeat(300)));
    key(&LEVELS, "h''", cbor::bytes(&[]));
    key(&LEVELS, "h'01'", cbor::bytes(&[1]));
    // Negative keys are critical in a grant and its policy, and nowhere else.
    let open = &LEVELS[..2];
    key(open, "-1", cbor::int(-1));
    key(open, "-65536", cbor::int(-65_536));
    key(open, "-65538", cbor::int(-65_538));
    key(open, "-2^64", unhex("3b ffffffffffffffff"));
    key(&LEVELS[..1], "3, content type", cbor::uint(3));
    key(&LEVELS[..1], "5, IV", cbor::uint(5));
    key(&LEVELS[..1], "33, a certificate chain", cbor::uint(33));
    key(&LEVELS[..1], "-65537", cbor::int(-65_537));
    key(&LEVELS[1..2], "9", cbor::uint(9));
    key(&LEVELS[1..2], "65534", cbor::uint(65_534));
    key(&LEVELS[1..2], "65536", cbor::uint(65_536));
    key(&LEVELS[2..3], "14", cbor::uint(14));
    key(&LEVELS[3..], "4", cbor::uint(4));

    let many = (4..68).map(|key| (cbor::uint(key), cbor::uint(0))).collect();
    let policy = Policy { more: many, ..Policy::default() };
    cases.valid("policy: 64 keys", &Licence::with(|l| l.policy = Some(policy)));
    cases.done()
}
