//! The protected header.

use licentia_vectors::LicenseGroup;

use crate::{
    cbor::{self, Item},
    encoding::unhex,
    licence::Licence,
    section::Section,
    token::{TYP, with_header, with_parameter},
};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![parameters(), critical()]
}

fn parameters() -> LicenseGroup {
    let mut cases = Section::new("Header", "The parameters of the protected header");
    for (what, alg) in [
        ("-8, EdDSA", -8),
        ("-7, ES256", -7),
        ("-9, ESP256", -9),
        ("-35, ES384", -35),
        ("-53, Ed448", -53),
        ("-257, RS256", -257),
        ("5, HMAC 256/256", 5),
        ("0, reserved", 0),
        ("-18", -18),
        ("-20", -20),
        ("19", 19),
        ("-65537, private use", -65_537),
    ] {
        let token = with_parameter(1, cbor::int(alg));
        cases.invalid(format!("alg: {what}"), "algorithm_mismatch", &token);
    }
    for (what, kid) in [("0 bytes", 0), ("33 bytes", 33), ("64 bytes", 64), ("256 bytes", 256)] {
        let token = with_parameter(4, cbor::bytes(&vec![b'k'; kid]));
        cases.invalid(format!("kid: {what}"), "invalid_value", &token);
    }
    let (upper, space, nul) = (TYP.to_uppercase(), format!("{TYP} "), format!("{TYP}\0"));
    for (what, typ) in [
        ("empty", ""),
        ("CWT", "application/cwt"),
        ("COSE", "application/cose; cose-type=\"cose-sign1\""),
        ("JWT", "JWT"),
        ("a keyset", "application/vnd.licentia.keyset+cwt"),
        ("a bundle", "application/vnd.licentia.bundle+cwt"),
        ("a proof", "application/vnd.licentia.proof+cwt"),
        ("a receipt", "application/vnd.licentia.receipt+cwt"),
        ("without `application/`", "vnd.licentia.license+cwt"),
        ("in capitals", &upper),
        ("with a space after it", &space),
        ("with a U+0000 after it", &nul),
        ("cut by a letter", &TYP[..TYP.len() - 1]),
        ("the British spelling", "application/vnd.licentia.licence+cwt"),
    ] {
        cases.invalid(format!("typ: {what}"), "wrong_typ", &with_parameter(16, cbor::text(typ)));
    }
    for (what, hex, code) in [
        ("an array", "80", "wrong_type"),
        ("an integer", "00", "wrong_type"),
        ("a byte string", "40", "wrong_type"),
        ("a text", "60", "wrong_type"),
        ("null", "f6", "wrong_type"),
        ("a float", "f9 3c00", "forbidden_item"),
        ("a tag", "c1 a0", "forbidden_item"),
    ] {
        cases.invalid(format!("the header is {what}"), code, &with_header(&unhex(hex)));
    }
    cases.flag("Missing");
    let base = Licence::base().header();
    for (what, label) in [("alg", 1), ("kid", 4), ("typ", 16)] {
        let token = with_header(&base.clone().without(label).encode());
        cases.invalid(format!("{what} is missing"), "missing_field", &token);
    }
    cases.invalid("the header is an empty map", "missing_field", &with_header(&cbor::map(&[])));
    cases.done()
}

fn critical() -> LicenseGroup {
    let mut cases = Section::new("Critical", "The header parameter crit");
    let labels =
        |labels: &[i64]| cbor::array(&labels.iter().map(|label| cbor::int(*label)).collect::<Vec<_>>());
    let with = |crit: Item| Licence::with(|l| l.more[0] = vec![(cbor::int(2), crit)]);
    for good in [&[1][..], &[4], &[16], &[1, 4, 16], &[16, 4, 1], &[1, 1], &[4; 8]] {
        cases.valid(format!("{good:?}: always understood"), &with(labels(good)));
    }
    for (what, crit) in [
        ("2, crit itself", labels(&[2])),
        ("0", labels(&[0])),
        ("3, content type", labels(&[3])),
        ("5, IV", labels(&[5])),
        ("33, a certificate chain", labels(&[33])),
        ("-1", labels(&[-1])),
        ("-65537", labels(&[-65_537])),
        ("2^63 - 1", labels(&[i64::MAX])),
        ("2^64 - 1", unhex("81 1b ffffffffffffffff")),
        ("-2^64", unhex("81 3b ffffffffffffffff")),
        ("a known label and then an unknown one", labels(&[1, 100])),
        ("an unknown label and then a known one", labels(&[100, 1])),
        ("a text", cbor::array(&[cbor::text("x")])),
        ("the text \"1\"", cbor::array(&[cbor::text("1")])),
        ("the text \"alg\"", cbor::array(&[cbor::text("alg")])),
        ("a known label and then a text", cbor::array(&[cbor::int(1), cbor::text("x")])),
    ] {
        cases.invalid(what, "unknown_critical", &with(crit).token());
    }
    // The parameter is there and still not understood.
    let both = Licence::with(|l| {
        l.more[0] = vec![(cbor::int(2), labels(&[100])), (cbor::int(100), cbor::uint(0))];
    });
    cases.invalid("a parameter that is there and not understood", "unknown_critical", &both.token());
    cases.invalid("no labels", "invalid_value", &with(labels(&[])).token());
    cases.invalid("9 labels", "invalid_value", &with(labels(&[1; 9])).token());
    for (what, hex, code) in [
        ("a label is a byte string", "81 41 01", "wrong_type"),
        ("a label is an array", "81 80", "wrong_type"),
        ("a label is null", "81 f6", "wrong_type"),
        ("a label is a float", "81 f9 3c00", "forbidden_item"),
        ("a label is a tag", "81 c1 01", "forbidden_item"),
    ] {
        cases.invalid(what, code, &with(unhex(hex)).token());
    }
    cases.done()
}
