//! Names of tiers, features, meters and rates: 1 to 64 of `a-z 0-9 . _ : -`.

use crate::{
    cbor::{self, Malformed, Reader},
    code::Code,
    limits,
};

/// Whether `name` keeps to the grammar of names.
///
/// ```
/// assert!(licentia_core::inner::is_valid_name("reports.export:pdf"));
/// assert!(!licentia_core::inner::is_valid_name("Export"));
/// ```
pub fn is_valid(name: &str) -> bool {
    (1..=limits::NAME_BYTES).contains(&name.len())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b':' | b'-'))
}

/// Reads a name.
pub(crate) fn read<'a>(reader: &mut Reader<'a>) -> cbor::Result<&'a str> {
    let offset = reader.offset();
    checked(reader.text()?, offset)
}

/// Returns `name` if it is valid; `offset` is where it stands.
pub(crate) fn checked(name: &str, offset: usize) -> cbor::Result<&str> {
    if is_valid(name) { Ok(name) } else { Err(Malformed { code: Code::InvalidValue, offset }) }
}
