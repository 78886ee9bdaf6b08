//! Nesting, the number of items, and sizes that are not there.

use licentia_vectors::LicenseGroup;

use crate::{
    cbor::{self, Item},
    encoding::unhex,
    licence::{Licence, NOW},
    section::Section,
    token::{
        Frame, with_claim, with_feature, with_field, with_grant, with_header, with_ignored, with_parameter,
        with_payload, with_policy,
    },
};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![depth(), items(), sizes(), trailing()]
}

fn depth() -> LicenseGroup {
    let mut cases = Section::new("Complexity", "Nesting in values that are ignored");
    let code = "too_complex";
    for depth in [9, 10, 100, 1000] {
        cases.invalid(format!("{depth} arrays"), code, &with_ignored(cbor::nested_arrays(depth)));
        cases.invalid(format!("{depth} maps"), code, &with_ignored(cbor::nested_maps(depth)));
    }
    let mixed = [[0x81, 0xa1, 0x00].repeat(4), vec![0x81, 0x00]].concat();
    cases.invalid("9 arrays and maps in turn", code, &with_ignored(mixed));
    cases.invalid("8 arrays around an empty one", code, &with_ignored([vec![0x81; 8], vec![0x80]].concat()));
    cases.invalid("8 arrays around an empty map", code, &with_ignored([vec![0x81; 8], vec![0xa0]].concat()));
    let second = [vec![0x82, 0x00], cbor::nested_arrays(8)].concat();
    cases.invalid("9 arrays, in the second element", code, &with_ignored(second));
    cases.invalid("header: 9 arrays", code, &with_parameter(100, cbor::nested_arrays(9)));
    cases.invalid("grant: 9 arrays", code, &with_field(100, cbor::nested_arrays(9)));
    cases.invalid("policy: 9 arrays", code, &with_policy(&[(cbor::uint(100), cbor::nested_arrays(9))]));
    let status = cbor::map(&[(cbor::uint(0), cbor::nested_arrays(8))]);
    cases.invalid("status: a map around 8 arrays", code, &with_claim(65_535, status));
    let status = cbor::map(&[(cbor::uint(0), cbor::nested_arrays(7))]);
    cases.valid("status: a map around 7 arrays", &Licence::with(|l| l.status = Some(status)));
    cases.done()
}

fn items() -> LicenseGroup {
    let mut cases = Section::new("Complexity", "The number of data items");
    let zeros = |count: usize| cbor::array(&vec![cbor::uint(0); count]);
    // The claims of the base licence have 19 items: the map, 6 keys, 5 values, and the grant with its map,
    // 2 keys, the schema, and the tier of 3. The key and the array that are added make 21 with it.
    let base = Licence::base();
    let licence = Licence::with(|l| l.more[1] = vec![(cbor::uint(100), zeros(1024 - 21))]);
    cases.valid("claims: 1024 items", &licence);
    cases.invalid("claims: 1025 items", "too_complex", &with_ignored(zeros(1025 - 21)));
    // The header has 7 items, and a key and an array more.
    let licence = Licence::with(|l| l.more[0] = vec![(cbor::uint(100), zeros(1024 - 9))]);
    cases.valid("header: 1024 items", &licence);
    cases.invalid("header: 1025 items", "too_complex", &with_parameter(100, zeros(1025 - 9)));
    let both = Licence::with(|l| {
        l.more[0] = vec![(cbor::uint(100), zeros(1024 - 9))];
        l.more[1] = vec![(cbor::uint(100), zeros(1024 - 21))];
    });
    cases.valid_token("header and claims: 1024 items each", &base, &both.token(), NOW, "active");
    cases.done()
}

fn sizes() -> LicenseGroup {
    let mut cases = Section::new("Complexity", "Counts and lengths of more than there is");
    let code = "truncated";
    for (what, hex) in [
        ("an array of 2^64 - 1", "9b ffffffffffffffff"),
        ("an array of 2^32", "9b 0000000100000000"),
        ("an array of 65535", "99 ffff"),
        ("a map of 2^64 - 1", "bb ffffffffffffffff"),
        ("a map of 2^63", "bb 8000000000000000"),
        ("a map of 65535", "b9 ffff"),
        ("2^64 - 1 bytes", "5b ffffffffffffffff"),
        ("2^63 bytes", "5b 8000000000000000"),
        ("65535 bytes", "59 ffff"),
        ("a text of 2^64 - 1 bytes", "7b ffffffffffffffff"),
        ("a text of 2^32 - 1 bytes", "7a ffffffff"),
    ] {
        cases.invalid(format!("ignored: {what}"), code, &with_ignored(unhex(hex)));
        cases.invalid(format!("header: {what}"), code, &with_parameter(100, unhex(hex)));
    }
    for hex in ["58 ff", "59 ffff", "5a ffffffff", "5b ffffffffffffffff"] {
        let payload = Frame { payload: unhex(hex), signature: Vec::new(), ..Frame::base() };
        cases.invalid(format!("frame: a payload of {} bytes", &hex[3..]), code, &payload.encode());
    }
    // The last claim reaches beyond the claims, into the signature.
    let claims = Licence::base().claims().encode();
    cases.invalid("claims: cut by a byte", code, &with_payload(&claims[..claims.len() - 1]));
    cases.invalid("claims: cut after a key", code, &with_payload(&unhex("a1 01")));
    cases.invalid(
        "claims: a text that reaches into the signature",
        code,
        &with_payload(&unhex("a1 01 78 40")),
    );
    let header = Licence::base().header().encode();
    cases.invalid("header: cut by a byte", code, &with_header(&header[..header.len() - 1]));
    cases.invalid("header: empty", code, &with_header(&[]));
    cases.done()
}

fn trailing() -> LicenseGroup {
    let mut cases = Section::new("Trailing", "Bytes after the end");
    let code = "trailing_bytes";
    let base = Licence::base();
    let after = |part: &[u8], more: &[u8]| [part, more].concat();
    for (what, more) in [
        ("a 0", vec![0]),
        ("a null", vec![cbor::NULL]),
        ("a break", vec![cbor::BREAK]),
        ("text", b"\n".to_vec()),
        ("itself", Vec::new()),
    ] {
        let or_itself = |part: &Item| if more.is_empty() { part.clone() } else { more.clone() };
        let (token, header, claims) = (base.token(), base.header().encode(), base.claims().encode());
        cases.invalid(format!("token: {what}"), code, &after(&token, &or_itself(&token)));
        cases.invalid(format!("header: {what}"), code, &with_header(&after(&header, &or_itself(&header))));
        cases.invalid(format!("claims: {what}"), code, &with_payload(&after(&claims, &or_itself(&claims))));
    }
    // Inside the claims there is no end: what follows a value is read as the next key.
    let grant = after(&base.grant().encode(), &[0]);
    cases.invalid("grant: a 0, which moves the end of the claims", code, &with_grant(grant));
    let feature = with_feature(unhex("f5 00"));
    cases.invalid("feature: a 0, which moves the end of the claims", code, &feature);
    cases.done()
}
