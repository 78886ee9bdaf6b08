//! The text form: a prefix and unpadded base64url (RFC 4648, section 5), decoded strictly.
//!
//! The prefix helps people and secret scanners to tell what a string is; it is not trusted.

use core::fmt::{self, Write};

use crate::{buffer::Buffer, code::Code, limits};

/// Prefix of a licence's text form.
pub const LICENSE_PREFIX: &str = "lic1_";
/// Prefix of a public key's text form.
pub const KEY_PREFIX: &str = "licpub1_";
const _: () = assert!(
    limits::TOKEN_TEXT == LICENSE_PREFIX.len() + (limits::TOKEN_BYTES * 4).div_ceil(3),
    "the longest text is that of the longest token"
);

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const NONE: u8 = 0xff;

/// Value of each byte as a base64url digit, or `NONE`.
const DIGITS: [u8; 256] = {
    let mut digits = [NONE; 256];
    let mut value = 0_u8;
    while value < 64 {
        #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, with constant bounds")]
        {
            digits[ALPHABET[value as usize] as usize] = value;
        }
        value = value.wrapping_add(1);
    }
    digits
};

/// Decodes the text form of a licence into `buffer` and returns the token's bytes.
///
/// # Errors
/// [`Code::MalformedText`] for anything but the one canonical text,
/// [`Code::TokenTooLong`] for more than [`limits::TOKEN_BYTES`].
pub fn decode_license<'b>(text: &str, buffer: &'b mut Buffer) -> Result<&'b [u8], Code> {
    decode_license_into(text, buffer.bytes_mut())
}

/// As [`decode_license`], into space of any size.
///
/// # Errors
/// As [`decode_license`]; [`Code::TokenTooLong`] for what the space does not hold.
pub fn decode_license_into<'b>(text: &str, space: &'b mut [u8]) -> Result<&'b [u8], Code> {
    let digits = text.strip_prefix(LICENSE_PREFIX).ok_or(Code::MalformedText)?;
    decode(digits, space)
}

/// Decodes unpadded base64url without a prefix, as a proof travels in, into `buffer`.
///
/// # Errors
/// [`Code::MalformedText`] for anything but the one canonical text, [`Code::TokenTooLong`] for too much.
pub fn decode_base64url<'b>(text: &str, buffer: &'b mut Buffer) -> Result<&'b [u8], Code> {
    decode(text, buffer.bytes_mut())
}

/// Strict base64url without padding: no white space, no `=`, no stray bits in the last digit.
pub(crate) fn decode<'b>(digits: &str, out: &'b mut [u8]) -> Result<&'b [u8], Code> {
    let digits = digits.as_bytes();
    if digits.len() % 4 == 1 {
        return Err(Code::MalformedText);
    }
    let length = digits.len().saturating_mul(3) / 4;
    let out = out.get_mut(..length).ok_or(Code::TokenTooLong)?;
    let (groups, tail) = digits.as_chunks::<4>();
    let (triples, rest) = out.as_chunks_mut::<3>();
    let mut seen = 0_u8;
    for (group, triple) in groups.iter().zip(triples) {
        let [a, b, c, d] = group.map(digit);
        seen |= a | b | c | d;
        *triple = [(a << 2) | (b >> 4), (b << 4) | (c >> 2), (c << 6) | d];
    }
    match (tail, rest) {
        ([], []) => {}
        (&[a, b], [first]) => {
            let [a, b] = [a, b].map(digit);
            seen |= a | b | stray(b << 4);
            *first = (a << 2) | (b >> 4);
        }
        (&[a, b, c], [first, second]) => {
            let [a, b, c] = [a, b, c].map(digit);
            seen |= a | b | c | stray(c << 6);
            (*first, *second) = ((a << 2) | (b >> 4), (b << 4) | (c >> 2));
        }
        _ => return Err(Code::MalformedText),
    }
    // A digit is below 64; what is not a digit, or leaves bits over, sets the high bit.
    if seen & 0x80 == 0 { Ok(out) } else { Err(Code::MalformedText) }
}

fn digit(byte: u8) -> u8 {
    DIGITS.get(usize::from(byte)).copied().unwrap_or(NONE)
}

fn stray(bits: u8) -> u8 {
    if bits == 0 { 0 } else { NONE }
}

/// Shows bytes in a text form: `Text::license(token)` or `Text::key(cose_key)`.
pub struct Text<'a> {
    prefix: &'static str,
    bytes: Base64Url<'a>,
}

/// Shows bytes in unpadded base64url.
pub struct Base64Url<'a>(pub &'a [u8]);

impl<'a> Text<'a> {
    /// The text form of a licence.
    pub fn license(token: &'a [u8]) -> Self {
        Self { prefix: LICENSE_PREFIX, bytes: Base64Url(token) }
    }

    /// The text form of a public key, given as the bytes of a COSE_Key.
    pub fn key(cose_key: &'a [u8]) -> Self {
        Self { prefix: KEY_PREFIX, bytes: Base64Url(cose_key) }
    }
}

/// The bytes may be a token, which no log should hold.
impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(..)")
    }
}

impl fmt::Debug for Base64Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Base64Url(..)")
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix)?;
        self.bytes.fmt(f)
    }
}

impl fmt::Display for Base64Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |value: u8| char::from(ALPHABET.get(usize::from(value)).copied().unwrap_or(b'A'));
        let (triples, tail) = self.0.as_chunks::<3>();
        for &[a, b, c] in triples {
            for value in [a >> 2, (a << 4 | b >> 4) & 63, (b << 2 | c >> 6) & 63, c & 63] {
                f.write_char(digit(value))?;
            }
        }
        let (values, count) = match *tail {
            [a] => ([a >> 2, (a << 4) & 63, 0], 2),
            [a, b] => ([a >> 2, (a << 4 | b >> 4) & 63, (b << 2) & 63], 3),
            _ => ([0; 3], 0),
        };
        values.into_iter().take(count).try_for_each(|value| f.write_char(digit(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn what_is_shown_is_read_back() {
        for length in 0..70_u8 {
            let bytes: std::vec::Vec<u8> = (0..length).map(|i| i.wrapping_mul(37) ^ length).collect();
            let text = Text::license(&bytes).to_string();
            let mut buffer = Buffer::new();
            assert_eq!(decode_license(&text, &mut buffer), Ok(&bytes[..]));
        }
        assert_eq!(Text::license(b"\xff\xef").to_string(), "lic1__-8");
    }

    #[test]
    fn only_the_canonical_text_is_taken() {
        let mut buffer = Buffer::new();
        for bad in [
            "",
            "lic1",
            "LIC1_AAAA",
            "lic2_AAAA",
            "lic1_A",
            "lic1_AA==",
            "lic1_AB",
            "lic1_AAB",
            "lic1_AAAA\n",
            " lic1_AAAA",
            "lic1_AA AA",
            "lic1_AA+A",
            "lic1_AA/A",
            "lic1_AAA\u{e9}",
        ] {
            assert_eq!(decode_license(bad, &mut buffer), Err(Code::MalformedText), "{bad:?}");
        }
        let longest = std::format!("lic1_{}", "A".repeat(limits::TOKEN_TEXT - 5));
        assert_eq!(decode_license(&longest, &mut buffer).map(<[u8]>::len), Ok(limits::TOKEN_BYTES));
        let longer = std::format!("{longest}AA");
        assert_eq!(decode_license(&longer, &mut buffer), Err(Code::TokenTooLong));
    }
}
