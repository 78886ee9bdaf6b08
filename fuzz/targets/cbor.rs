//! The strict reader and the envelope: the reader takes exactly what another library reads whole, writes back as it
//! was, and that keeps to the rules; an envelope that is taken is the one of its parts.

#![no_main]

use ciborium::Value;
use libfuzzer_sys::fuzz_target;
use licentia_core::{
    inner::{Frame, Reader, Typ},
    limits,
};
use licentia_fuzz::{Bound, bounded};

/// Reading needs no heap, and skipping is linear.
const BOUND: Bound = Bound { heap: (0, 0), nanos: (100_000, 100) };

const TYPES: [Typ; 7] =
    [Typ::License, Typ::Keyset, Typ::Proof, Typ::Bundle, Typ::Delta, Typ::Receipt, Typ::Acknowledgement];

fuzz_target!(|data: &[u8]| {
    let skipped = bounded(data.len(), BOUND, || {
        let mut reader = Reader::new(data);
        reader.skip().and_then(|()| reader.finish())
    });
    if let Err(malformed) = skipped {
        assert!(malformed.offset <= data.len());
    }
    let mut rest = data;
    let model = ciborium::from_reader::<Value, _>(&mut rest).ok().filter(|value| {
        let mut items = 0;
        rest.is_empty()
            && encoded(value) == data
            && follows_rules(value, 0, &mut items)
            && items <= limits::ITEMS.into()
    });
    assert_eq!(skipped.is_ok(), model.is_some(), "{skipped:?} {model:?}");

    let mut taken = 0;
    for typ in TYPES {
        let Ok(frame) = Frame::read(data, typ) else { continue };
        taken += 1;
        let [context, protected, external, payload] = frame.to_be_signed();
        assert_eq!((context, external), (&b"\x84\x6aSignature1"[..], &b"\x40"[..]));
        let parts = [b"\xd2\x84", protected, b"\xa0", payload, b"\x58\x40", frame.signature];
        assert_eq!(parts.concat(), data, "nothing in it is left out of the signature");
        assert!(payload.ends_with(frame.payload.of(data)));
    }
    assert!(taken < 2, "an object is of one type");
});

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("a vector takes everything");
    bytes
}

/// Whether a value has only what a token may have.
fn follows_rules(value: &Value, depth: usize, items: &mut usize) -> bool {
    *items += 1;
    let deeper = depth + 1;
    match value {
        Value::Integer(_) | Value::Bytes(_) | Value::Text(_) | Value::Bool(_) | Value::Null => true,
        Value::Array(values) => {
            deeper <= limits::DEPTH && values.iter().all(|value| follows_rules(value, deeper, items))
        }
        Value::Map(entries) => {
            let keys: Vec<_> = entries.iter().map(|(key, _)| encoded(key)).collect();
            let scalar = |key: &Value| matches!(key, Value::Integer(_) | Value::Bytes(_) | Value::Text(_));
            deeper <= limits::DEPTH
                && keys.is_sorted_by(|a, b| a < b)
                && entries.iter().all(|(key, value)| {
                    *items += 1;
                    scalar(key) && follows_rules(value, deeper, items)
                })
        }
        _ => false,
    }
}
