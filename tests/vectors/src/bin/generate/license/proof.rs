//! Proofs of possession.

use licentia_vectors::LicenseGroup;

use super::confirmation::{bound, bound_by_thumbprint};
use crate::{
    cbor,
    licence::{Licence, NOW},
    proof::{BODY, METHOD, Presented, URI, holder},
    section::Section,
    signer::Signer,
    token::Frame,
};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![good(), malformed(), signatures(), requests(), ages(), order()]
}

/// Adds a bound licence that is refused with this proof.
fn refused(cases: &mut Section, what: &str, code: &str, proof: &Presented) {
    cases.invalid(what, code, &bound().token());
    cases.prove(proof.present());
}

fn good() -> LicenseGroup {
    let mut cases = Section::new("Proof", "Proofs that are good, and licences that need none");
    let mut good = |what: &str, proof: Presented| {
        cases.valid(what, &bound());
        cases.prove(proof.present());
    };
    good("what is required", Presented::base());
    good("with the key, which the licence has", Presented::with_key(&holder()));
    let body = Presented { body: Some([7; 32]), ..Presented::with(BODY, cbor::bytes(&[7; 32])) };
    good("with the digest of the body", body);
    good("with an unknown claim", Presented::with(100, cbor::array(&[cbor::uint(1)])));
    good("with an unknown negative claim", Presented::with(-1, cbor::uint(1)));
    let base = Presented::base();
    good(
        "with another kid, which is a hint",
        Presented { header: base.header.set(4, cbor::bytes(b"x")), ..base },
    );
    let long = "u".repeat(2048);
    good("a URI of 2048 bytes", Presented { uri: long.clone(), ..Presented::with(URI, cbor::text(&long)) });
    for (what, signed, uri) in [
        ("capitals in scheme and host", "https://api.acme.example/v1", "HTTPS://API.acme.example/v1"),
        ("the port that is the default", "https://api.acme.example/v1", "https://api.acme.example:443/v1"),
        ("an empty port", "https://api.acme.example:/v1", "https://api.acme.example/v1"),
        ("no path", "https://api.acme.example", "https://api.acme.example/"),
        ("a fragment", "https://api.acme.example/v1#a", "https://api.acme.example/v1"),
        ("an empty query", "https://api.acme.example/v1?", "https://api.acme.example/v1"),
        ("dot segments", "https://api.acme.example/./a/../v1", "https://api.acme.example/v1"),
        (
            "the case of percent-encodings",
            "https://api.acme.example/%c3?%c3",
            "https://api.acme.example/%C3?%C3",
        ),
        (
            "unreserved characters encoded",
            "https://api.acme.example/%7Ea?%41",
            "https://api.acme.example/~a?A",
        ),
    ] {
        let proof = Presented::with(URI, cbor::text(signed));
        good(&format!("the same URI but for {what}"), Presented { uri: uri.to_owned(), ..proof });
    }
    let long = "M".repeat(256);
    good(
        "a method of 256 bytes",
        Presented { method: long.clone(), ..Presented::with(METHOD, cbor::text(&long)) },
    );
    cases.valid("a thumbprint, and the key in the proof", &bound_by_thumbprint());
    cases.prove(Presented::with_key(&holder()).present());
    cases.valid("a licence that is not bound", &Licence::base());
    cases.prove(Presented::base().present());
    cases.valid("a licence that is not bound, and no proof at all", &Licence::base());
    cases.prove(Presented::base().present_bytes(b"no proof"));
    cases.done()
}

fn malformed() -> LicenseGroup {
    let mut cases = Section::new("Proof", "No proof, and proofs that are not well-formed");
    cases.invalid("a key, and no proof", "proof_required", &bound().token());
    cases.invalid("a thumbprint, and no proof", "proof_required", &bound_by_thumbprint().token());
    let code = "proof_malformed";
    for (what, key) in [("iat", 6), ("cti", 7), ("nonce", 10), ("method", METHOD), ("URI", URI)] {
        refused(&mut cases, &format!("{what} is missing"), code, &Presented::without(key));
        let text = Presented::with(key, cbor::simple(cbor::NULL));
        refused(&mut cases, &format!("{what} is null"), code, &text);
    }
    for (what, key, value) in [
        ("a cti of 15 bytes", 7, cbor::bytes(&[0; 15])),
        ("a nonce of 15 bytes", 10, cbor::bytes(&[0; 15])),
        ("a nonce of 17 bytes", 10, cbor::bytes(&[0; 17])),
        ("an empty method", METHOD, cbor::text("")),
        ("a method of 257 bytes", METHOD, cbor::text(&"M".repeat(257))),
        ("a URI of 2049 bytes", URI, cbor::text(&"u".repeat(2049))),
        ("a digest of 31 bytes", BODY, cbor::bytes(&[0; 31])),
        ("a digest of a text", BODY, cbor::text("digest")),
        ("a negative time", 6, cbor::int(-1)),
        ("a time after the year 9999", 6, cbor::uint(253_402_300_800)),
        ("a float", 100, vec![0xf9, 0x3c, 0]),
        ("a wide integer", 100, vec![0x18, 1]),
        ("a thumbprint for the key", 8, cbor::map(&[(cbor::int(5), cbor::bytes(&[0; 32]))])),
        (
            "a private key",
            8,
            cbor::map(&[(
                cbor::int(1),
                super::confirmation::holder_key().set(-4, cbor::bytes(&[1; 32])).encode(),
            )]),
        ),
    ] {
        refused(&mut cases, what, code, &Presented::with(key, value));
    }
    let base = Presented::base();
    let other = |header| Presented { header, ..base.clone() };
    for (what, typ) in [
        ("the typ of a licence", crate::token::TYP),
        ("the typ of a keyset", "application/vnd.licentia.keyset+cbor"),
        ("the typ of a JWT", "dpop+jwt"),
    ] {
        refused(&mut cases, what, code, &other(base.header.clone().set(16, cbor::text(typ))));
    }
    refused(&mut cases, "no typ", code, &other(base.header.clone().without(16)));
    refused(&mut cases, "no kid", code, &other(base.header.clone().without(4)));
    let critical = cbor::array(&[cbor::int(100)]);
    refused(&mut cases, "an unknown critical parameter", code, &other(base.header.clone().set(2, critical)));
    let good = base.bytes();
    let frame = Frame::signed(&holder(), &base.header.encode(), &base.claims.encode());
    let unprotected = cbor::map(&[(cbor::int(4), cbor::bytes(b"hold"))]);
    for (what, bytes) in [
        ("no bytes", Vec::new()),
        ("cut by a byte", good[..good.len() - 1].to_vec()),
        ("a byte more", [&good[..], &[0]].concat()),
        ("no tag", good[1..].to_vec()),
        ("an unprotected header", Frame { unprotected, ..frame }.encode()),
        ("the licence itself", bound().token()),
        ("4097 bytes", vec![0; 4097]),
    ] {
        cases.invalid(what, code, &bound().token());
        cases.prove(base.present_bytes(&bytes));
    }
    cases.invalid("a thumbprint, and no key in the proof", code, &bound_by_thumbprint().token());
    cases.prove(base.present());
    cases.done()
}

fn signatures() -> LicenseGroup {
    let mut cases = Section::new("Proof", "Proofs by somebody else");
    let code = "proof_bad_signature";
    let thief = Signer::new(b"hold", 7);
    refused(&mut cases, "another key", code, &Presented { signer: thief.clone(), ..Presented::base() });
    let own = Presented { signer: thief.clone(), ..Presented::with_key(&thief) };
    refused(&mut cases, "another key, which is in the proof", code, &own);
    let issuer = Presented { signer: Signer::main(), ..Presented::base() };
    refused(&mut cases, "the issuer's key", code, &issuer);
    cases.invalid("a thumbprint of another key", code, &bound_by_thumbprint().token());
    cases.prove(own.present());
    cases.invalid(
        "a thumbprint, the right key in the proof, signed by another",
        code,
        &bound_by_thumbprint().token(),
    );
    cases.prove(Presented { signer: thief, ..Presented::with_key(&holder()) }.present());
    let base = Presented::base();
    let mut bytes = base.bytes();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    cases.invalid("a bit of the signature turned over", code, &bound().token());
    cases.prove(base.present_bytes(&bytes));
    let frame = Frame::signed(&holder(), &base.header.encode(), &base.claims.encode());
    let later = cbor::bytes(&base.claims.clone().set(6, cbor::uint(NOW + 1)).encode());
    cases.invalid("another time than was signed", code, &bound().token());
    cases.prove(base.present_bytes(&Frame { payload: later, ..frame }.encode()));
    cases.done()
}

fn requests() -> LicenseGroup {
    let mut cases = Section::new("Proof", "Proofs for something else");
    refused(&mut cases, "another licence", "proof_wrong_license", &Presented::with(7, cbor::bytes(&[0; 16])));
    let base = Presented::base;
    for (what, method) in
        [("another", "GET"), ("in small letters", "post"), ("with a space", "POST "), ("none", "")]
    {
        let request = Presented { method: method.to_owned(), ..base() };
        refused(&mut cases, &format!("method: {what}"), "proof_wrong_method", &request);
    }
    for (what, uri) in [
        ("another path", "https://api.acme.example/v1/keys?x=1"),
        ("without the query", "https://api.acme.example/v1/jobs"),
        ("another scheme", "http://api.acme.example/v1/jobs?x=1"),
        ("capitals in the path", "https://api.acme.example/V1/jobs?x=1"),
        ("another port", "https://api.acme.example:8443/v1/jobs?x=1"),
        ("an encoded slash", "https://api.acme.example/v1%2fjobs?x=1"),
        ("capitals in the query", "https://api.acme.example/v1/jobs?X=1"),
        ("two slashes", "https://api.acme.example//v1/jobs?x=1"),
        ("user information", "https://api.acme.example@evil.example/v1/jobs?x=1"),
        ("the path alone", "/v1/jobs?x=1"),
        ("none", ""),
    ] {
        let request = Presented { uri: uri.to_owned(), ..base() };
        refused(&mut cases, &format!("URI: {what}"), "proof_wrong_uri", &request);
    }
    let empty = Presented { uri: String::new(), ..Presented::with(URI, cbor::text("")) };
    refused(&mut cases, "an empty URI, which names nothing", "proof_wrong_uri", &empty);
    let signed = || Presented::with(BODY, cbor::bytes(&[7; 32]));
    let code = "proof_wrong_body";
    refused(&mut cases, "another body", code, &Presented { body: Some([8; 32]), ..signed() });
    refused(&mut cases, "a body that is not signed", code, &Presented { body: Some([7; 32]), ..base() });
    refused(&mut cases, "a signed body that is not there", code, &signed());
    cases.done()
}

fn ages() -> LicenseGroup {
    let mut cases = Section::new("Proof", "Old proofs and proofs from the future, where 60 s are allowed");
    for age in [0, 1, 59, 60] {
        cases.valid(format!("{age} s old"), &bound());
        cases.prove(Presented::with(6, cbor::uint(NOW - age)).present());
        cases.valid(format!("{age} s ahead"), &bound());
        cases.prove(Presented::with(6, cbor::uint(NOW + age)).present());
    }
    for age in [61, 3600] {
        refused(
            &mut cases,
            &format!("{age} s old"),
            "proof_stale",
            &Presented::with(6, cbor::uint(NOW - age)),
        );
        let ahead = Presented::with(6, cbor::uint(NOW + age));
        refused(&mut cases, &format!("{age} s ahead"), "proof_in_future", &ahead);
    }
    refused(&mut cases, "at 0", "proof_stale", &Presented::with(6, cbor::uint(0)));
    let never = Presented::with(6, cbor::uint(253_402_300_799));
    refused(&mut cases, "at the end of the year 9999", "proof_in_future", &never);
    cases.done()
}

/// The rules in their order: each proof breaks one rule and all that come after it.
fn order() -> LicenseGroup {
    let mut cases = Section::new("Proof", "Proofs with more than one fault");
    let stale = Presented::with(6, cbor::uint(0));
    let body = Presented { body: Some([8; 32]), ..stale };
    let uri = Presented { uri: "/".to_owned(), ..body.clone() };
    let method = Presented { method: "GET".to_owned(), ..uri.clone() };
    let license = Presented { claims: method.claims.clone().set(7, cbor::bytes(&[0; 16])), ..method.clone() };
    let forged = Presented { signer: Signer::main(), ..license.clone() };
    let malformed = Presented { claims: forged.claims.clone().without(10), ..forged.clone() };
    for (what, code, proof) in [
        ("the body before the age", "proof_wrong_body", body),
        ("the URI before the body", "proof_wrong_uri", uri),
        ("the method before the URI", "proof_wrong_method", method),
        ("the licence before the method", "proof_wrong_license", license),
        ("the signature before the licence", "proof_bad_signature", forged),
        ("the form before the signature", "proof_malformed", malformed),
    ] {
        refused(&mut cases, what, code, &proof);
    }
    cases.done()
}
