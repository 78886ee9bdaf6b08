//! The tests of tokens.

mod audience;
mod binding;
mod claims;
mod complexity;
mod confirmation;
mod damage;
mod determinism;
mod features;
mod forbidden;
mod frame;
mod grant;
mod grant_ranges;
mod header;
mod ignored;
mod keys;
mod limits;
mod missing;
mod order;
mod precedence;
mod proof;
mod ranges;
mod signature;
mod terms;
mod time;
mod types;
mod utf8;

pub(crate) use confirmation::bound;

use licentia_vectors::{File, LicenseGroup};

use crate::output;

/// What the flags mean.
const NOTES: &[(&str, &str)] = &[
    ("Audience", "Whom the licence is for, against the service that asks."),
    (
        "BitFlip",
        "One bit of a good token is turned over. Where the code is null, any code of the groups 1xx and 2xx is right.",
    ),
    ("Bytes", "One byte of a good token is added, removed or doubled."),
    ("Claims", "A good licence, for the value of one claim."),
    ("Complexity", "Nesting and the number of data items are bounded."),
    ("Confirmation", "The claim cnf, which binds a licence to its holder's key."),
    ("Critical", "The header crit: what must be understood and is not, is fatal."),
    ("DuplicateKey", "A map key occurs twice."),
    ("Feature", "Features that are asked for."),
    ("ForbiddenItem", "Floats, tags, simple values and reserved heads have no place in a licence."),
    ("Frame", "The form of COSE_Sign1 around header and claims."),
    ("Grace", "The contract has ended and the licence has not."),
    ("Grant", "A good licence, for the value of one field of the grant."),
    ("Header", "The protected header."),
    ("Ignored", "What is not known and not critical is read over, as strictly as anything else."),
    ("Indefinite", "Lengths are definite."),
    ("Issuer", "Who issued the licence, against whom the service expects."),
    (
        "KeyLookup",
        "Keys are found by comparing identifiers byte for byte; at most four with one identifier are tried.",
    ),
    ("Missing", "Something required is missing."),
    ("Node", "Which machine a licence is for."),
    ("Precedence", "Two things are wrong; the order of the checks says which is told."),
    ("Proof", "A licence with cnf needs a proof that its holder made this very request."),
    ("Range", "A value keeps to its range, length, count and grammar."),
    ("Release", "Which releases a licence covers."),
    ("Schema", "A schema that is not known is refused before the rest of the grant is read."),
    ("Shortest", "Integers and lengths take their shortest form."),
    ("Signature", "Signatures that look right, and signatures that only look wrong."),
    ("Size", "A token has at most 4096 bytes."),
    ("Time", "The first second that counts and the first that is too late."),
    ("Trailing", "Nothing follows the token or a part of it."),
    ("Truncated", "A good token is cut short."),
    ("Type", "A known field has its own type; a wrong one is never taken for absent."),
    ("UnknownCriticalField", "An unknown negative key must be understood, and is not."),
    ("UnsortedKeys", "Map keys ascend by their encoded bytes."),
    ("Utf8", "Texts are UTF-8."),
];

pub(crate) fn file() -> File<LicenseGroup> {
    let groups = [
        claims::groups(),
        grant::groups(),
        features::groups(),
        terms::groups(),
        ignored::groups(),
        limits::groups(),
        determinism::groups(),
        order::groups(),
        forbidden::groups(),
        complexity::groups(),
        utf8::groups(),
        frame::groups(),
        header::groups(),
        keys::groups(),
        signature::groups(),
        types::groups(),
        missing::groups(),
        ranges::groups(),
        grant_ranges::groups(),
        confirmation::groups(),
        time::groups(),
        audience::groups(),
        binding::groups(),
        proof::groups(),
        precedence::groups(),
        damage::groups(),
    ];
    output::file("licentia-license-v1", NOTES, groups.concat())
}
