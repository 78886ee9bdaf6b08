//! Deterministic CBOR (RFC 8949, section 4.2.1) by ciborium, independent of core's reader and writer.

use ciborium::Value;

pub use licentia_issuer::canonical;

/// Decodes one item that fills `bytes`.
pub fn decode(bytes: &[u8]) -> Option<Value> {
    let mut rest = bytes;
    let value = ciborium::from_reader(&mut rest).ok()?;
    rest.is_empty().then_some(value)
}
