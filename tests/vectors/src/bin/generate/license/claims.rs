//! Good licences, claim by claim.

use licentia_vectors::LicenseGroup;

use crate::{
    cbor,
    licence::{Audience, ISSUED, Licence, NOW, PERPETUAL},
    section::Section,
    signer::Signer,
};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![claims(), audiences(), identifiers()]
}

/// Texts of 1 to 256 bytes, with what each is for.
pub(super) fn good_texts() -> Vec<(&'static str, String)> {
    vec![
        ("1 byte", "a".to_owned()),
        ("23 bytes", "a".repeat(23)),
        ("24 bytes", "a".repeat(24)),
        ("255 bytes", "a".repeat(255)),
        ("256 bytes", "a".repeat(256)),
        ("256 bytes of two-byte characters", "\u{e9}".repeat(128)),
        ("255 bytes of three-byte characters", "\u{20ac}".repeat(85)),
        ("256 bytes of four-byte characters", "\u{1f511}".repeat(64)),
        ("a space", " ".to_owned()),
        ("U+0000", "\0".to_owned()),
        ("controls", "\u{1}\t\n\r\u{1f}\u{7f}".to_owned()),
        ("quotation marks and backslashes", "\"a\" \\ 'b' /".to_owned()),
        ("line separators", "\u{2028}\u{2029}".to_owned()),
        ("right to left, with its mark", "\u{202e}\u{5d0}\u{5d1}".to_owned()),
        ("a combining accent, which is not composed", "e\u{301}".to_owned()),
        ("U+FFFE and U+FFFF", "\u{fffe}\u{ffff}".to_owned()),
        ("U+10FFFF", "\u{10ffff}".to_owned()),
        ("U+D7FF and U+E000, beside the surrogates", "\u{d7ff}\u{e000}".to_owned()),
        ("a byte order mark", "\u{feff}a".to_owned()),
    ]
}

fn claims() -> LicenseGroup {
    let mut cases = Section::new("Claims", "Good licences: the claims");
    cases.valid("only what is required", &Licence::base());
    for (what, text) in good_texts() {
        cases.valid(format!("iss: {what}"), &Licence::with(|l| l.issuer = text));
    }
    for (what, text) in good_texts() {
        cases.valid(format!("sub: {what}"), &Licence::with(|l| l.subject = text));
    }
    cases.valid("exp: perpetual, the end of the year 9999", &Licence::with(|l| l.expires = PERPETUAL));
    cases.valid("exp: 2^32 - 1", &Licence::with(|l| l.expires = 4_294_967_295));
    cases.valid("exp: 2^32", &Licence::with(|l| l.expires = 4_294_967_296));
    cases.valid("nbf: 0", &Licence::with(|l| l.not_before = Some(0)));
    cases.valid("nbf: before iat", &Licence::with(|l| l.not_before = Some(ISSUED - 1)));
    cases.valid("nbf: after iat", &Licence::with(|l| l.not_before = Some(ISSUED + 1)));
    cases.valid("iat: 0", &Licence::with(|l| l.issued_at = 0));
    cases.valid("iat: now", &Licence::with(|l| l.issued_at = NOW));
    cases.valid("cti: zeros", &Licence::with(|l| l.id = [0; 16]));
    cases.valid("cti: ones", &Licence::with(|l| l.id = [0xff; 16]));
    cases.valid("status: an empty map", &Licence::with(|l| l.status = Some(cbor::map(&[]))));
    let list = cbor::map(&[(cbor::text("idx"), cbor::uint(7)), (cbor::text("uri"), cbor::text("https://a"))]);
    let status = cbor::map(&[(cbor::text("status_list"), list)]);
    cases.valid("status: a status list, which is ignored", &Licence::with(|l| l.status = Some(status)));
    cases.done()
}

fn audiences() -> LicenseGroup {
    let mut cases =
        Section::new("Claims", "Good licences: audiences, where the service is `api`").audience("api");
    let one = |name: &str| Licence::with(|l| l.audience = Audience::One(name.to_owned()));
    let many = |names: &[&str]| {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Licence::with(|l| l.audience = Audience::Many(names))
    };
    cases.valid("aud: absent", &Licence::base());
    cases.valid("aud: a text", &one("api"));
    cases.valid("aud: an array of one", &many(&["api"]));
    cases.valid("aud: the first of two", &many(&["api", "web"]));
    cases.valid("aud: the last of two", &many(&["web", "api"]));
    cases.valid("aud: the same twice", &many(&["api", "api"]));
    cases.valid("aud: beside one of 1 byte", &many(&["a", "api"]));
    cases.valid("aud: beside one of 256 bytes", &many(&["api", &"a".repeat(256)]));
    let mut sixteen = vec!["web"; 15];
    sixteen.push("api");
    cases.valid("aud: the last of 16", &many(&sixteen));
    cases.done()
}

fn identifiers() -> LicenseGroup {
    let kids: [(&str, Vec<u8>); 10] = [
        ("1 byte", vec![b'k']),
        ("1 byte, zero", vec![0]),
        ("4 bytes that are not UTF-8", vec![0xff, 0xfe, 0x80, 0xc0]),
        ("16 zeros", vec![0; 16]),
        ("23 bytes", vec![0x17; 23]),
        ("24 bytes", vec![0x18; 24]),
        ("31 bytes", vec![0x1f; 31]),
        ("32 bytes", vec![0x20; 32]),
        ("a path", b"../../etc/passwd".to_vec()),
        ("a query", b"' OR 1=1 --".to_vec()),
    ];
    let signers: Vec<Signer> = kids.iter().map(|(_, kid)| Signer::new(kid, 2)).collect();
    let mut cases = Section::new("Claims", "Good licences: key identifiers").keys(&signers);
    for ((what, _), signer) in kids.iter().zip(signers) {
        cases.valid(format!("kid: {what}"), &Licence::with(|l| l.signer = signer));
    }
    cases.done()
}
