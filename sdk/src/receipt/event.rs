//! Receipts as `CloudEvents` 1.0, in their JSON form.

use licentia_core::{inner::Quoted, receipt::Receipt};

/// The `type` of the events.
const TYPE: &str = "licentia.usage.v1";

/// A `CloudEvents` 1.0 object in one line for every entry of a receipt. Its `id` is made of the instance, the
/// receipt's number and the entry's place, so that a receiver recognises duplicates.
pub fn cloud_events(receipt: &Receipt<'_>) -> impl Iterator<Item = String> {
    let (instance, sequence) = (hex(&receipt.instance()), receipt.sequence());
    let time = receipt.issued_at();
    receipt.entries().enumerate().map(move |(at, entry)| {
        let (lineage, meter, window) = (entry.lineage, Quoted(entry.meter), entry.window);
        let issuer = Quoted(entry.issuer);
        let end = window.end.map_or_else(|| "null".to_owned(), |end| format!("\"{end}\""));
        let start = window.start;
        format!(
            r#"{{"specversion":"1.0","id":"{instance}-{sequence}-{at}","source":"urn:licentia:instance:{instance}","type":"{TYPE}","subject":"{lineage}","time":"{time}","datacontenttype":"application/json","data":{{"issuer":{issuer},"lineage":"{lineage}","meter":{meter},"window_start":"{start}","window_end":{end},"count":{},"refunded":{},"cumulative":true,"sequence":{sequence}}}}}"#,
            entry.count, entry.refunded
        )
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
