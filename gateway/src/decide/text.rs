//! Text in header fields and JSON.

use http::HeaderValue;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What a field's value would not carry as it is.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%').add(0x7f);

/// A value with what is not visible ASCII, and `%`, percent-encoded.
pub(crate) fn field_value(text: &str) -> HeaderValue {
    // Most values are visible ASCII as they are.
    if text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'%')
        && let Ok(value) = HeaderValue::from_str(text)
    {
        return value;
    }
    let encoded = utf8_percent_encode(text, ENCODED).to_string();
    HeaderValue::try_from(encoded.trim()).unwrap_or(HeaderValue::from_static(""))
}

/// A path for people, without a token that somebody may have put there.
pub(crate) fn shown_path(target: &str) -> &str {
    let path = target.split('?').next().unwrap_or_default();
    if path.contains("lic1_") { "(a path with a token)" } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_a_value() {
        for (text, value) in [
            ("acme", "acme"),
            ("a b", "a b"),
            ("café", "caf%C3%A9"),
            ("a\r\nX: y", "a%0D%0AX: y"),
            ("5%", "5%25"),
        ] {
            assert_eq!(field_value(text), value);
        }
    }
}
