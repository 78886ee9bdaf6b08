//! Claims outside their ranges.

use licentia_vectors::LicenseGroup;

use super::grant::NAME_CHARACTERS;
use crate::{
    cbor::{self, Item},
    licence::PERPETUAL,
    section::Section,
    token::{with_claim, with_feature, with_field, with_quota, with_rate},
};

const CODE: &str = "invalid_value";

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![texts(), names(), times(), claims()]
}

/// A place that takes a text.
type TextPlace = (&'static str, fn(&str) -> Vec<u8>);

fn texts() -> LicenseGroup {
    let mut cases = Section::new("Range", "Texts that are empty or longer than 256 bytes");
    let places: [TextPlace; 7] = [
        ("iss", |text| with_claim(1, cbor::text(text))),
        ("sub", |text| with_claim(2, cbor::text(text))),
        ("aud", |text| with_claim(3, cbor::text(text))),
        ("aud, an element", |text| with_claim(3, cbor::array(&[cbor::text("a"), cbor::text(text)]))),
        ("text of a feature", |text| with_feature(cbor::text(text))),
        ("key of meta", |text| with_field(11, cbor::map(&[(cbor::text(text), cbor::text("v"))]))),
        ("value of meta", |text| with_field(11, cbor::map(&[(cbor::text("k"), cbor::text(text))]))),
    ];
    for (place, token) in places {
        cases.invalid(format!("{place}: empty"), CODE, &token(""));
        cases.invalid(format!("{place}: 257 bytes"), CODE, &token(&"a".repeat(257)));
        let characters = "\u{e9}".repeat(128) + "a";
        cases.invalid(format!("{place}: 129 characters of 257 bytes"), CODE, &token(&characters));
        cases.invalid(format!("{place}: 1000 bytes"), CODE, &token(&"a".repeat(1000)));
    }
    cases.done()
}

/// The map of one entry with this name.
fn named(name: &str, value: Item) -> Item {
    cbor::map(&[(cbor::text(name), value)])
}

fn names() -> LicenseGroup {
    let mut cases = Section::new("Range", "Names outside the grammar");
    let pair = || cbor::array(&[cbor::uint(1), cbor::uint(1)]);
    let tier = |name: &str| with_field(1, cbor::array(&[cbor::text(name), cbor::uint(1)]));
    let places: [TextPlace; 3] = [
        ("feature", |name| with_field(2, named(name, cbor::simple(cbor::TRUE)))),
        ("meter", |name| with_field(3, named(name, cbor::array(&[cbor::uint(1), cbor::uint(1)])))),
        ("rate", |name| with_field(4, named(name, cbor::array(&[cbor::uint(1), cbor::uint(1)])))),
    ];
    let long = "a".repeat(65);
    for (what, name) in [
        ("empty", ""),
        ("65 characters", long.as_str()),
        ("a capital", "A"),
        ("a capital among small letters", "eXport"),
        ("a space", "a b"),
        ("a space after it", "a "),
        ("a slash", "a/b"),
        ("a letter with an accent", "\u{e9}"),
        ("a Cyrillic letter that looks like a Latin one", "\u{435}xport"),
        ("a line break", "a\n"),
        ("U+0000", "a\0"),
        ("a zero width space", "a\u{200b}"),
        ("a digit of another script", "\u{663}"),
    ] {
        for (place, token) in places {
            cases.invalid(format!("{place}: {what}"), CODE, &token(name));
        }
        cases.invalid(format!("tier: {what}"), CODE, &tier(name));
    }
    // Every other character of ASCII.
    let others = (' '..='~').filter(|c| !NAME_CHARACTERS.contains(*c) && !c.is_ascii_uppercase());
    for c in others {
        cases.invalid(format!("tier: the character {c}"), CODE, &tier(&c.to_string()));
    }
    cases.invalid("feature: the second of two names is bad", CODE, &{
        let on = || cbor::simple(cbor::TRUE);
        with_field(2, cbor::map(&[(cbor::text("a"), on()), (cbor::text("B!"), on())]))
    });
    cases.invalid("meter: the second of two names is bad", CODE, &{
        with_field(3, cbor::map(&[(cbor::text("a"), pair()), (cbor::text("B!"), pair())]))
    });
    cases.done()
}

fn times() -> LicenseGroup {
    let mut cases = Section::new("Range", "Times after the year 9999");
    let feature = |time| with_feature(cbor::array(&[cbor::simple(cbor::TRUE), time]));
    let anchor =
        |unit: i64, time| with_quota(cbor::array(&[cbor::uint(1), cbor::array(&[cbor::int(unit), time])]));
    for time in [PERPETUAL + 1, (1 << 53) - 1, 1 << 53, u64::MAX] {
        let at = || cbor::uint(time);
        let mut case = |what: &str, token: Vec<u8>| cases.invalid(format!("{what}: {time}"), CODE, &token);
        case("exp", with_claim(4, at()));
        case("nbf", with_claim(5, at()));
        case("iat", with_claim(6, at()));
        case("end of a feature", feature(at()));
        case("anchor of a period in seconds", anchor(1, at()));
        case("anchor of months", anchor(-5, at()));
        case("anchor of years", anchor(-6, at()));
        case("term_end", with_field(5, at()));
        case("maintained_until", with_field(9, at()));
    }
    cases.done()
}

fn claims() -> LicenseGroup {
    let mut cases = Section::new("Range", "Sizes of claims");
    for length in [0, 1, 15, 17, 32] {
        let bytes = || cbor::bytes(&vec![0; length]);
        cases.invalid(format!("cti: {length} bytes"), CODE, &with_claim(7, bytes()));
        cases.invalid(format!("lineage: {length} bytes"), CODE, &with_field(12, bytes()));
    }
    for count in [0, 17, 64] {
        let names = vec![cbor::text("a"); count];
        cases.invalid(format!("aud: {count} audiences"), CODE, &with_claim(3, cbor::array(&names)));
    }
    // Lengths of arrays that have a fixed form.
    let array = |length: usize| cbor::array(&vec![cbor::uint(1); length]);
    for length in [0, 1, 4, 5] {
        cases.invalid(format!("quota: {length} elements"), CODE, &with_quota(array(length)));
        cases.invalid(format!("rate: {length} elements"), CODE, &with_rate(array(length)));
    }
    for length in [0, 1, 3, 4] {
        cases.invalid(format!("feature: {length} elements"), CODE, &with_feature(array(length)));
        cases.invalid(format!("tier: {length} elements"), CODE, &with_field(1, array(length)));
        let period = cbor::array(&[cbor::uint(1), array(length)]);
        cases.invalid(format!("period: {length} elements"), CODE, &with_quota(period));
        let overage = cbor::array(&[cbor::uint(1), cbor::uint(1), array(length)]);
        cases.invalid(format!("overage: {length} elements"), CODE, &with_quota(overage));
    }
    cases.done()
}
