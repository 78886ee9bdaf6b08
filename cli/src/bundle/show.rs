//! The content of a bundle, and its size.

use licentia_core::revocation::{Bundle, Group};
use licentia_issuer::time;
use serde_json::{Value, json};

use crate::terminal::{
    output::{Output, Result, counted, printable, table},
    words,
};

/// Describes what a bundle revokes.
pub(super) fn revoked(bundle: &Bundle<'_>) -> String {
    let (indices, hashes) = bundle.counts();
    let bits = each(exact_bytes(bundle), indices);
    let change = if bundle.base().is_some() { "change " } else { "" };
    format!(
        "{indices} {change}by index ({bits:.2} bits each), {hashes} by hash, {}",
        counted(bundle.rules().count(), "rule")
    )
}

/// The bytes of all exact sets.
fn exact_bytes(bundle: &Bundle<'_>) -> usize {
    bundle.groups().map(|group| group.exact().section().len()).sum()
}

/// The terms of a group.
fn group(group: &Group<'_>) -> Value {
    let terms = group.terms();
    let (effect, until) = words::effect_of(terms.effect);
    json!({
        "reason": terms.reason.name(), "effective": terms.effective.as_seconds(), "effect": effect, "until": until,
        "indices": group.exact().count(), "hashes": group.hashes().len(),
    })
}

/// Describes a group: how many licences, and on which terms.
fn described(group: &Group<'_>) -> String {
    let (indices, hashes) = (group.exact().count(), group.hashes().len());
    format!("{indices} by index, {hashes} by hash: {}", words::terms(&group.terms()))
}

pub(super) fn bundle(bundle: &Bundle<'_>, length: usize, output: Output) -> Result {
    let (indices, hashes) = bundle.counts();
    let (section, bloom) = (exact_bytes(bundle), bundle.bloom().len());
    let groups: Vec<Value> = bundle.groups().map(|part| group(&part)).collect();
    let value = json!({
        "issuer": bundle.issuer(), "stream": bundle.stream(), "sequence": bundle.sequence(),
        "base": bundle.base(), "issued_at": bundle.issued_at().as_seconds(), "next_update": bundle.next_update().as_seconds(),
        "expires": bundle.expires().as_seconds(), "bytes": length, "indices": indices, "exact_bytes": section,
        "bloom_bytes": bloom, "hashes": hashes, "rules": bundle.rules().count(), "groups": groups,
    });
    output.show(&value, || {
        let kind = bundle.base().map_or_else(|| "whole".to_owned(), |base| format!("a delta on {base}"));
        let name = format!("{} of {}, {kind}, {length} bytes", bundle.sequence(), printable(bundle.issuer()));
        let filter = if bloom == 0 { "derived by each gate".to_owned() } else { format!("{bloom} bytes") };
        let rows = [
            ("bundle", name),
            ("issued", time::show(bundle.issued_at())),
            ("next by", time::show(bundle.next_update())),
            ("expires", time::show(bundle.expires())),
            ("revoked", revoked(bundle)),
        ];
        let groups = bundle.groups().map(|group| ("group", described(&group)));
        table(rows.into_iter().chain(groups).chain([("pre-filter", filter)]))
    })
}

pub(super) fn stats(bundle: &Bundle<'_>, length: usize, issued: Option<u64>, output: Output) -> Result {
    let (indices, _) = bundle.counts();
    let greatest = bundle.indices().max().map_or(0, |last| last.saturating_add(1));
    let universe = issued.unwrap_or(greatest).max(greatest);
    let sets = || bundle.groups().map(|group| group.exact().count());
    // Several sets carry more information than one: which of them each licence is in.
    let least =
        sets().map(|count| entropy(universe, count) * float(count)).sum::<f64>() / float(indices.max(1));
    let (section, rules) = (exact_bytes(bundle), bundle.encoded_rules().len());
    let hashes: usize = bundle.groups().map(|group| group.hashes().as_flattened().len()).sum();
    let bits = each(section, indices);
    let value = json!({
        "bytes": length, "issued": universe, "indices": indices, "exact_bytes": section,
        "bits_each": bits, "entropy_bits_each": least, "times_entropy": bits / least,
        "groups": sets().count(), "hashes_bytes": hashes, "rules_bytes": rules,
        "bloom_bytes": bundle.bloom().len(),
    });
    output.show(&value, || {
        let percent = 100.0 * float(indices) / float(universe.max(1));
        table([
            ("bundle", format!("{length} bytes")),
            (
                "revoked",
                format!(
                    "{indices} of {universe} indices ({percent:.3} %), in {}",
                    counted(sets().count(), "group")
                ),
            ),
            ("exact sets", format!("{section} bytes, {bits:.2} bits each")),
            ("entropy", format!("{least:.2} bits each; the sets take {:.3} times that", bits / least)),
            ("hashes", format!("{hashes} bytes")),
            ("rules", format!("{rules} bytes")),
            ("pre-filter", format!("{} bytes", bundle.bloom().len())),
        ])
    })
}

#[allow(clippy::cast_precision_loss, reason = "a figure for people")]
fn float(count: u64) -> f64 {
    count as f64
}

#[allow(clippy::cast_precision_loss, reason = "a figure for people")]
fn each(bytes: usize, count: u64) -> f64 {
    bytes as f64 * 8.0 / count.max(1) as f64
}

/// The average number of bits that each of `count` of `issued` takes at least.
fn entropy(issued: u64, count: u64) -> f64 {
    let p = float(count) / float(issued);
    if count == 0 || count >= issued {
        return 0.0;
    }
    -(p * p.log2() + (1.0 - p) * (1.0 - p).log2()) / p
}
