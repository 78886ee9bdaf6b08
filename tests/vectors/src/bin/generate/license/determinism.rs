//! The one encoding of numbers and lengths.

use licentia_vectors::LicenseGroup;

use crate::{
    cbor::{self, BREAK, Item, Major},
    encoding::unhex,
    fields::Fields,
    licence::Licence,
    section::Section,
    token::{
        Frame, GRANT, TYP, wide_bytes, with_claim, with_feature, with_field, with_grant, with_header,
        with_ignored, with_parameter, with_payload, with_policy, with_quota, with_rate,
    },
};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![integers(), lengths(), places(), frame(), indefinite()]
}

const CODE: &str = "not_deterministic";

/// The widths that are longer than `argument` needs.
fn too_wide(argument: u64) -> impl Iterator<Item = usize> {
    let shortest = cbor::head(Major::Unsigned, argument).len() - 1;
    [1, 2, 4, 8].into_iter().filter(move |width| *width > shortest)
}

fn integers() -> LicenseGroup {
    let mut cases = Section::new("Shortest", "Integers of every width, in a value that is ignored");
    for argument in [0, 23, 24, 255, 256, 65_535, 65_536, 4_294_967_295] {
        for width in too_wide(argument) {
            for (sign, major) in [("", Major::Unsigned), ("-1 - ", Major::Negative)] {
                let token = with_ignored(cbor::wide_head(major, argument, width));
                cases.invalid(format!("{sign}{argument} in {width} bytes"), CODE, &token);
            }
        }
    }
    cases.done()
}

fn lengths() -> LicenseGroup {
    let mut cases = Section::new("Shortest", "Lengths of every width, in a value that is ignored");
    let kinds = [
        ("byte string", Major::Bytes, 1),
        ("text", Major::Text, 1),
        ("array", Major::Array, 1),
        ("map", Major::Map, 2),
    ];
    for (what, major, size) in kinds {
        for length in [0, 1, 23, 24, 255, 256] {
            // Maps of more than a few entries would need keys in order.
            if size == 2 && length > 1 {
                continue;
            }
            for width in too_wide(length) {
                let count = usize::try_from(length).expect("a small number") * size;
                let item = [cbor::wide_head(major, length, width), vec![0; count]].concat();
                let comment = format!("{what}: length {length} in {width} bytes");
                cases.invalid(comment, CODE, &with_ignored(item));
            }
        }
    }
    cases.done()
}

/// Entries of which one has a key that is not in its shortest form.
fn with_wide_key(fields: &Fields, key: i64, wide: &Item) -> Item {
    let plain = cbor::int(key);
    let entries: Vec<_> = fields
        .entries()
        .into_iter()
        .map(|(key, value)| (if key == plain { wide.clone() } else { key }, value))
        .collect();
    cbor::map_as_given(&entries)
}

fn places() -> LicenseGroup {
    let mut cases = Section::new("Shortest", "Heads that are too wide, at every level");
    let one = || unhex("18 01");
    let base = Licence::base();
    let mut case = |what: &str, token: Vec<u8>| cases.invalid(what, CODE, &token);

    case("header: map", with_header(&[unhex("b8 03"), base.header().encode()[1..].to_vec()].concat()));
    case("header: key", with_header(&with_wide_key(&base.header(), 1, &one())));
    case("header: alg", with_parameter(1, unhex("39 0012")));
    case("header: kid", with_parameter(4, wide_bytes(b"main", 1)));
    let typ = [cbor::wide_head(Major::Text, 36, 2), TYP.as_bytes().to_vec()].concat();
    case("header: typ", with_parameter(16, typ));
    case("header: crit", with_parameter(2, unhex("98 01 01")));
    case("header: label in crit", with_parameter(2, unhex("81 18 01")));
    case("header: a parameter that is ignored", with_parameter(100, one()));

    let claims = base.claims();
    case("claims: map", with_payload(&[unhex("b8 06"), claims.encode()[1..].to_vec()].concat()));
    case("claims: key", with_payload(&with_wide_key(&claims, 1, &one())));
    case(
        "claims: key of the grant",
        with_payload(&with_wide_key(&claims, GRANT, &unhex("3b 0000000000010000"))),
    );
    case("claims: iss", with_claim(1, unhex("78 01 61")));
    case("claims: aud, a text", with_claim(3, unhex("78 01 61")));
    case("claims: aud, an array", with_claim(3, unhex("98 01 61 61")));
    case("claims: exp", with_claim(4, unhex("1b 0000000077359400")));
    case("claims: nbf", with_claim(5, one()));
    case("claims: iat", with_claim(6, unhex("1b 000000006553f100")));
    case("claims: cti", with_claim(7, wide_bytes(&base.id, 1)));
    case("claims: cnf", with_claim(8, [unhex("b8 01 05 58 20"), vec![0; 32]].concat()));
    case("claims: key of cnf", with_claim(8, [unhex("a1 18 05 58 20"), vec![0; 32]].concat()));
    case("claims: thumbprint in cnf", with_claim(8, [unhex("a1 05 59 0020"), vec![0; 32]].concat()));
    case("claims: status", with_claim(65_535, unhex("b8 00")));
    case("claims: key in status", with_claim(65_535, unhex("a1 18 01 00")));

    let grant = base.grant();
    case("grant: map", with_grant([unhex("b8 02"), grant.encode()[1..].to_vec()].concat()));
    case("grant: key", with_grant(with_wide_key(&grant, 1, &one())));
    case("grant: schema", with_field(0, one()));
    case("grant: tier", with_field(1, unhex("98 02 61 61 01")));
    case("grant: name of the tier", with_field(1, unhex("82 78 01 61 01")));
    case("grant: version of the tier", with_field(1, unhex("82 61 61 18 01")));
    case("grant: features", with_field(2, unhex("b8 01 61 66 f5")));
    case("grant: name of a feature", with_field(2, unhex("a1 78 01 66 f5")));
    case("grant: value of a feature", with_feature(one()));
    case("grant: negative value of a feature", with_feature(unhex("38 01")));
    case("grant: text of a feature", with_feature(unhex("78 01 61")));
    case("grant: feature with an end", with_feature(unhex("98 02 f5 01")));
    case("grant: end of a feature", with_feature(unhex("82 f5 18 01")));
    case("grant: quotas", with_field(3, unhex("b8 01 61 71 82 01 01")));
    case("grant: quota", with_quota(unhex("98 02 01 01")));
    case("grant: limit", with_quota(unhex("82 18 01 01")));
    case("grant: period", with_quota(unhex("82 01 18 01")));
    case("grant: seconds of a period", with_quota(unhex("82 01 82 18 01 01")));
    case("grant: unit of a period", with_quota(unhex("82 01 82 38 04 01")));
    case("grant: anchor of a period", with_quota(unhex("82 01 82 01 18 01")));
    case("grant: overage", with_quota(unhex("83 01 01 18 00")));
    case("grant: hard limit", with_quota(unhex("83 01 01 82 01 18 01")));
    case("grant: rates", with_field(4, unhex("b8 01 61 72 82 01 01")));
    case("grant: rate", with_rate(unhex("98 02 01 01")));
    case("grant: count", with_rate(unhex("82 18 01 01")));
    case("grant: milliseconds", with_rate(unhex("82 01 18 01")));
    case("grant: burst", with_rate(unhex("83 01 01 18 01")));
    case("grant: term_end", with_field(5, one()));
    case("grant: seats", with_field(6, one()));
    case("grant: policy", with_field(7, unhex("b8 01 00 00")));
    case("grant: key of the policy", with_field(7, unhex("a1 18 00 00")));
    case("grant: action", with_policy(&[(cbor::uint(0), unhex("18 00"))]));
    case("grant: seconds of an action", with_policy(&[(cbor::uint(0), unhex("82 01 18 01"))]));
    case("grant: max_revocation_age", with_policy(&[(cbor::uint(3), one())]));
    case("grant: node_locks", with_field(8, [unhex("98 01 58 20"), vec![0; 32]].concat()));
    case("grant: node lock", with_field(8, [unhex("81 59 0020"), vec![0; 32]].concat()));
    case("grant: maintained_until", with_field(9, one()));
    case("grant: kind", with_field(10, one()));
    case("grant: meta", with_field(11, unhex("b8 01 61 61 61 61")));
    case("grant: key of meta", with_field(11, unhex("a1 78 01 61 61 61")));
    case("grant: value of meta", with_field(11, unhex("a1 61 61 78 01 61")));
    case("grant: lineage", with_field(12, wide_bytes(&[0; 16], 1)));
    case("grant: index", with_field(13, one()));
    case("grant: a field that is ignored", with_field(100, one()));
    case(
        "grant: a key that is ignored",
        with_grant(with_wide_key(&grant.set(100, one()), 100, &unhex("19 0064"))),
    );
    cases.done()
}

fn frame() -> LicenseGroup {
    let mut cases = Section::new("Shortest", "Heads of the frame that are too wide");
    let base = Frame::base();
    let content = [&base.protected[2..], &base.payload[2..], &base.signature[2..]].map(<[u8]>::to_vec);
    let elements = base.elements().concat();
    for width in [1, 2, 4, 8] {
        let token = [cbor::wide_head(Major::Tag, 18, width), cbor::array(&base.elements())].concat();
        cases.invalid(format!("tag in {width} bytes"), CODE, &token);
        let array = [cbor::wide_head(Major::Array, 4, width), elements.clone()].concat();
        cases.invalid(format!("array in {width} bytes"), CODE, &cbor::tag(18, &array));
        let unprotected = cbor::wide_head(Major::Map, 0, width);
        let token = Frame { unprotected, ..base.clone() }.encode();
        cases.invalid(format!("unprotected header in {width} bytes"), CODE, &token);
    }
    for width in [2, 4, 8] {
        let wide = |at: usize| wide_bytes(&content[at], width);
        let protected = Frame { protected: wide(0), ..base.clone() };
        cases.invalid(format!("protected header in {width} bytes"), CODE, &protected.encode());
        let payload = Frame { payload: wide(1), ..base.clone() };
        cases.invalid(format!("payload in {width} bytes"), CODE, &payload.encode());
        let signature = Frame { signature: wide(2), ..base.clone() };
        cases.invalid(format!("signature in {width} bytes"), CODE, &signature.encode());
    }
    cases.done()
}

/// An item of indefinite length with this content.
fn endless(major: Major, content: &[u8]) -> Item {
    [&cbor::indefinite(major), content, &[BREAK]].concat()
}

fn indefinite() -> LicenseGroup {
    let mut cases = Section::new("Indefinite", "Indefinite lengths, at every level");
    let (licence, base) = (Licence::base(), Frame::base());
    let bytes = |content: &[u8]| endless(Major::Bytes, &cbor::bytes(content));
    let text = |content: &str| endless(Major::Text, &cbor::text(content));
    let map = |fields: &Fields| endless(Major::Map, &fields.encode()[1..]);
    let mut case = |what: &str, token: Vec<u8>| cases.invalid(what, CODE, &token);

    case("frame: array", cbor::tag(18, &endless(Major::Array, &base.elements().concat())));
    case(
        "frame: protected header",
        Frame { protected: bytes(&licence.header().encode()), ..base.clone() }.encode(),
    );
    case(
        "frame: unprotected header",
        Frame { unprotected: endless(Major::Map, &[]), ..base.clone() }.encode(),
    );
    case("frame: payload", Frame { payload: bytes(&licence.claims().encode()), ..base.clone() }.encode());
    case("frame: signature", Frame { signature: bytes(&base.signature[2..]), ..base.clone() }.encode());
    case("header: map", with_header(&map(&licence.header())));
    case("header: kid", with_parameter(4, bytes(b"main")));
    case("header: typ", with_parameter(16, text(TYP)));
    case("header: crit", with_parameter(2, endless(Major::Array, &[1])));
    case("claims: map", with_payload(&map(&licence.claims())));
    case("claims: iss", with_claim(1, text("acme")));
    case("claims: iss, in no parts", with_claim(1, endless(Major::Text, &[])));
    case("claims: aud", with_claim(3, endless(Major::Array, &cbor::text("a"))));
    case("claims: cti", with_claim(7, bytes(&licence.id)));
    case("claims: cnf", with_claim(8, endless(Major::Map, &[&[5, 0x58, 32][..], &[0; 32]].concat())));
    case("claims: status", with_claim(65_535, endless(Major::Map, &[])));
    case("grant: map", with_grant(map(&licence.grant())));
    case("grant: tier", with_field(1, endless(Major::Array, &unhex("61 61 01"))));
    case("grant: features", with_field(2, endless(Major::Map, &unhex("61 66 f5"))));
    case("grant: name of a feature", with_field(2, [vec![0xa1], text("f"), vec![0xf5]].concat()));
    case("grant: feature", with_feature(endless(Major::Array, &unhex("f5 01"))));
    case("grant: quota", with_quota(endless(Major::Array, &[1, 1])));
    case("grant: rate", with_rate(endless(Major::Array, &[1, 1])));
    case("grant: policy", with_field(7, endless(Major::Map, &[0, 0])));
    case("grant: node_locks", with_field(8, endless(Major::Array, &cbor::bytes(&[0; 32]))));
    case("grant: meta", with_field(11, endless(Major::Map, &unhex("61 61 61 61"))));
    for (what, item) in [
        ("byte string", bytes(b"a")),
        ("text", text("a")),
        ("array", endless(Major::Array, &[0])),
        ("map", endless(Major::Map, &[0, 0])),
    ] {
        case(&format!("ignored in the header: {what}"), with_parameter(100, item.clone()));
        case(&format!("ignored in the claims: {what}"), with_claim(100, item.clone()));
        case(&format!("ignored in the grant: {what}"), with_field(100, item.clone()));
        case(&format!("ignored in an array: {what}"), with_ignored(cbor::array(&[item])));
    }
    // Not well-formed in any reading, so that either code of the encoding may be told.
    for (what, first) in [("an unsigned integer", "1f"), ("a negative integer", "3f"), ("a tag", "df 00 ff")]
    {
        cases.refused(format!("{what} of indefinite length"), &with_ignored(unhex(first)));
    }
    cases.done()
}
