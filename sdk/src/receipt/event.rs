//! Receipts as `CloudEvents` 1.0, in their JSON form.

use licentia_core::{
    inner::{Quoted, calendar::Date},
    receipt::Receipt,
};

/// The `type` of the events.
const TYPE: &str = "licentia.usage.v1";

/// A `CloudEvents` 1.0 object in one line for every entry of a receipt. Its `id` is made of the instance, the
/// receipt's number and the entry's place, so that who gets it twice can tell.
pub fn cloud_events(receipt: &Receipt<'_>) -> impl Iterator<Item = String> {
    let (instance, sequence) = (hex(&receipt.instance()), receipt.sequence());
    let time = date_time(receipt.issued_at());
    receipt.entries().enumerate().map(move |(at, entry)| {
        let (lineage, meter, window) = (hex(entry.lineage), Quoted(entry.meter), entry.window);
        let end = window.end.map_or_else(|| "null".to_owned(), |end| format!("\"{}\"", date_time(end)));
        let start = date_time(window.start);
        format!(
            r#"{{"specversion":"1.0","id":"{instance}-{sequence}-{at}","source":"urn:licentia:instance:{instance}","type":"{TYPE}","subject":"{lineage}","time":"{time}","datacontenttype":"application/json","data":{{"lineage":"{lineage}","meter":{meter},"window_start":"{start}","window_end":{end},"count":{},"cumulative":true,"sequence":{sequence}}}}}"#,
            entry.count
        )
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A time as RFC 3339 has it.
fn date_time(time: u64) -> String {
    let Date { year, month, day } = Date::of(time);
    let (hour, minute, second) = (time / 3600 % 24, time / 60 % 60, time % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
