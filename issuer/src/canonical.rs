//! The deterministic encoder (RFC 8949, section 4.2.1) for everything that a vendor signs.
//!
//! ciborium writes the shortest heads and definite lengths. What is left to
//! do here is the order of map keys, by their encoded bytes.

use ciborium::Value;
use licentia_core::Timestamp;
use serde::Serialize;

/// Encodes a value deterministically.
pub fn canonical(value: &(impl Serialize + ?Sized)) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Only a value that CBOR cannot represent fails, such as an iterator that lies about its length.
    let written = Value::serialized(value)
        .map_err(drop)
        .and_then(|value| ciborium::into_writer(&sorted(value), &mut bytes).map_err(drop));
    debug_assert!(written.is_ok(), "a value of an issuer is representable in CBOR");
    bytes
}

/// A map with integer labels. Entries without a value are left out.
pub(crate) fn labelled<const N: usize>(entries: [(i64, Option<Value>); N]) -> Value {
    let entries = entries.into_iter();
    Value::Map(entries.filter_map(|(label, value)| Some((Value::from(label), value?))).collect())
}

/// A byte string.
pub(crate) fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.to_vec())
}

/// A point in time.
pub(crate) fn time(time: Timestamp) -> Value {
    Value::from(time.as_seconds())
}

/// An array of unsigned integers.
pub(crate) fn uints<const N: usize>(items: [u64; N]) -> Value {
    Value::Array(items.map(Value::from).to_vec())
}

/// Puts the keys of every map into the order of their encoded bytes.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Map(entries) => {
            let mut entries: Vec<_> =
                entries.into_iter().map(|(key, value)| (sorted(key), sorted(value))).collect();
            entries.sort_by_cached_key(|(key, _)| canonical(key));
            Value::Map(entries)
        }
        Value::Tag(number, value) => Value::Tag(number, Box::new(sorted(*value))),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_by_their_encoded_bytes() {
        let value = Value::Map(
            [
                Value::from("aa"),
                Value::from("b"),
                Value::from(-65_537),
                Value::from(65_535),
                Value::from(24),
                Value::from(-1),
                Value::from(2),
            ]
            .map(|key| (key, Value::from(0)))
            .to_vec(),
        );
        assert_eq!(
            canonical(&value),
            [
                0xa7, 0x02, 0, 0x18, 24, 0, 0x19, 255, 255, 0, 0x20, 0, 0x3a, 0, 1, 0, 0, 0, 0x61, b'b', 0,
                0x62, b'a', b'a', 0
            ]
        );
    }
}
