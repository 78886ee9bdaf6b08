//! Receipts and the audit: what is written is read back, a receipt that is read ascends and is its instance's, and what
//! an audit finds depends on the set of receipts and not on their order or number.

#![no_main]

use libfuzzer_sys::{arbitrary::Unstructured, fuzz_target};
use licentia::receipt::Audit;
use licentia_core::{
    Code, Lineage, Window,
    inner::Typ,
    limits,
    receipt::{Acknowledgement, Receipt, ReceiptEntry, ReceiptLink, UnsignedReceipt},
};
use licentia_fuzz::{Bound, KEY, Signer, bounded, number};

const READING: Bound = Bound { heap: (0, 0), nanos: (2_000_000, 500) };
/// Entries are copied, with their meters' names, and named again in findings.
const AUDITING: Bound = Bound { heap: (65_536, 256), nanos: (8_000_000, 20_000) };
const INSTANCES: [Signer; 2] = [Signer { seed: [11; 32] }, Signer { seed: [12; 32] }];

fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((mode @ 0..=63, rest)) => any_payloads(*mode, rest),
        // An input that ends early is none.
        Some((_, rest)) => written(&mut Unstructured::new(rest)).unwrap_or_default(),
        None => {}
    }
});

/// Up to four payloads, each after its length, and acknowledgements among them.
fn any_payloads(mode: u8, data: &[u8]) {
    let (mut rest, mut objects) = (data, Vec::new());
    while let (Some((length, after)), 0..4) = (rest.split_first_chunk::<2>(), objects.len()) {
        let (payload, after) = after.split_at(usize::from(u16::from_le_bytes(*length)).min(after.len()));
        let at = objects.len();
        objects.push(if mode >> at & 1 == 1 {
            (true, KEY.seal(Typ::Acknowledgement, payload))
        } else {
            (false, INSTANCES[usize::from(mode >> 4 & 1)].seal(Typ::Receipt, payload))
        });
        rest = after;
    }
    let length = objects.iter().map(|(_, bytes)| bytes.len()).sum();
    for (is_acknowledgement, bytes) in &objects {
        if *is_acknowledgement {
            let read = bounded(bytes.len(), READING, || Acknowledgement::read(bytes, &[KEY.public()]));
            assert!(matches!(read, Ok(_) | Err(Code::ReceiptMalformed)));
        } else if let Ok(receipt) = bounded(bytes.len(), READING, || Receipt::read(bytes)) {
            check(&receipt);
        }
    }
    let audit = |order: &mut dyn Iterator<Item = usize>| {
        let mut audit = Audit::new();
        for (is_acknowledgement, bytes) in order.filter_map(|at| objects.get(at)) {
            if *is_acknowledgement {
                Acknowledgement::read(bytes, &[KEY.public()])
                    .into_iter()
                    .for_each(|given| audit.add_acknowledgement(given));
            } else {
                audit.add(bytes);
            }
        }
        let report = audit.finish();
        let whole: Vec<_> =
            report.instances.values().map(|known| (known.last, known.whole, known.receipts)).collect();
        (report.findings, report.usage, whole)
    };
    let forwards = bounded(length, AUDITING, || audit(&mut (0..4)));
    assert_eq!(forwards, audit(&mut (0..4).rev()), "another order");
    assert_eq!(forwards, audit(&mut (0..4).chain(0..4)), "everything twice");
}

fn check(receipt: &Receipt<'_>) {
    let mut last = None;
    for entry in receipt.entries() {
        assert!(last.is_none_or(|last| last < entry.order()), "ascending");
        assert!(entry.window.end.is_none_or(|end| end > entry.window.start));
        assert!(
            entry.count <= limits::INTEGER && entry.refunded <= limits::INTEGER && !entry.meter.is_empty()
        );
        last = Some(entry.order());
    }
    assert!(receipt.sequence() >= 1);
    assert_eq!(receipt.sequence() == 1, *receipt.previous() == [0; 32]);
    assert!(receipt.since() < receipt.sequence());
    assert!(receipt.acknowledged().is_none_or(|link| link.sequence < receipt.sequence()));
}

fn written(input: &mut Unstructured<'_>) -> libfuzzer_sys::arbitrary::Result<()> {
    let meters = ["calls", "mails", "rows.read", "a"];
    let mut entries = Vec::new();
    for _ in 0..input.int_in_range(0..=20)? {
        let start = number(input, limits::INTEGER - 1)?;
        let end = if input.arbitrary()? { Some(number(input, limits::INTEGER)?) } else { None };
        entries.push(ReceiptEntry {
            issuer: input.choose(&["", "acme", "reseller"])?,
            lineage: Lineage::from([input.int_in_range(0..=3)?; 16]),
            meter: input.choose(&meters)?,
            window: Window { start: start.into(), end: end.filter(|end| *end > start).map(Into::into) },
            count: number(input, limits::INTEGER)?,
            refunded: number(input, limits::INTEGER)?,
        });
    }
    entries.sort_by_key(ReceiptEntry::order);
    entries.dedup_by_key(|entry| entry.order());
    let sequence = number(input, limits::INTEGER)?.max(1);
    let previous = if sequence == 1 { [0; 32] } else { [1; 32] };
    let acknowledged = number(input, limits::INTEGER)?;
    let acknowledged = (acknowledged > 0 && acknowledged < sequence)
        .then_some(ReceiptLink { sequence: acknowledged, digest: [2; 32] });
    let since = number(input, sequence.saturating_sub(1))?;
    let key = INSTANCES[0].public_bytes();
    let issued_at = number(input, limits::TIME)?.into();
    let unsigned = UnsignedReceipt {
        key: &key,
        sequence,
        previous: &previous,
        issued_at,
        entries: &entries,
        acknowledged,
        since,
    };
    let bytes = unsigned.seal(|parts| INSTANCES[0].sign(&parts.concat())).expect("a good receipt");
    let receipt = Receipt::read(&bytes).expect("what was written is read");
    check(&receipt);
    assert!(receipt.entries().eq(entries.iter().copied()));
    assert_eq!(
        (receipt.sequence(), receipt.issued_at(), receipt.acknowledged(), receipt.since()),
        (sequence, issued_at, acknowledged, since)
    );
    Ok(())
}
