//! The two encoders write the same bytes: the issuer's `canonical`, by ciborium, and core's writer without a heap.

use ciborium::Value;
use fastrand::Rng;
use licentia_core::{
    Buffer, Lineage, Window, limits,
    proof::UnsignedProof,
    receipt::{ReceiptEntry, ReceiptLink, UnsignedReceipt},
};
use licentia_tests::{canonical, cases, decode, in_parallel};

fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.to_vec())
}

fn array<const N: usize>(rng: &mut Rng) -> [u8; N] {
    std::array::from_fn(|_| rng.u8(..))
}

/// A number whose encoded length is as likely as any other.
fn number(rng: &mut Rng, most: u64) -> u64 {
    rng.u64(..) >> rng.u32(0..64) & (most.next_power_of_two() - 1).min(most)
}

/// A text whose encoded length is as likely as any other.
fn text(rng: &mut Rng, least: usize, most: usize) -> String {
    let bits = rng.u32(0..=most.ilog2());
    let length = rng.usize(0..=(1 << bits)).clamp(least, most);
    std::iter::repeat_with(|| rng.lowercase()).take(length).collect()
}

/// A COSE_Sign1 around a payload, by ciborium.
fn sign1(kid: &[u8], typ: &str, payload: &Value, signature: &[u8; 64]) -> Vec<u8> {
    let header = Value::Map(vec![(16.into(), typ.into()), (4.into(), bytes(kid)), (1.into(), (-19).into())]);
    let parts = vec![
        bytes(&canonical(&header)),
        Value::Map(Vec::new()),
        bytes(&canonical(payload)),
        bytes(signature),
    ];
    canonical(&Value::Tag(18, Box::new(Value::Array(parts))))
}

/// Shuffles the entries of a map, since `canonical` has to order them.
fn map(rng: &mut Rng, mut entries: Vec<(i64, Value)>) -> Value {
    rng.shuffle(&mut entries);
    Value::Map(entries.into_iter().map(|(label, value)| (label.into(), value)).collect())
}

fn key_map(rng: &mut Rng, key: &[u8; 32]) -> Value {
    map(rng, vec![(1, 1.into()), (-1, 6.into()), (-2, bytes(key))])
}

fn proof(rng: &mut Rng) {
    let (id, nonce, key, signature) =
        (array::<16>(rng), array::<16>(rng), array::<32>(rng), array::<64>(rng));
    let (method, uri, body) = (text(rng, 1, 256), text(rng, 1, 2048), rng.bool().then(|| array::<32>(rng)));
    let issued_at = number(rng, limits::TIME);
    let mut buffer = Buffer::new();
    let proof = UnsignedProof {
        service_nonce: None,
        issued_at: issued_at.into(),
        id: id.into(),
        nonce: nonce.into(),
        key: &key,
        method: &method,
        uri: &uri,
        body: body.as_ref(),
    };
    let written = proof.seal(&mut buffer, |_| signature).expect("a proof of a fitting length").to_vec();
    let cose_key = key_map(rng, &key);
    let kid = licentia_core::proof::thumbprint(&key);
    let confirmation = map(rng, vec![(1, cose_key)]);
    let mut claims = vec![
        (6, issued_at.into()),
        (7, bytes(&id)),
        (8, confirmation),
        (10, bytes(&nonce)),
        (-65_538, method.as_str().into()),
        (-65_539, uri.as_str().into()),
    ];
    claims.extend(body.map(|body| (-65_540, bytes(&body))));
    let payload = map(rng, claims);
    assert_eq!(written, sign1(&kid[..4], "application/vnd.licentia.proof+cwt", &payload, &signature));
    assert_eq!(canonical(&decode(&written).expect("CBOR")), written);
}

/// Returns whether the receipt was one that readers accept.
fn receipt(rng: &mut Rng) -> bool {
    // A receipt's key must be a point; RFC 8032, section 7.1, test 1.
    const KEY: [u8; 32] = [
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e,
        0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
    ];
    let (signature, previous) = (array::<64>(rng), array::<32>(rng));
    let lineages: Vec<[u8; 16]> = (0..rng.usize(0..40)).map(|_| array(rng)).collect();
    let meters: Vec<String> = lineages.iter().map(|_| text(rng, 1, limits::NAME_BYTES)).collect();
    let mut entries: Vec<ReceiptEntry<'_>> = lineages
        .iter()
        .zip(&meters)
        .map(|(lineage, meter)| {
            let start = number(rng, limits::TIME);
            let end = rng.bool().then(|| (start + 1 + number(rng, 1 << 32)).min(limits::TIME + 1));
            let window = Window { start: start.into(), end: end.map(Into::into) };
            ReceiptEntry {
                issuer: "acme",
                lineage: Lineage::from(*lineage),
                meter,
                window,
                count: number(rng, limits::INTEGER),
                refunded: number(rng, limits::INTEGER),
            }
        })
        .collect();
    entries.sort_by_key(ReceiptEntry::order);
    let sequence = number(rng, limits::INTEGER).max(2);
    let acknowledged = rng.bool().then(|| ReceiptLink {
        sequence: 1 + number(rng, sequence - 2).min(sequence - 2),
        digest: array(rng),
    });
    let since = number(rng, sequence - 1).min(sequence - 1);
    let issued_at = number(rng, limits::TIME);
    let unsigned = UnsignedReceipt {
        key: &KEY,
        sequence,
        previous: &previous,
        issued_at: issued_at.into(),
        entries: &entries,
        acknowledged,
        since,
    };
    let Ok(written) = unsigned.seal(|_| signature) else { return false };
    let rows = entries.iter().map(|entry| {
        let end = entry.window.end.map_or(Value::Null, |end| end.as_seconds().into());
        Value::Array(vec![
            entry.issuer.into(),
            bytes(entry.lineage.as_bytes()),
            entry.meter.into(),
            entry.window.start.as_seconds().into(),
            end,
            entry.count.into(),
            entry.refunded.into(),
        ])
    });
    let mut fields = vec![
        (0, 2.into()),
        (1, bytes(&KEY)),
        (2, sequence.into()),
        (3, bytes(&previous)),
        (4, issued_at.into()),
        (5, Value::Array(rows.collect())),
    ];
    fields
        .extend(acknowledged.map(|link| (6, Value::Array(vec![link.sequence.into(), bytes(&link.digest)]))));
    fields.push((7, since.into()));
    let payload = map(rng, fields);
    let kid = licentia_core::proof::thumbprint(&KEY);
    assert_eq!(written, sign1(&kid, "application/vnd.licentia.receipt+cbor", &payload, &signature));
    assert_eq!(canonical(&decode(&written).expect("CBOR")), written);
    true
}

#[test]
fn both_encoders_write_the_same_bytes() {
    let all = cases(20_000);
    let receipts = in_parallel("encoders", all, |rng, count| {
        (0..count).map(|_| (proof(rng), u64::from(receipt(rng))).1).sum::<u64>()
    });
    assert!(receipts.iter().sum::<u64>() > all / 2, "most receipts are compared");
}
