//! What is required and missing.

use licentia_vectors::LicenseGroup;

use crate::{
    cbor,
    encoding::unhex,
    licence::Licence,
    section::Section,
    token::{GRANT, with_claim, with_field, with_grant, with_payload, with_policy, without_claim},
};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![missing(), schema()]
}

fn missing() -> LicenseGroup {
    let mut cases = Section::new("Missing", "Required claims and fields that are missing");
    let code = "missing_field";
    for (what, key) in [("iss", 1), ("sub", 2), ("exp", 4), ("iat", 6), ("cti", 7), ("the grant", GRANT)] {
        cases.invalid(what, code, &without_claim(key));
    }
    cases.invalid("every claim", code, &with_payload(&cbor::map(&[])));
    // What other profiles of CWT would have.
    let plain = Licence::base().claims().without(GRANT).without(7);
    cases.invalid("cti and the grant", code, &with_payload(&plain.encode()));
    cases.invalid("schema", code, &with_grant(Licence::base().grant().without(0).encode()));
    cases.invalid("tier", code, &with_grant(Licence::base().grant().without(1).encode()));
    cases.invalid("every field", code, &with_grant(cbor::map(&[])));
    for (what, hex, code) in [
        ("an array", "80", "wrong_type"),
        ("an integer", "00", "wrong_type"),
        ("a text", "60", "wrong_type"),
        ("a byte string", "40", "wrong_type"),
        ("null", "f6", "wrong_type"),
        ("a float", "f9 3c00", "forbidden_item"),
        ("a map in tag 61", "d8 3d a0", "forbidden_item"),
    ] {
        cases.flag("Type");
        cases.invalid(format!("the claims are {what}"), code, &with_payload(&unhex(hex)));
    }
    cases.done()
}

fn schema() -> LicenseGroup {
    let mut cases = Section::new("Schema", "Schemas and critical fields that are not known");
    for schema in [0, 2, 3, 23, 24, 255, 256, (1 << 53) - 1, 1 << 53, u64::MAX] {
        let token = with_field(0, cbor::uint(schema));
        cases.invalid(format!("schema {schema}"), "unsupported_schema", &token);
    }
    let rest = |tier: &str| with_grant([unhex("a2 00 02 01"), unhex(tier)].concat());
    cases.invalid("schema 2 with a tier of another form", "unsupported_schema", &rest("63 70726f"));
    cases.invalid("schema 2 with a float", "unsupported_schema", &rest("f9 3c00"));
    cases.invalid("schema 2 alone", "unsupported_schema", &with_grant(unhex("a1 00 02")));
    let critical = Licence::base().grant().set(0, cbor::uint(2)).set(-1, cbor::uint(0));
    cases.invalid(
        "schema 2 with an unknown critical field",
        "unsupported_schema",
        &with_grant(critical.encode()),
    );

    cases.flag("UnknownCriticalField");
    let code = "unknown_critical_field";
    for (what, key) in [
        ("-1", cbor::int(-1)),
        ("-2", cbor::int(-2)),
        ("-24", cbor::int(-24)),
        ("-25", cbor::int(-25)),
        ("-256", cbor::int(-256)),
        ("-257", cbor::int(-257)),
        ("-65537", cbor::int(GRANT)),
        ("-2^53", cbor::int(-(1 << 53))),
        ("-2^63", cbor::int(i64::MIN)),
        ("-2^63 - 1", unhex("3b 8000000000000000")),
        ("-2^64", unhex("3b ffffffffffffffff")),
    ] {
        let grant = Licence::base().grant().set_raw(key.clone(), cbor::uint(0)).encode();
        cases.invalid(format!("grant: the key {what}"), code, &with_grant(grant));
        let token = with_policy(&[(cbor::uint(0), cbor::uint(0)), (key, cbor::uint(0))]);
        cases.invalid(format!("policy: the key {what}"), code, &token);
    }
    let alone = with_policy(&[(cbor::int(-1), cbor::uint(0))]);
    cases.invalid("policy: nothing but the key -1", code, &alone);
    let map = cbor::map(&[(cbor::uint(1), cbor::uint(2))]);
    cases.invalid("grant: the key -1 with a map", code, &with_field(-1, map));
    cases.invalid("grant: the key -1 with null", code, &with_field(-1, cbor::simple(cbor::NULL)));
    // In the claims a negative key is not critical; the grant's own is the only one known.
    let token = with_claim(-1, cbor::uint(0));
    let licence = Licence::with(|l| l.more[1] = vec![(cbor::int(-1), cbor::uint(0))]);
    debug_assert_eq!(token, licence.token());
    cases.valid("claims: the key -1 is ignored", &licence);
    cases.done()
}
