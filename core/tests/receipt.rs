//! The reader of receipts takes the one form that is written down, and nothing else.
#![cfg(feature = "alloc")]

use licentia_core::{
    Code, Timestamp, Window,
    inner::{Frame, Typ},
    receipt::{Receipt, ReceiptEntry, ReceiptLink, UnsignedReceipt},
};

const KEY: [u8; 32] = [
    // The first key of RFC 8032, section 7.1.
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e,
    0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
];
const DAY: Window =
    Window { start: Timestamp::from_seconds(86_400), end: Some(Timestamp::from_seconds(172_800)) };

fn entry(lineage: [u8; 16], meter: &'static str, window: Window) -> ReceiptEntry<'static> {
    ReceiptEntry { issuer: "acme", lineage: lineage.into(), meter, window, count: 1, refunded: 0 }
}

/// Whether a receipt can be made at all; what cannot be read is not made.
fn make(
    change: impl FnOnce(&mut UnsignedReceipt<'_>),
    entries: &[ReceiptEntry<'_>],
) -> Result<Vec<u8>, Code> {
    let mut receipt = UnsignedReceipt {
        key: &KEY,
        sequence: 2,
        previous: &[1; 32],
        issued_at: 5.into(),
        entries,
        acknowledged: None,
        since: 1,
    };
    change(&mut receipt);
    receipt.seal(|_| [0; 64])
}

#[test]
fn entries_ascend_and_are_what_they_say() {
    let (a, b) = (entry([0; 16], "a", DAY), entry([0; 16], "b", DAY));
    let ever = entry([0; 16], "a", Window { end: None, ..DAY });
    assert!(make(|_| (), &[]).is_ok());
    assert!(make(|_| (), &[ever, a, b, entry([1; 16], "a", DAY)]).is_ok());
    for bad in [&[b, a][..], &[a, a], &[a, ever], &[entry([1; 16], "a", DAY), a]] {
        assert_eq!(make(|_| (), bad), Err(Code::InvalidArgument));
    }
    let empty = Window { start: 5.into(), end: Some(5.into()) };
    for bad in [entry([0; 16], "", DAY), entry([0; 16], "A", DAY), entry([0; 16], "a", empty)] {
        assert_eq!(make(|_| (), &[bad]), Err(Code::InvalidArgument));
    }
    assert_eq!(make(|_| (), &[ReceiptEntry { count: 1 << 53, ..a }]), Err(Code::InvalidArgument));
    assert_eq!(make(|_| (), &[ReceiptEntry { refunded: 1 << 53, ..a }]), Err(Code::InvalidArgument));
    assert!(
        make(|_| (), &[ReceiptEntry { refunded: 2, ..a }]).is_ok(),
        "another instance may have counted it"
    );
}

#[test]
fn entries_name_their_issuer_and_ascend_by_it() {
    let of = |issuer| ReceiptEntry { issuer, ..entry([0; 16], "a", DAY) };
    let (longest, longer) = ("x".repeat(256), "x".repeat(257));
    assert!(make(|_| (), &[of(""), of("acme"), of("zeta"), of("é")]).is_ok());
    assert!(make(|_| (), &[of(&longest)]).is_ok());
    assert_eq!(make(|_| (), &[of(&longer)]), Err(Code::InvalidArgument));
    assert_eq!(make(|_| (), &[of("zeta"), of("acme")]), Err(Code::InvalidArgument));
}

#[test]
fn a_receipt_repeats_receipts_before_it() {
    for (since, byte) in [(0, 0), (1, 1)] {
        let bytes = make(|r| r.since = since, &[]).unwrap();
        let end = bytes.len() - 66;
        assert_eq!(bytes[end - 2..end], [7, byte], "the last field");
    }
    assert_eq!(make(|r| r.since = 2, &[]), Err(Code::InvalidArgument));
}

/// Whole receipts are full: every entry that is allowed fits the bounds of a reader.
#[test]
fn as_many_entries_as_are_allowed_can_be_read() {
    let meters: Vec<String> = (0..8192).map(|at| format!("m{at:05}")).collect();
    let entries: Vec<_> =
        meters.iter().map(|meter| ReceiptEntry { meter, ..entry([0; 16], "a", DAY) }).collect();
    let full = make(|r| r.acknowledged = Some(ReceiptLink { sequence: 1, digest: [7; 32] }), &entries);
    assert!(full.is_ok());
}

#[test]
fn the_first_receipt_follows_nothing_and_every_other_one_something() {
    assert!(make(|r| (r.sequence, r.previous, r.since) = (1, &[0; 32], 0), &[]).is_ok());
    assert_eq!(make(|r| (r.sequence, r.since) = (1, 0), &[]), Err(Code::InvalidArgument));
    assert_eq!(make(|r| r.previous = &[0; 32], &[]), Err(Code::InvalidArgument));
    assert_eq!(make(|r| r.sequence = 0, &[]), Err(Code::InvalidArgument));
    let link = |sequence| Some(ReceiptLink { sequence, digest: [7; 32] });
    assert!(make(|r| r.acknowledged = link(1), &[]).is_ok());
    assert_eq!(make(|r| r.acknowledged = link(2), &[]), Err(Code::InvalidArgument), "it is not sent yet");
}

#[test]
fn a_receipt_is_no_other_kind_of_object() {
    let receipt = make(|_| (), &[entry([0; 16], "a", DAY)]).unwrap();
    assert_eq!(Receipt::read(&receipt).map(|_| ()), Err(Code::ReceiptForged), "nobody signed it");
    for typ in [Typ::License, Typ::Keyset, Typ::Proof, Typ::Bundle, Typ::Delta, Typ::Acknowledgement] {
        assert_eq!(Frame::read(&receipt, typ).map(|_| ()).map_err(|m| m.code), Err(Code::WrongTyp));
    }
    let license = include_str!("data/example.lic").trim();
    let mut buffer = licentia_core::Buffer::new();
    let license = licentia_core::text::decode_license(license, &mut buffer).unwrap();
    assert_eq!(Receipt::read(license).map(|_| ()), Err(Code::ReceiptMalformed));
}
