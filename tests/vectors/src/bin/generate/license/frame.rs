//! The form of COSE_Sign1.

use licentia_vectors::LicenseGroup;

use crate::{
    cbor::{self, Item},
    encoding::unhex,
    licence::Licence,
    section::Section,
    token::Frame,
};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![tags(), elements(), unprotected(), other_things()]
}

const CODE: &str = "malformed_frame";

fn tags() -> LicenseGroup {
    let mut cases = Section::new("Frame", "Tag and array");
    let base = Frame::base();
    let (array, token) = (cbor::array(&base.elements()), base.encode());
    let mut case = |what: &str, token: Vec<u8>| cases.invalid(what, CODE, &token);
    case("no tag", array.clone());
    for (number, what) in [
        (16, "COSE_Encrypt0"),
        (17, "COSE_Mac0"),
        (19, "unassigned"),
        (24, "encoded CBOR"),
        (61, "CWT"),
        (96, "COSE_Encrypt"),
        (97, "COSE_Mac"),
        (98, "COSE_Sign"),
        (55_799, "CBOR"),
        (u64::MAX, "the greatest"),
    ] {
        case(&format!("tag {number}, {what}, for tag 18"), cbor::tag(number, &array));
    }
    case("tag 18 in tag 61, a tagged CWT", cbor::tag(61, &token));
    case("tag 18 in tag 55799, self-described CBOR", cbor::tag(55_799, &token));
    case("tag 18 in tag 18", cbor::tag(18, &token));
    case("tag 61 in tag 18", cbor::tag(18, &cbor::tag(61, &array)));
    case("the token in a byte string", cbor::bytes(&token));
    case("the token in an array", cbor::array(std::slice::from_ref(&token)));
    case("the array in a byte string, in tag 18", cbor::tag(18, &cbor::bytes(&array)));
    for (what, hex) in OTHER_ITEMS {
        case(&format!("tag 18 around {what}"), cbor::tag(18, &unhex(hex)));
    }
    let mut elements = base.elements();
    elements.push(cbor::bytes(&[]));
    case("an array of 5", cbor::tag(18, &cbor::array(&elements)));
    for length in 0..4 {
        case(&format!("an array of {length}"), cbor::tag(18, &cbor::array(&elements[..length])));
    }
    let three = [cbor::head(cbor::Major::Array, 4), elements[..3].concat()].concat();
    cases.invalid("an array of 4 with 3 elements", "truncated", &cbor::tag(18, &three));
    let five = [cbor::head(cbor::Major::Array, 4), elements.concat()].concat();
    cases.invalid("an array of 4 with 5 elements", "trailing_bytes", &cbor::tag(18, &five));
    cases.done()
}

/// Items of every kind but byte string, array and map.
const OTHER_ITEMS: [(&str, &str); 10] = [
    ("an integer", "01"),
    ("a negative integer", "20"),
    ("a text", "61 61"),
    ("false", "f4"),
    ("true", "f5"),
    ("null", "f6"),
    ("undefined", "f7"),
    ("simple(0)", "e0"),
    ("a float", "f9 3c00"),
    ("a date", "c1 00"),
];

fn elements() -> LicenseGroup {
    let mut cases = Section::new("Frame", "The four elements, where one has another type");
    let base = Frame::base();
    let set = |at: usize, item: Item| {
        let mut elements = base.elements();
        elements[at] = item;
        cbor::tag(18, &cbor::array(&elements))
    };
    for (at, element) in
        ["protected header", "unprotected header", "payload", "signature"].into_iter().enumerate()
    {
        for (what, hex) in OTHER_ITEMS {
            cases.invalid(format!("{element}: {what}"), CODE, &set(at, unhex(hex)));
        }
        cases.invalid(format!("{element}: an array"), CODE, &set(at, cbor::array(&[])));
        let (what, item) = if at == 1 { ("bytes", cbor::bytes(&[])) } else { ("a map", cbor::map(&[])) };
        cases.invalid(format!("{element}: {what}"), CODE, &set(at, item));
    }
    let licence = Licence::base();
    let header = licence.header().encode();
    cases.invalid("protected header: the map itself, in no byte string", CODE, &set(0, header));
    cases.invalid(
        "payload: the claims themselves, in no byte string",
        CODE,
        &set(2, licence.claims().encode()),
    );
    let tagged = cbor::tag(24, &base.payload);
    cases.invalid("payload: a byte string in tag 24", CODE, &set(2, tagged));
    // The signature is right, and the payload is elsewhere.
    cases.invalid("payload: detached", CODE, &set(2, cbor::simple(cbor::NULL)));
    let signature = &base.signature[2..];
    for (what, bytes) in [
        ("0 bytes", Vec::new()),
        ("1 byte", vec![0]),
        ("32 bytes", signature[..32].to_vec()),
        ("63 bytes", signature[..63].to_vec()),
        ("63 bytes, without the first", signature[1..].to_vec()),
        ("65 bytes", [signature, &[0]].concat()),
        ("65 bytes, with a 0 before", [&[0], signature].concat()),
        ("114 bytes, as of Ed448", vec![0; 114]),
        ("128 bytes", signature.repeat(2)),
    ] {
        cases.invalid(format!("signature: {what}"), CODE, &set(3, cbor::bytes(&bytes)));
    }
    cases.done()
}

fn unprotected() -> LicenseGroup {
    let mut cases = Section::new("Frame", "The unprotected header is empty");
    let base = Licence::base();
    for (what, key, value) in [
        ("alg", cbor::int(1), cbor::int(-19)),
        ("crit", cbor::int(2), cbor::array(&[cbor::int(1)])),
        ("kid", cbor::int(4), cbor::bytes(b"main")),
        ("typ", cbor::int(16), cbor::text(crate::token::TYP)),
        ("an unknown label", cbor::int(100), cbor::uint(0)),
        ("a negative label", cbor::int(-1), cbor::uint(0)),
        ("a text label", cbor::text("x"), cbor::uint(0)),
    ] {
        let unprotected = cbor::map(&[(key, value)]);
        let frame = Frame { unprotected, ..Frame::base() };
        cases.invalid(format!("{what} beside the protected header"), "unprotected_header", &frame.encode());
    }
    // What RFC 9052 would allow: each parameter in one of the two headers.
    for (what, label) in [("alg", 1), ("kid", 4), ("typ", 16)] {
        let moved = base.header().entries().into_iter().filter(|entry| entry.0 == cbor::int(label));
        let header = base.header().without(label).encode();
        let frame = Frame::signed(&base.signer, &header, &base.claims().encode());
        let unprotected = cbor::map(&moved.collect::<Vec<_>>());
        let token = Frame { unprotected, ..frame }.encode();
        cases.invalid(format!("{what} in the unprotected header alone"), "unprotected_header", &token);
    }
    let frame = Frame::signed(&base.signer, &[], &base.claims().encode());
    let token = Frame { unprotected: base.header().encode(), ..frame }.encode();
    cases.invalid("all parameters in the unprotected header", "unprotected_header", &token);
    cases.done()
}

fn other_things() -> LicenseGroup {
    let mut cases = Section::new("Frame", "Other things than tokens, passed as bytes");
    for (what, bytes) in [
        ("a token in its text form", b"lic1_0oRYMKMBMgREbWFpbhB4JGFwcGxpY2F0aW9u".to_vec()),
        ("a JSON Web Token", b"eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJhY21lIn0.AAAA".to_vec()),
        ("a private key in PEM", b"-----BEGIN PRIVATE KEY-----".to_vec()),
        ("a public key", cbor::map(&crate::signer::cose_key(b"main", &[3; 32]))),
        ("claims without a signature", Licence::base().claims().encode()),
        ("zeros", vec![0; 240]),
        ("JSON of claims", b"{\"iss\":\"acme\"}".to_vec()),
        ("an HTML page", b"<!doctype html><html></html>".to_vec()),
    ] {
        cases.invalid_bytes(what, CODE, &bytes);
    }
    cases.done()
}
