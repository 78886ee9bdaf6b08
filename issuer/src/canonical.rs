//! Deterministic CBOR (RFC 8949, section 4.2.1), written by ciborium.
//!
//! ciborium writes the shortest heads and definite lengths; what is left is
//! the order of map keys, by their encoded bytes.

use ciborium::Value;

/// A map with integer labels; entries without a value are left out.
pub(crate) fn labelled<const N: usize>(entries: [(i64, Option<Value>); N]) -> Value {
    let entries = entries.into_iter();
    Value::Map(entries.filter_map(|(label, value)| Some((Value::from(label), value?))).collect())
}

/// Encodes a value, with every map in canonical order.
pub(crate) fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory fails only for values that `Value` cannot hold.
    ciborium::into_writer(&sorted(value), &mut bytes).unwrap_or_default();
    bytes
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Map(entries) => {
            let mut entries: Vec<_> =
                entries.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            entries.sort_by_cached_key(|(key, _)| encode(key));
            Value::Map(entries)
        }
        Value::Tag(number, value) => Value::Tag(*number, Box::new(sorted(value))),
        other => other.clone(),
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
            encode(&value),
            [
                0xa7, 0x02, 0, 0x18, 24, 0, 0x19, 255, 255, 0, 0x20, 0, 0x3a, 0, 1, 0, 0, 0, 0x61, b'b', 0,
                0x62, b'a', b'a', 0
            ]
        );
    }
}
