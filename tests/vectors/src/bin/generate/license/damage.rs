//! One good token, damaged in every place.

use licentia_vectors::LicenseGroup;

use crate::{licence::Licence, section::Section, terms::Feature, token::Frame};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    vec![bit_flips(), truncated(), bytes()]
}

/// The token that is damaged.
fn licence() -> Licence {
    Licence::with(|l| l.features = vec![("export".to_owned(), Feature::on())])
}

fn bit_flips() -> LicenseGroup {
    let mut cases = Section::new("BitFlip", "Every single bit of a token turned over");
    let licence = licence();
    let token = licence.token();
    // The contents of the identifier, the payload and the signature are known places, where the code is
    // certain. Anywhere else several codes are right.
    let (header, claims) = (licence.header().encode(), licence.claims().encode());
    let find = |part: &[u8]| {
        let start = token.windows(part.len()).position(|window| window == part).expect("it is there");
        start..start + part.len()
    };
    let (kid, payload) = (find(&licence.signer.kid), find(&claims));
    let signature = token.len() - 64..token.len();
    debug_assert_eq!(Frame::signed(&licence.signer, &header, &claims).encode(), token);
    for at in 0..token.len() {
        for bit in 0..8 {
            let mut flipped = token.clone();
            flipped[at] ^= 1 << bit;
            let comment = format!("byte {at}, bit {bit}");
            if kid.contains(&at) {
                cases.invalid(comment, "unknown_key", &flipped);
            } else if payload.contains(&at) || signature.contains(&at) {
                cases.invalid(comment, "bad_signature", &flipped);
            } else {
                cases.refused(comment, &flipped);
            }
        }
    }
    cases.done()
}

fn truncated() -> LicenseGroup {
    let mut cases = Section::new("Truncated", "A token cut at every byte");
    let token = licence().token();
    for length in 0..token.len() {
        cases.invalid(format!("the first {length} bytes"), "truncated", &token[..length]);
    }
    cases.done()
}

fn bytes() -> LicenseGroup {
    let mut cases = Section::new("Bytes", "Bytes of a token added, removed and doubled");
    let token = licence().token();
    cases.valid("the token itself", &licence());
    for at in (0..token.len()).step_by(5) {
        let mut shorter = token.clone();
        shorter.remove(at);
        cases.refused(format!("byte {at} removed"), &shorter);
        let mut longer = token.clone();
        longer.insert(at, token[at]);
        cases.refused(format!("byte {at} doubled"), &longer);
        let mut zeroed = token.clone();
        zeroed[at] = !zeroed[at];
        cases.refused(format!("byte {at} complemented"), &zeroed);
    }
    cases.invalid("the first byte removed", "malformed_frame", &token[1..]);
    cases.done()
}
