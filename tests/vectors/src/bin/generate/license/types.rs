//! Every known field with every wrong type.

use licentia_vectors::LicenseGroup;

use crate::{
    cbor::{self, Item},
    encoding::unhex,
    section::Section,
    token::{
        GRANT, with_claim, with_feature, with_field, with_parameter, with_policy, with_quota, with_rate,
    },
};

/// The types of CBOR, as far as fields tell them apart. `False`, `True` and `Null` are values of one type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Unsigned,
    Negative,
    Bytes,
    Text,
    Array,
    Map,
    Simple,
    /// What is forbidden everywhere.
    Forbidden,
}
use Type::{Array, Bytes, Forbidden, Map, Negative, Simple, Text, Unsigned};

/// A value of each type.
const SAMPLES: [(&str, &str, Type); 15] = [
    ("an integer", "01", Unsigned),
    ("a negative integer", "20", Negative),
    ("bytes", "41 61", Bytes),
    ("a text", "61 61", Text),
    ("an array", "81 01", Array),
    ("a map", "a1 01 01", Map),
    ("false", "f4", Simple),
    ("true", "f5", Simple),
    ("null", "f6", Simple),
    ("undefined", "f7", Forbidden),
    ("a half float", "f9 3c00", Forbidden),
    ("a single float", "fa 3f800000", Forbidden),
    ("a double float", "fb 3ff0000000000000", Forbidden),
    ("a double NaN", "fb 7ff8000000000000", Forbidden),
    ("a tagged integer", "c1 01", Forbidden),
];

/// A field: its name, the types that it may have (of which this file says nothing), and the token.
type Field = (&'static str, &'static [Type], fn(Item) -> Vec<u8>);

const HEADER: &[Field] = &[
    ("alg", &[Unsigned, Negative], |item| with_parameter(1, item)),
    ("crit", &[Array], |item| with_parameter(2, item)),
    ("kid", &[Bytes], |item| with_parameter(4, item)),
    ("typ", &[Text], |item| with_parameter(16, item)),
];

const CLAIMS: &[Field] = &[
    ("iss", &[Text], |item| with_claim(1, item)),
    ("sub", &[Text], |item| with_claim(2, item)),
    ("aud", &[Text, Array], |item| with_claim(3, item)),
    ("aud: an element", &[Text], |item| with_claim(3, cbor::array(&[item]))),
    ("exp", &[Unsigned], |item| with_claim(4, item)),
    ("nbf", &[Unsigned], |item| with_claim(5, item)),
    ("iat", &[Unsigned], |item| with_claim(6, item)),
    ("cti", &[Bytes], |item| with_claim(7, item)),
    ("cnf", &[Map], |item| with_claim(8, item)),
    ("cnf: a key", &[Map], |item| with_claim(8, cbor::map(&[(cbor::uint(1), item)]))),
    ("cnf: a thumbprint", &[Bytes], |item| with_claim(8, cbor::map(&[(cbor::uint(5), item)]))),
    ("cnf: kty", &[Unsigned, Negative], |item| with_holder_key(1, item)),
    ("cnf: kid", &[Bytes], |item| with_holder_key(2, item)),
    ("cnf: alg", &[Unsigned, Negative], |item| with_holder_key(3, item)),
    ("cnf: crv", &[Unsigned, Negative], |item| with_holder_key(-1, item)),
    ("cnf: x", &[Bytes], |item| with_holder_key(-2, item)),
    ("status", &[Map], |item| with_claim(65_535, item)),
    ("grant", &[Map], |item| with_claim(GRANT, item)),
];

const FIELDS: &[Field] = &[
    ("schema", &[Unsigned], |item| with_field(0, item)),
    ("tier", &[Array], |item| with_field(1, item)),
    ("tier: name", &[Text], |item| with_field(1, cbor::array(&[item, cbor::uint(1)]))),
    ("tier: version", &[Unsigned], |item| with_field(1, cbor::array(&[cbor::text("a"), item]))),
    ("features", &[Map], |item| with_field(2, item)),
    ("feature", &[Unsigned, Negative, Text, Array, Simple], with_feature),
    ("feature: value", &[Unsigned, Negative, Text, Simple], |item| {
        with_feature(cbor::array(&[item, cbor::uint(1)]))
    }),
    ("feature: end", &[Unsigned], |item| with_feature(cbor::array(&[cbor::simple(cbor::TRUE), item]))),
    ("quotas", &[Map], |item| with_field(3, item)),
    ("quota", &[Array], with_quota),
    ("quota: limit", &[Unsigned], |item| with_quota(cbor::array(&[item, cbor::uint(1)]))),
    ("quota: period", &[Unsigned, Array], |item| with_quota(cbor::array(&[cbor::uint(1), item]))),
    ("quota: unit of a period", &[Unsigned, Negative], |item| {
        with_quota(cbor::array(&[cbor::uint(1), cbor::array(&[item, cbor::uint(1)])]))
    }),
    ("quota: anchor of a period", &[Unsigned], |item| {
        with_quota(cbor::array(&[cbor::uint(1), cbor::array(&[cbor::uint(1), item])]))
    }),
    ("quota: overage", &[Unsigned, Array], |item| {
        with_quota(cbor::array(&[cbor::uint(1), cbor::uint(1), item]))
    }),
    ("quota: kind of overage", &[Unsigned], |item| with_overage(&[item, cbor::uint(1)])),
    ("quota: hard limit", &[Unsigned], |item| with_overage(&[cbor::uint(1), item])),
    ("rates", &[Map], |item| with_field(4, item)),
    ("rate", &[Array], with_rate),
    ("rate: count", &[Unsigned], |item| with_rate(cbor::array(&[item, cbor::uint(1)]))),
    ("rate: milliseconds", &[Unsigned], |item| with_rate(cbor::array(&[cbor::uint(1), item]))),
    ("rate: burst", &[Unsigned], |item| with_rate(cbor::array(&[cbor::uint(1), cbor::uint(1), item]))),
    ("term_end", &[Unsigned], |item| with_field(5, item)),
    ("seats", &[Unsigned], |item| with_field(6, item)),
    ("policy", &[Map], |item| with_field(7, item)),
    ("policy: stale_revocation", &[Unsigned, Array], |item| with_policy(&[(cbor::uint(0), item)])),
    ("policy: clock_doubt", &[Unsigned, Array], |item| with_policy(&[(cbor::uint(1), item)])),
    ("policy: store_unreachable", &[Unsigned, Array], |item| with_policy(&[(cbor::uint(2), item)])),
    ("policy: kind of an action", &[Unsigned], |item| {
        with_policy(&[(cbor::uint(0), cbor::array(&[item, cbor::uint(1)]))])
    }),
    ("policy: seconds of an action", &[Unsigned], |item| {
        with_policy(&[(cbor::uint(0), cbor::array(&[cbor::uint(1), item]))])
    }),
    ("policy: max_revocation_age", &[Unsigned], |item| with_policy(&[(cbor::uint(3), item)])),
    ("node_locks", &[Array], |item| with_field(8, item)),
    ("node_locks: a lock", &[Bytes], |item| with_field(8, cbor::array(&[item]))),
    ("maintained_until", &[Unsigned], |item| with_field(9, item)),
    ("kind", &[Unsigned], |item| with_field(10, item)),
    ("meta", &[Map], |item| with_field(11, item)),
    ("meta: a value", &[Text], |item| with_field(11, cbor::map(&[(cbor::text("k"), item)]))),
    ("lineage", &[Bytes], |item| with_field(12, item)),
    ("index", &[Unsigned], |item| with_field(13, item)),
];

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![
        group("The header: wrong types", HEADER),
        group("The claims: wrong types", CLAIMS),
        group("The grant: wrong types", FIELDS),
    ]
}

fn group(comment: &str, fields: &[Field]) -> LicenseGroup {
    let mut cases = Section::new("Type", comment);
    for (field, types, token) in fields {
        for (what, hex, kind) in SAMPLES.into_iter().filter(|sample| !types.contains(&sample.2)) {
            let code = if kind == Forbidden { "forbidden_item" } else { "wrong_type" };
            cases.invalid(format!("{field}: {what}"), code, &token(unhex(hex)));
        }
    }
    cases.done()
}

/// A licence bound to a key of which one parameter is set.
fn with_holder_key(label: i64, value: Item) -> Vec<u8> {
    let key = super::confirmation::holder_key().set(label, value);
    with_claim(8, cbor::map(&[(cbor::uint(1), key.encode())]))
}

fn with_overage(items: &[Item]) -> Vec<u8> {
    with_quota(cbor::array(&[cbor::uint(1), cbor::uint(1), cbor::array(items)]))
}
