//! The text form: accepted exactly if another library decodes it strictly, and then the one text of its bytes.

#![no_main]

use data_encoding::BASE64URL_NOPAD;
use libfuzzer_sys::fuzz_target;
use licentia_core::{Buffer, Code, Key, limits, text};
use licentia_fuzz::{Bound, bounded};

/// Decoding needs no heap; showing needs the text.
const BOUND: Bound = Bound { heap: (16_384, 16), nanos: (400_000, 100) };

fuzz_target!(|data: &[u8]| {
    bounded(data.len(), BOUND, || {
        if let Ok(given) = std::str::from_utf8(data) {
            decode(given);
        }
        if data.len() <= limits::TOKEN_BYTES {
            let shown = text::Text::license(data).to_string();
            assert_eq!(text::decode_license(&shown, &mut Buffer::new()), Ok(data));
        }
    });
});

fn decode(given: &str) {
    let mut buffer = Buffer::new();
    let ours = text::decode_license(given, &mut buffer).map(<[u8]>::to_vec);
    let digits = given.strip_prefix(text::LICENSE_PREFIX);
    let theirs = digits.and_then(|digits| BASE64URL_NOPAD.decode(digits.as_bytes()).ok());
    match (&ours, &theirs) {
        (Ok(ours), Some(theirs)) => {
            assert_eq!(ours, theirs);
            assert_eq!(text::Text::license(ours).to_string(), given);
        }
        (Err(Code::MalformedText), None) => {}
        // The length is looked at before the digits.
        (Err(Code::TokenTooLong), _) => assert!(given.len() > limits::TOKEN_TEXT),
        _ => panic!("{ours:?} {theirs:?}"),
    }
    if let Ok(key) = Key::from_text(given) {
        assert_eq!(key.to_string(), given, "a key has one text");
    }
}
