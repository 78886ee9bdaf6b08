//! The order of map keys.

use licentia_vectors::LicenseGroup;

use crate::{
    cbor::{self, Item},
    licence::Licence,
    section::Section,
    token::{with_claim, with_field, with_grant, with_header, with_ignored, with_parameter, with_payload},
};

type Entries = Vec<(Item, Item)>;

/// A map: where it is, its entries in canonical order, and the token with other entries there.
struct Level {
    name: &'static str,
    entries: Entries,
    token: fn(&Entries) -> Vec<u8>,
}

fn texts(value: &Item) -> Entries {
    ["a", "b", "aa"].map(|key| (cbor::text(key), value.clone())).to_vec()
}

fn numbers() -> Entries {
    [1, 2, 3].map(|key| (cbor::int(key), cbor::uint(0))).to_vec()
}

fn levels() -> Vec<Level> {
    let base = Licence::base();
    let pair = cbor::array(&[cbor::uint(1), cbor::uint(1)]);
    let key = vec![
        (cbor::int(1), cbor::int(1)),
        (cbor::int(-1), cbor::int(6)),
        (cbor::int(-2), cbor::bytes(&[3; 32])),
    ];
    let level = |name, entries, token| Level { name, entries, token };
    vec![
        level("header", base.header().entries(), |e| with_header(&cbor::map_as_given(e))),
        level("claims", base.claims().entries(), |e| with_payload(&cbor::map_as_given(e))),
        level("grant", base.grant().entries(), |e| with_grant(cbor::map_as_given(e))),
        level("features", texts(&cbor::simple(cbor::TRUE)), |e| with_field(2, cbor::map_as_given(e))),
        level("quotas", texts(&pair), |e| with_field(3, cbor::map_as_given(e))),
        level("rates", texts(&pair), |e| with_field(4, cbor::map_as_given(e))),
        level("policy", numbers(), |e| with_field(7, cbor::map_as_given(e))),
        level("meta", texts(&cbor::text("v")), |e| with_field(11, cbor::map_as_given(e))),
        level("key in cnf", key, |e| with_claim(8, cbor::map(&[(cbor::int(1), cbor::map_as_given(e))]))),
        level("status", numbers(), |e| with_claim(65_535, cbor::map_as_given(e))),
        level("ignored in the header", numbers(), |e| with_parameter(100, cbor::map_as_given(e))),
        level("ignored in the claims", texts(&cbor::uint(0)), |e| with_ignored(cbor::map_as_given(e))),
        level("ignored in the grant", numbers(), |e| with_field(100, cbor::map_as_given(e))),
        level("ignored in an array", numbers(), |e| with_ignored(cbor::array(&[cbor::map_as_given(e)]))),
        level("ignored in a map", numbers(), |e| {
            with_ignored(cbor::map_as_given(&[(cbor::uint(0), cbor::map_as_given(e))]))
        }),
    ]
}

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![everywhere(), orders()]
}

fn everywhere() -> LicenseGroup {
    let mut cases = Section::new("UnsortedKeys", "Unsorted and double keys, in every map");
    for Level { name, entries, token } in levels() {
        let altered = |alter: fn(&mut Entries)| {
            let mut entries = entries.clone();
            alter(&mut entries);
            token(&entries)
        };
        cases.flag("UnsortedKeys");
        cases.invalid(format!("{name}: the first two swapped"), "unsorted_keys", &altered(|e| e.swap(0, 1)));
        cases.invalid(format!("{name}: the last first"), "unsorted_keys", &altered(|e| e.rotate_right(1)));
        cases.invalid(format!("{name}: in falling order"), "unsorted_keys", &altered(|e| e.reverse()));
        // The copy is out of order, and that is told first.
        let copy = altered(|e| e.push(e[0].clone()));
        cases.invalid(format!("{name}: the first again at the end"), "unsorted_keys", &copy);
        cases.flag("DuplicateKey");
        let twice = altered(|e| e.insert(0, e[0].clone()));
        cases.invalid(format!("{name}: the first twice"), "duplicate_key", &twice);
        let last = altered(|e| e.extend(e.last().cloned()));
        cases.invalid(format!("{name}: the last twice"), "duplicate_key", &last);
    }
    cases.done()
}

fn orders() -> LicenseGroup {
    let mut cases = Section::new("UnsortedKeys", "Other orders that look sorted");
    let swapped = |entries: &[(Item, Item)], one: &Item, other: &Item| {
        let at = |key: &Item| entries.iter().position(|entry| entry.0 == *key).expect("the key is there");
        let mut entries = entries.to_vec();
        entries.swap(at(one), at(other));
        cbor::map_as_given(&entries)
    };
    let (long, negative) = (cbor::uint(100), cbor::int(-1));
    let base = Licence::base();
    let both = |fields: crate::fields::Fields| {
        let fields = fields.set_raw(long.clone(), cbor::uint(0)).set_raw(negative.clone(), cbor::uint(0));
        swapped(&fields.entries(), &long, &negative)
    };
    let mut case = |what: &str, token: Vec<u8>| cases.invalid(what, "unsorted_keys", &token);
    case("header: the order of RFC 7049, short keys first", with_header(&both(base.header())));
    case("claims: the order of RFC 7049, short keys first", with_payload(&both(base.claims())));
    case(
        "ignored: the order of RFC 7049, short keys first",
        with_ignored(both(crate::fields::Fields::default())),
    );
    let alphabetical = |value: &Item| {
        cbor::map_as_given(&[(cbor::text("aa"), value.clone()), (cbor::text("b"), value.clone())])
    };
    let pair = cbor::array(&[cbor::uint(1), cbor::uint(1)]);
    case("features: alphabetical order", with_field(2, alphabetical(&cbor::simple(cbor::TRUE))));
    case("quotas: alphabetical order", with_field(3, alphabetical(&pair)));
    case("rates: alphabetical order", with_field(4, alphabetical(&pair)));
    case("meta: alphabetical order", with_field(11, alphabetical(&cbor::text("v"))));
    let zero = || cbor::uint(0);
    let text_first = cbor::map_as_given(&[(cbor::text("a"), zero()), (cbor::uint(1), zero())]);
    case("ignored: a text before an integer", with_ignored(text_first));
    let text_first = cbor::map_as_given(&[(cbor::text("a"), zero()), (cbor::bytes(b"a"), zero())]);
    case("ignored: a text before bytes", with_ignored(text_first));
    let negative_first = cbor::map_as_given(&[(cbor::int(-1), zero()), (cbor::uint(1), zero())]);
    case("ignored: -1 before 1", with_ignored(negative_first));
    let falling = cbor::map_as_given(&[(cbor::int(-2), zero()), (cbor::int(-1), zero())]);
    case("ignored: -2 before -1", with_ignored(falling));
    cases.done()
}
