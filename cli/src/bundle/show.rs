//! What is in a bundle, and how much it takes.

use licentia_core::revocation::Bundle;
use licentia_issuer::moment;
use serde_json::json;

use crate::output::{Output, Result, printable, table};

/// What a bundle revokes, in words.
pub(super) fn revoked(bundle: &Bundle<'_>) -> String {
    let (indices, hashes) = (bundle.exact().count(), bundle.hashes().len() / 8);
    let bits = each(bundle.exact_section().len(), indices);
    let change = if bundle.base().is_some() { "change " } else { "" };
    format!(
        "{indices} {change}by index ({bits:.2} bits each), {hashes} by hash, {} rules",
        bundle.rules().count()
    )
}

pub(super) fn bundle(bundle: &Bundle<'_>, length: usize, output: Output) -> Result {
    let (indices, hashes) = (bundle.exact().count(), bundle.hashes().len() / 8);
    let (section, bloom) = (bundle.exact_section().len(), bundle.bloom().len());
    let value = json!({
        "issuer": bundle.issuer(), "stream": bundle.stream(), "sequence": bundle.sequence(),
        "base": bundle.base(), "issued_at": bundle.issued_at(), "next_update": bundle.next_update(),
        "expires": bundle.expires(), "bytes": length, "indices": indices, "exact_bytes": section,
        "bloom_bytes": bloom, "hashes": hashes, "rules": bundle.rules().count(),
    });
    output.show(&value, || {
        let kind = bundle.base().map_or_else(|| "whole".to_owned(), |base| format!("a delta on {base}"));
        let name = format!("{} of {}, {kind}, {length} bytes", bundle.sequence(), printable(bundle.issuer()));
        let filter =
            if bloom == 0 { "derived when it is loaded".to_owned() } else { format!("{bloom} bytes") };
        table([
            ("bundle", name),
            ("issued", moment::show(bundle.issued_at())),
            ("next", moment::show(bundle.next_update())),
            ("expires", moment::show(bundle.expires())),
            ("revoked", revoked(bundle)),
            ("pre-filter", filter),
        ])
    })
}

pub(super) fn stats(bundle: &Bundle<'_>, length: usize, issued: Option<u64>, output: Output) -> Result {
    let indices = bundle.exact().count();
    let greatest = bundle.exact().iter().last().map_or(0, |last| last.saturating_add(1));
    let universe = issued.unwrap_or(greatest).max(greatest);
    let least = entropy(universe, indices);
    let (section, rules, notes) =
        (bundle.exact_section().len(), bundle.encoded_rules().len(), bundle.notes().len());
    let bits = each(section, indices);
    let value = json!({
        "bytes": length, "issued": universe, "indices": indices, "exact_bytes": section,
        "bits_each": bits, "entropy_bits_each": least, "times_entropy": bits / least,
        "hashes_bytes": bundle.hashes().len(), "notes_bytes": notes, "rules_bytes": rules,
        "bloom_bytes": bundle.bloom().len(),
    });
    output.show(&value, || {
        #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
        let percent = 100.0 * indices as f64 / universe.max(1) as f64;
        table([
            ("bundle", format!("{length} bytes")),
            ("revoked", format!("{indices} of {universe} indices ({percent:.3} %)")),
            ("exact set", format!("{section} bytes, {bits:.2} bits each")),
            ("entropy", format!("{least:.2} bits each: the set takes {:.3} times the least", bits / least)),
            ("hashes", format!("{} bytes", bundle.hashes().len())),
            ("rules", format!("{rules} bytes")),
            ("notes", format!("{notes} bytes")),
            ("pre-filter", format!("{} bytes", bundle.bloom().len())),
        ])
    })
}

#[allow(clippy::cast_precision_loss, reason = "a figure for people")]
fn each(bytes: usize, count: u64) -> f64 {
    bytes as f64 * 8.0 / count.max(1) as f64
}

/// Bits that each of `count` of `issued` takes at least, in the mean.
#[allow(clippy::cast_precision_loss, reason = "a figure for people")]
fn entropy(issued: u64, count: u64) -> f64 {
    let p = count as f64 / issued as f64;
    if count == 0 || count >= issued {
        return 0.0;
    }
    -(p * p.log2() + (1.0 - p) * (1.0 - p).log2()) / p
}
