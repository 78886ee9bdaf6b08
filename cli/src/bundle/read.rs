//! Reads bundles.

use licentia_core::{Code, Keyring, revocation::Bundle};

use crate::terminal::output::{Refused, Result};

/// Reads a bundle as a gate does.
pub(super) fn read<'a>(bytes: &'a [u8], keyring: Keyring<'_>) -> Result<Bundle<'a>> {
    Ok(Bundle::read(bytes, keyring).map_err(explain)?.0)
}

/// A refusal, and what to do about it.
pub(super) fn explain(code: Code) -> Box<dyn std::error::Error> {
    Box::new(Refused(format!("bundle: {code} {}", code.advice())))
}
