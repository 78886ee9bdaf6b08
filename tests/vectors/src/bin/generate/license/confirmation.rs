//! The claim `cnf`.

use licentia_vectors::LicenseGroup;
use sha2::{Digest as _, Sha256};

use crate::{
    cbor::{self, Item},
    encoding::unhex,
    fields::Fields,
    licence::{Confirmation, Licence},
    proof::{Presented, holder},
    section::Section,
    token::with_claim,
};

/// The COSE_Key of a holder, with what is required.
pub(super) fn holder_key() -> Fields {
    Fields::default().set(1, cbor::int(1)).set(-1, cbor::int(6)).set(-2, cbor::bytes(&holder().public()))
}

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![good(), methods(), keys()]
}

fn good() -> LicenseGroup {
    let mut cases =
        Section::new("Confirmation", "Good licences that are bound to a holder's key, each with a proof");
    let public = holder().public();
    let kid = |length: usize| cbor::bytes(&vec![b'h'; length]);
    for (what, key) in [
        ("a key", holder_key()),
        ("a key with kid", holder_key().set(2, kid(4))),
        ("a key with an empty kid", holder_key().set(2, kid(0))),
        ("a key with a kid of 100 bytes", holder_key().set(2, kid(100))),
        ("a key with alg", holder_key().set(3, cbor::int(-19))),
        ("a key with kid and alg", holder_key().set(2, kid(4)).set(3, cbor::int(-19))),
    ] {
        cases
            .valid(what, &Licence::with(|l| l.confirmation = Some(Confirmation::Key(public, key.entries()))));
        cases.prove(Presented::base().present());
    }
    cases.valid("a thumbprint", &bound_by_thumbprint());
    cases.prove(Presented::with_key(&holder()).present());
    cases.done()
}

/// The base licence, bound to the holder's key.
pub(crate) fn bound() -> Licence {
    let key = holder_key().entries();
    Licence::with(|l| l.confirmation = Some(Confirmation::Key(holder().public(), key)))
}

/// The base licence, bound to the thumbprint of the holder's key (RFC 9679).
pub(super) fn bound_by_thumbprint() -> Licence {
    let print = Sha256::digest(holder_key().encode());
    Licence::with(|l| l.confirmation = Some(Confirmation::Thumbprint(print.into())))
}

fn methods() -> LicenseGroup {
    let mut cases = Section::new("Confirmation", "Methods that are not known, and more than one");
    let code = "unsupported_confirmation";
    let print = || cbor::bytes(&[0; 32]);
    let with = |entries: &[(Item, Item)]| with_claim(8, cbor::map(entries));
    cases.invalid("no method", code, &with(&[]));
    for (what, key, value) in [
        ("2, an encrypted key", cbor::int(2), cbor::bytes(&[0; 16])),
        ("3, a key identifier", cbor::int(3), cbor::bytes(b"hold")),
        ("4, a URI of thumbprints", cbor::int(4), cbor::text("urn:a")),
        ("0", cbor::int(0), print()),
        ("6", cbor::int(6), print()),
        ("-1", cbor::int(-1), print()),
        ("\"jwk\"", cbor::text("jwk"), cbor::map(&[])),
        ("\"5\"", cbor::text("5"), print()),
        ("h'05'", cbor::bytes(&[5]), print()),
        ("2^64 - 1", cbor::uint(u64::MAX), print()),
    ] {
        cases.invalid(format!("the method {what}"), code, &with(&[(key, value)]));
    }
    let key = || (cbor::int(1), holder_key().encode());
    cases.invalid("a key and a thumbprint", code, &with(&[key(), (cbor::int(5), print())]));
    cases.invalid("a key and an unknown method", code, &with(&[key(), (cbor::int(3), cbor::bytes(b"k"))]));
    cases.invalid(
        "a thumbprint and an unknown method",
        code,
        &with(&[(cbor::int(5), print()), (cbor::int(6), print())]),
    );
    cases.invalid(
        "an unknown method and a thumbprint",
        code,
        &with(&[(cbor::int(3), cbor::bytes(b"k")), (cbor::int(5), print())]),
    );
    cases.flag("Range");
    for length in [0, 31, 33, 64] {
        let print = cbor::bytes(&vec![0; length]);
        cases.invalid(
            format!("a thumbprint of {length} bytes"),
            "invalid_value",
            &with(&[(cbor::int(5), print)]),
        );
    }
    cases.done()
}

fn keys() -> LicenseGroup {
    let mut cases =
        Section::new("Confirmation", "Keys of a holder that are not Ed25519, or not public, or not whole");
    let with = |key: &Fields| with_claim(8, cbor::map(&[(cbor::int(1), key.encode())]));
    for (what, label, value) in [
        ("kty 2, EC2", 1, "02"),
        ("kty 4, symmetric", 1, "04"),
        ("kty 0", 1, "00"),
        ("crv 4, X25519", -1, "04"),
        ("crv 7, Ed448", -1, "07"),
        ("crv 1, P-256", -1, "01"),
        ("alg -8, EdDSA", 3, "27"),
        ("alg -7, ES256", 3, "26"),
        ("x of 31 bytes", -2, "58 1f 00000000000000000000000000000000000000000000000000000000000000"),
        ("x of 33 bytes", -2, "58 21 000000000000000000000000000000000000000000000000000000000000000000"),
        ("x of no bytes", -2, "40"),
        ("a private key", -4, "58 20 0000000000000000000000000000000000000000000000000000000000000000"),
        ("y, as of EC2", -3, "f4"),
        ("key_ops", 4, "81 02"),
        ("a base IV", 5, "40"),
        ("an unknown parameter", 100, "00"),
        ("an unknown negative parameter", -70_000, "00"),
    ] {
        cases.invalid(what, "invalid_value", &with(&holder_key().set(label, unhex(value))));
    }
    let text = holder_key().set_raw(cbor::text("x"), cbor::uint(0));
    cases.invalid("a parameter with a text label", "invalid_value", &with(&text));
    cases.flag("Missing");
    cases.invalid("kty is missing", "missing_field", &with(&holder_key().without(1)));
    cases.invalid("crv is missing", "missing_field", &with(&holder_key().without(-1)));
    cases.invalid("x is missing", "missing_field", &with(&holder_key().without(-2)));
    cases.done()
}
