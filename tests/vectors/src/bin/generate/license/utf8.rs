//! Texts that are no UTF-8.

use licentia_vectors::LicenseGroup;

use crate::{
    cbor::{self, Item},
    encoding::unhex,
    licence::Licence,
    section::Section,
    token::{
        with_claim, with_feature, with_field, with_header, with_ignored, with_parameter, with_payload,
        with_policy,
    },
};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    let mut cases = Section::new("Utf8", "Texts that are no UTF-8");
    let code = "invalid_utf8";
    for (what, hex) in [
        ("a continuation without a beginning", "80"),
        ("a beginning without a continuation", "c3"),
        ("a beginning before a letter", "c3 28"),
        ("U+002F in two bytes", "c0 af"),
        ("U+0000 in two bytes", "c0 80"),
        ("U+20AC in four bytes", "f0 82 82 ac"),
        ("three bytes of four", "f0 9f 94"),
        ("the surrogate U+D800", "ed a0 80"),
        ("a pair of surrogates", "ed a0 bd ed b4 91"),
        ("U+110000", "f4 90 80 80"),
        ("five bytes", "f8 88 80 80 80"),
        ("the byte fe", "fe"),
        ("the byte ff after letters", "61 62 ff"),
        ("Latin-1", "63 61 66 e9"),
        ("UTF-16 with its mark", "ff fe 61 00"),
    ] {
        cases.invalid(format!("iss: {what}"), code, &with_claim(1, cbor::raw_text(&unhex(hex))));
    }
    let bad = || cbor::raw_text(&[0x61, 0xff]);
    let named = |value: Item| cbor::map(&[(bad(), value)]);
    let pair = || cbor::array(&[cbor::uint(1), cbor::uint(1)]);
    let base = Licence::base();
    let mut case = |place: &str, token: Vec<u8>| cases.invalid(place, code, &token);
    case("header: typ", with_parameter(16, bad()));
    case("header: a label in crit", with_parameter(2, cbor::array(&[bad()])));
    case("header: a value that is ignored", with_parameter(100, bad()));
    case("header: a key that is ignored", with_header(&base.header().set_raw(bad(), cbor::uint(0)).encode()));
    case("sub", with_claim(2, bad()));
    case("aud", with_claim(3, bad()));
    case("aud: in an array", with_claim(3, cbor::array(&[cbor::text("a"), bad()])));
    case("claims: a value that is ignored", with_ignored(bad()));
    case(
        "claims: a key that is ignored",
        with_payload(&base.claims().set_raw(bad(), cbor::uint(0)).encode()),
    );
    case("claims: a key in a value that is ignored", with_ignored(named(cbor::uint(0))));
    case("claims: in an array that is ignored", with_ignored(cbor::array(&[bad()])));
    case("status", with_claim(65_535, cbor::map(&[(cbor::uint(0), bad())])));
    case("tier", with_field(1, cbor::array(&[bad(), cbor::uint(1)])));
    case("name of a feature", with_field(2, named(cbor::simple(cbor::TRUE))));
    case("text of a feature", with_feature(bad()));
    case("meter of a quota", with_field(3, named(pair())));
    case("name of a rate", with_field(4, named(pair())));
    case("key of meta", with_field(11, named(cbor::text("v"))));
    case("value of meta", with_field(11, cbor::map(&[(cbor::text("k"), bad())])));
    case("grant: a value that is ignored", with_field(100, bad()));
    case("policy: a value that is ignored", with_policy(&[(cbor::uint(100), bad())]));
    vec![cases.done()]
}
