//! Text forms and hexadecimal.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

pub(crate) fn license_text(token: &[u8]) -> String {
    format!("lic1_{}", BASE64URL_NOPAD.encode(token))
}

pub(crate) fn key_text(cose_key: &[u8]) -> String {
    format!("licpub1_{}", BASE64URL_NOPAD.encode(cose_key))
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// Bytes from hexadecimal digits of either case; spaces are for the reader.
pub(crate) fn unhex(digits: &str) -> Vec<u8> {
    let digits = digits.to_lowercase().replace(' ', "");
    HEXLOWER.decode(digits.as_bytes()).expect("the generator writes good hexadecimal")
}
