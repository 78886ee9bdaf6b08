//! Two things that are wrong: the order of the checks says which is told.

use licentia_vectors::LicenseGroup;

use crate::{
    cbor,
    encoding::unhex,
    licence::{Audience, EXPIRES, ISSUED, Licence, NOW},
    section::Section,
    signer::Signer,
    token::{Frame, GRANT, with_claim, with_header, with_payload},
};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![authenticity(), parts(), authorisation(), binding()]
}

/// The base licence with something changed after it was signed.
fn forged(change: impl FnOnce(&mut Frame)) -> Vec<u8> {
    let mut frame = Frame::base();
    change(&mut frame);
    frame.encode()
}

fn authenticity() -> LicenseGroup {
    let mut cases = Section::new("Precedence", "From the frame to the claims");
    let base = Licence::base();
    let header = |header: crate::fields::Fields| {
        Frame::signed(&base.signer, &header.encode(), &base.claims().encode())
    };
    let wrong_typ = header(base.header().set(16, cbor::text("JWT")));
    cases.invalid("trailing bytes before typ", "trailing_bytes", &[wrong_typ.encode(), vec![0]].concat());
    let long = [base.token(), vec![0; 5000]].concat();
    cases.invalid_bytes("the size before trailing bytes", "token_too_long", &long);
    let frame = Frame { unprotected: cbor::map(&[(cbor::int(1), cbor::int(0))]), ..wrong_typ.clone() };
    cases.invalid("the unprotected header before typ", "unprotected_header", &frame.encode());
    let stranger = header(base.header().set(4, cbor::bytes(b"who?")).set(16, cbor::text("JWT")));
    cases.invalid("typ before the key", "wrong_typ", &stranger.encode());
    let stranger = header(base.header().set(1, cbor::int(-8)).set(4, cbor::bytes(b"who?")));
    cases.invalid("the key before the algorithm", "unknown_key", &stranger.encode());
    let eddsa = Frame { signature: cbor::bytes(&[0; 64]), ..header(base.header().set(1, cbor::int(-8))) };
    cases.invalid("the algorithm before the signature", "algorithm_mismatch", &eddsa.encode());
    for (what, payload) in [
        ("no claims", Vec::new()),
        ("claims that are no map", vec![0]),
        ("claims that are no CBOR", vec![0xff; 8]),
        ("claims with a float", cbor::map(&[(cbor::int(4), vec![0xf9, 0x3c, 0])])),
        ("claims that are text", b"hello".to_vec()),
    ] {
        let token = forged(|frame| frame.payload = cbor::bytes(&payload));
        cases.invalid(format!("the signature before {what}"), "bad_signature", &token);
        let unknown = Frame::signed(
            &Signer::new(b"who?", 9),
            &base.header().set(4, cbor::bytes(b"who?")).encode(),
            &payload,
        );
        cases.invalid(format!("the key before {what}"), "unknown_key", &unknown.encode());
    }
    let ended = Licence::with(|l| l.expires = ISSUED);
    let token = forged(|frame| frame.payload = cbor::bytes(&ended.claims().encode()));
    cases.invalid("the signature before the time", "bad_signature", &token);
    let token = with_claim(4, cbor::text("never"));
    cases.invalid_at("the form of the claims before the time", "wrong_type", &token, EXPIRES + 1);
    let token = with_claim(100, vec![0xf9, 0x3c, 0]);
    cases.invalid_at("the form of what is ignored before the time", "forbidden_item", &token, EXPIRES + 1);
    cases.done()
}

/// A part is read from front to back, and the first thing that is wrong decides.
fn parts() -> LicenseGroup {
    let mut cases = Section::new("Precedence", "Within the header and within the claims");
    let base = Licence::base();
    let (header, claims) = (base.header(), base.claims());
    let after = |part: &crate::fields::Fields| [part.encode(), vec![0]].concat();
    let no_kid = header.clone().without(4);
    cases.invalid(
        "header: what is missing before what follows",
        "missing_field",
        &with_header(&after(&no_kid)),
    );
    let other = header.clone().set(16, cbor::text("JWT"));
    cases.invalid("header: what follows before typ", "trailing_bytes", &with_header(&after(&other)));
    let no_alg = other.clone().without(1).encode();
    cases.invalid("header: what is missing before typ", "missing_field", &with_header(&no_alg));
    let long = other.set(17, vec![0xff]).encode();
    cases.invalid("header: a later parameter before typ", "forbidden_item", &with_header(&long));
    let no_subject = claims.clone().without(2);
    cases.invalid(
        "claims: what is missing before what follows",
        "missing_field",
        &with_payload(&after(&no_subject)),
    );
    let late = no_subject.clone().set(4, cbor::text("never")).encode();
    cases.invalid("claims: what is wrong before what is missing", "wrong_type", &with_payload(&late));
    let first = claims.clone().set(4, cbor::text("never")).set(5, vec![0xff]).encode();
    cases.invalid("claims: the first of two", "wrong_type", &with_payload(&first));
    let grant = base.grant().without(1).encode();
    let tierless = after(&claims.clone().set(GRANT, grant));
    cases.invalid(
        "claims: what the grant is missing before what follows",
        "missing_field",
        &with_payload(&tierless),
    );
    for (what, hex, code) in [
        ("a type before a size", "bb ffffffffffffffff", "wrong_type"),
        ("a type before the text", "61 ff", "wrong_type"),
        ("the shortest form before a type", "78 01 61", "not_deterministic"),
        ("the shortest form before a tag", "d8 01 00", "not_deterministic"),
        ("a tag before a type", "c1 61 61", "forbidden_item"),
        ("a type before a range", "3b ffffffffffffffff", "wrong_type"),
    ] {
        cases.invalid(format!("exp: {what}"), code, &with_claim(4, unhex(hex)));
    }
    cases.invalid(
        "iss: UTF-8 before the length",
        "invalid_utf8",
        &with_claim(1, cbor::raw_text(&[0xff; 300])),
    );
    let two = |key: &str| cbor::map(&[(cbor::int(1), unhex(key)), (cbor::int(5), vec![0x00])]);
    let code = "unsupported_confirmation";
    cases.invalid("cnf: how many methods before the first", code, &with_claim(8, two("00")));
    let key = unhex("a3 01 02 20 06 21 80");
    let bad_key = cbor::map(&[(cbor::int(1), key)]);
    cases.invalid("cnf: kty before the type of x", "invalid_value", &with_claim(8, bad_key));
    let schema = base.grant().set(0, cbor::int(2)).set(1, vec![0xff]).encode();
    cases.invalid("grant: its schema before its tier", "unsupported_schema", &with_claim(GRANT, schema));
    cases.done()
}

fn authorisation() -> LicenseGroup {
    let mut cases = Section::new("Precedence", "From the time to the features")
        .issuer("acme")
        .audience("api")
        .features(&["f"]);
    let with = |change: fn(&mut Licence)| Licence::with(change).token();
    let mut case = |what: &str, code: &str, token: Vec<u8>| cases.invalid_at(what, code, &token, NOW);
    case("exp before iat", "expired", with(|l| (l.expires, l.issued_at) = (NOW, NOW + 1000)));
    case("exp before nbf", "expired", with(|l| (l.expires, l.not_before) = (NOW, Some(NOW + 1000))));
    case(
        "iat before nbf",
        "issued_in_future",
        with(|l| {
            (l.issued_at, l.not_before) = (NOW + 1000, Some(NOW + 1000));
        }),
    );
    case(
        "exp before the issuer",
        "expired",
        with(|l| {
            (l.expires, l.issuer) = (NOW, "umbrella".to_owned());
        }),
    );
    case(
        "nbf before the issuer",
        "not_yet_valid",
        with(|l| {
            (l.not_before, l.issuer) = (Some(NOW + 1000), "umbrella".to_owned());
        }),
    );
    case(
        "the issuer before the audience",
        "issuer_mismatch",
        with(|l| {
            (l.issuer, l.audience) = ("umbrella".to_owned(), Audience::One("web".to_owned()));
        }),
    );
    case("the issuer before the features", "issuer_mismatch", with(|l| l.issuer = "umbrella".to_owned()));
    case(
        "the audience before the features",
        "audience_mismatch",
        with(|l| {
            l.audience = Audience::One("web".to_owned());
        }),
    );
    case(
        "the features last",
        "feature_not_licensed",
        with(|l| {
            l.audience = Audience::One("api".to_owned());
        }),
    );
    case(
        "everything after the time",
        "expired",
        with(|l| {
            (l.expires, l.issuer, l.audience) = (0, "umbrella".to_owned(), Audience::One("web".to_owned()));
        }),
    );
    cases.done()
}

fn binding() -> LicenseGroup {
    let mut cases = Section::new("Precedence", "From the audience to the features")
        .audience("api")
        .features(&["f"])
        .node([1; 32])
        .release(NOW);
    let with = |change: fn(&mut Licence)| {
        let mut licence = super::confirmation::bound();
        change(&mut licence);
        licence.token()
    };
    let mut case = |what: &str, code: &str, token: Vec<u8>| cases.invalid(what, code, &token);
    case(
        "the audience before the machine",
        "audience_mismatch",
        with(|l| (l.audience, l.node_locks) = (Audience::One("web".to_owned()), vec![[2; 32]])),
    );
    case(
        "the machine before the release",
        "node_mismatch",
        with(|l| (l.node_locks, l.maintained_until) = (vec![[2; 32]], Some(0))),
    );
    case("the release before the proof", "release_not_covered", with(|l| l.maintained_until = Some(0)));
    case("the proof before the features", "proof_required", with(|_| {}));
    cases.done()
}
