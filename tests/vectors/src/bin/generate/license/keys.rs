//! Which key is tried.

use licentia_vectors::LicenseGroup;

use crate::{cbor, licence::Licence, section::Section, signer::Signer, token::with_parameter};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    let main = Signer::main;
    // Keys of somebody else under the main key's identifier.
    let same = |seed| Signer::new(b"main", seed);
    let other = |number: u8| Signer::new(&[b'k', number], number);
    let good = |comment: &str, keys: &[Signer]| {
        let mut cases = Section::new("KeyLookup", comment).keys(keys);
        cases.valid(comment, &Licence::base());
        cases.done()
    };
    let bad = |comment: &str, code: &str, keys: &[Signer]| {
        let mut cases = Section::new("KeyLookup", comment).keys(keys);
        cases.invalid(comment, code, &Licence::base().token());
        cases.done()
    };
    vec![
        bad("no keys", "unknown_key", &[]),
        bad("a key with another identifier", "unknown_key", &[other(9)]),
        bad("the right key under another identifier", "unknown_key", &[Signer::new(b"niam", 1)]),
        unknown(),
        bad("another key under the identifier", "bad_signature", &[same(9)]),
        good("the same key twice", &[main(), main()]),
        bad("the identifier twice, the good key first", "ambiguous_key", &[main(), same(9)]),
        bad("the identifier twice, the good key second", "ambiguous_key", &[same(9), main()]),
        bad(
            "the identifier five times, the good key last",
            "ambiguous_key",
            &[same(9), same(8), same(7), same(6), main()],
        ),
        bad("others between two of the identifier", "ambiguous_key", &[main(), other(9), other(8), same(9)]),
        good("the good key among others", &[other(9), other(8), main(), other(7)]),
        good("the last of 20 keys", &(2..21).map(other).chain([main()]).collect::<Vec<_>>()),
        both(),
    ]
}

fn unknown() -> LicenseGroup {
    let mut cases = Section::new("KeyLookup", "Identifiers that are nearly the known one");
    for (what, kid) in [
        ("a beginning", &b"mai"[..]),
        ("the end", b"ain"),
        ("one byte more", b"main1"),
        ("a zero more", b"main\0"),
        ("a zero before", b"\0main"),
        ("capitals", b"MAIN"),
        ("a space more", b"main "),
        ("one zero", b"\0"),
        ("32 bytes", b"mainmainmainmainmainmainmainmain"),
        ("hexadecimal", b"6d61696e"),
    ] {
        cases.invalid(what, "unknown_key", &with_parameter(4, cbor::bytes(kid)));
    }
    cases.done()
}

/// Two issuers' keys: each licence is checked with its own.
fn both() -> LicenseGroup {
    let (one, two) = (Signer::new(b"one", 3), Signer::new(b"two", 4));
    let mut cases = Section::new("KeyLookup", "two keys").keys(&[one.clone(), two.clone()]);
    cases.valid("signed with the first", &Licence::with(|l| l.signer = one));
    cases.valid("signed with the second", &Licence::with(|l| l.signer = two));
    let swapped = Licence::with(|l| l.signer = Signer::new(b"one", 4));
    cases.invalid("the first identifier with the second key", "bad_signature", &swapped.token());
    cases.done()
}
