//! The size of tokens.

use licentia_vectors::LicenseGroup;

use crate::{
    licence::{Licence, NOW},
    section::Section,
    token::{of_size, with_payload},
};

pub(crate) fn groups() -> Vec<LicenseGroup> {
    let mut cases = Section::new("Size", "The size of a token");
    for size in [4095, 4096] {
        let comment = format!("{size} bytes");
        cases.valid_token(comment, &Licence::base(), &of_size(size), NOW, "active");
    }
    for size in [4097, 4098, 4099, 5000, 8192] {
        cases.invalid(format!("{size} bytes, as text"), "token_too_long", &of_size(size));
        cases.invalid_bytes(format!("{size} bytes, as bytes"), "token_too_long", &of_size(size));
    }
    let zeros = vec![0; 4097];
    cases.invalid("4097 zeros, as text", "token_too_long", &zeros);
    cases.invalid_bytes("4097 zeros, as bytes", "token_too_long", &zeros);
    let longer = [of_size(4096), vec![0]].concat();
    cases.invalid_bytes("a good token of 4096 bytes, and one byte more", "token_too_long", &longer);
    cases.invalid("no bytes, as text", "truncated", &[]);
    cases.invalid_bytes("no bytes, as bytes", "truncated", &[]);
    cases.invalid("no claims at all", "truncated", &with_payload(&[]));
    vec![cases.done()]
}
