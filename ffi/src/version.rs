//! Versions of the library, to compare with those of the header.

use std::ffi::{CStr, c_char};

const fn number(digits: &str) -> u32 {
    let (digits, mut at, mut value) = (digits.as_bytes(), 0, 0);
    while at < digits.len() {
        #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            value = value * 10 + (digits[at] - b'0') as u32;
        }
        at += 1;
    }
    value
}

const MAJOR: u32 = number(env!("CARGO_PKG_VERSION_MAJOR"));
const MINOR: u32 = number(env!("CARGO_PKG_VERSION_MINOR"));
const PATCH: u32 = number(env!("CARGO_PKG_VERSION_PATCH"));
const TEXT: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(text) => text,
    Err(_) => c"",
};

/// Version of the library, such as "0.1.0". Compare it with LICENTIA_VERSION of the header. Never free it.
#[unsafe(no_mangle)]
pub extern "C" fn licentia_version() -> *const c_char {
    TEXT.as_ptr()
}

/// Version of the library as a number that grows. Compare it with LICENTIA_VERSION_NUMBER of the header.
#[unsafe(no_mangle)]
pub extern "C" fn licentia_version_number() -> u32 {
    MAJOR << 16 | MINOR << 8 | PATCH
}

/// Number of the ABI, with which the name of the shared library ends. Compare it with LICENTIA_ABI_VERSION of the
/// header.
#[unsafe(no_mangle)]
pub extern "C" fn licentia_abi_version() -> u32 {
    crate::status::LICENTIA_ABI_VERSION
}
