//! Deterministic CBOR (RFC 8949, section 4.2.1) by ciborium, independent of core's reader.

use ciborium::Value;

/// Decodes one item that fills `bytes`.
pub fn decode(bytes: &[u8]) -> Option<Value> {
    let mut rest = bytes;
    let value = ciborium::from_reader(&mut rest).ok()?;
    rest.is_empty().then_some(value)
}

/// Encodes a value with every map in the order of its encoded keys.
///
/// # Panics
/// Where ciborium cannot write to memory, which does not happen.
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(&sorted(value), &mut bytes).expect("memory takes everything");
    bytes
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Map(entries) => {
            let mut entries: Vec<_> =
                entries.iter().map(|(key, value)| (sorted(key), sorted(value))).collect();
            entries.sort_by_cached_key(|(key, _)| canonical(key));
            Value::Map(entries)
        }
        Value::Tag(number, value) => Value::Tag(*number, Box::new(sorted(value))),
        other => other.clone(),
    }
}
