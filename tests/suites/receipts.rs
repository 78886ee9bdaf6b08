//! `coset` verifies our receipts, and `ciborium` reads the same in them.

use ciborium::Value;
use coset::{Algorithm, CoseSign1, Label, TaggedCborSerializable as _, iana};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use licentia_core::{
    Window,
    proof::thumbprint,
    receipt::{Receipt, ReceiptEntry, ReceiptLink, UnsignedReceipt},
};
use licentia_tests::report;

fn payload(bytes: &[u8], key: &VerifyingKey, typ: &str) -> Value {
    let object = CoseSign1::from_tagged_slice(bytes).unwrap();
    let header = &object.protected.header;
    assert_eq!(header.alg, Some(Algorithm::Assigned(iana::Algorithm::Ed25519)));
    assert_eq!(header.rest, [(Label::Int(16), Value::from(typ))]);
    assert!(object.unprotected.is_empty());
    object
        .verify_signature(b"", |signature, message| {
            key.verify_strict(message, &Signature::from_slice(signature).unwrap())
        })
        .unwrap();
    assert_eq!(header.key_id, thumbprint(key.as_bytes()));
    ciborium::from_reader(&*object.payload.unwrap()).unwrap()
}

#[test]
fn coset_verifies_our_receipts_and_reads_the_same_entries() {
    let key = SigningKey::from_bytes(&[3; 32]);
    let (public, mut read) = (key.verifying_key(), 0);
    for count in [0_u64, 1, 3, 300] {
        let names: Vec<String> = (0..count).map(|at| format!("meter-{at:04}")).collect();
        let entries: Vec<ReceiptEntry<'_>> = (0..count)
            .zip(&names)
            .map(|(at, meter)| {
                let end = (at % 2 == 0).then_some((at * 1_000_000 + 1).into());
                let window = Window { start: (at * 1_000_000).into(), end };
                let (issuer, count, refunded) = ("acme", at << (at % 40), at % 3);
                ReceiptEntry { issuer, lineage: [9; 16].into(), meter, window, count, refunded }
            })
            .collect();
        let unsigned = UnsignedReceipt {
            key: public.as_bytes(),
            sequence: count + 2,
            previous: &[7; 32],
            issued_at: 1_800_000_000.into(),
            entries: &entries,
            since: count,
            acknowledged: (count > 1).then_some(ReceiptLink { sequence: 1, digest: [8; 32] }),
        };
        let bytes = unsigned.seal(|parts| key.sign(&parts.concat()).to_bytes()).unwrap();
        let Value::Map(fields) = payload(&bytes, &public, "application/vnd.licentia.receipt+cbor") else {
            panic!("the payload is a map");
        };
        let field = |label: u64| {
            fields.iter().find(|(key, _)| *key == Value::from(label)).map(|(_, value)| value.clone())
        };
        let bytes_of = |bytes: &[u8]| Some(Value::Bytes(bytes.to_vec()));
        assert_eq!(field(1), bytes_of(public.as_bytes()));
        assert_eq!((field(2), field(3)), (Some(Value::from(count + 2)), bytes_of(&[7; 32])));
        assert_eq!((field(0), field(7)), (Some(Value::from(2)), Some(Value::from(count))));
        assert_eq!(field(6).is_some(), count > 1);
        let expected = entries.iter().map(|entry| {
            let end = entry.window.end.map_or(Value::Null, |end| end.as_seconds().into());
            let lineage = Value::Bytes(entry.lineage.as_bytes().to_vec());
            Value::Array(vec![
                Value::from(entry.issuer),
                lineage,
                Value::from(entry.meter),
                Value::from(entry.window.start.as_seconds()),
                end,
                Value::from(entry.count),
                Value::from(entry.refunded),
            ])
        });
        assert_eq!(field(5), Some(Value::Array(expected.collect())));
        let receipt = Receipt::read(&bytes).unwrap();
        assert!(receipt.entries().eq(entries.iter().copied()));
        read += 1;
    }
    report(format_args!("coset: {read} receipts verified and compared"));
    assert_eq!(read, 4);
}
