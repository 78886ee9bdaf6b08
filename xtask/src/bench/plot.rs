//! Bars for the README: how long a check takes, beside the peers.

use std::fs;

use super::figures::{Member, show};
use crate::command::{Result, root};

/// The groups that are drawn.
pub(crate) const GROUPS: [&str; 2] = ["cold", "warm"];
/// Members that are drawn, and what they are called there.
const DRAWN: [(&str, &str); 7] = [
    ("licentia", "Licentia"),
    ("licentia, whole gate", "Licentia, whole gate"),
    ("verify_strict", "ed25519-dalek, signature alone"),
    ("ring, signature", "ring, signature alone"),
    ("jsonwebtoken", "jsonwebtoken (EdDSA)"),
    ("pasetors", "pasetors (v4.public)"),
    ("biscuit-auth", "biscuit-auth"),
];
const LABELS: f64 = 230.0;
const BARS: f64 = 400.0;
const ROW: f64 = 26.0;

/// Writes `docs/GROUP.svg`.
pub(crate) fn write(group: &str, members: &[Member]) -> Result {
    let path = root().join(format!("docs/{group}.svg"));
    fs::write(&path, svg(group, members)).map_err(|error| format!("{}: {error}", path.display()))
}

/// Bars of a length that is proportional to the time; where they differ too much, to its logarithm.
fn svg(group: &str, members: &[Member]) -> String {
    let name = |member: &Member| DRAWN.iter().find(|(name, _)| *name == member.name).map(|(_, shown)| *shown);
    let drawn: Vec<_> = members.iter().filter_map(|member| Some((name(member)?, member.median))).collect();
    let most = drawn.iter().map(|(_, median)| *median).fold(1.0, f64::max);
    let least = drawn.iter().map(|(_, median)| *median).fold(most, f64::min);
    let logarithmic = most / least > 20.0;
    let length = |median: f64| {
        // One step before the least, so that it has a bar too.
        let part =
            if logarithmic { (median / least * 3.0).ln() / (most / least * 3.0).ln() } else { median / most };
        part * BARS
    };
    let title = match group {
        "cold" => "A token that was not seen before",
        _ => "A token that was seen before",
    };
    let scale = if logarithmic { ", logarithmic" } else { "" };
    #[allow(clippy::cast_precision_loss, reason = "a few rows")]
    let height = 44.0 + ROW * drawn.len() as f64;
    let width = LABELS + BARS + 90.0;
    let mut text = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="13">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="10" y="22" font-size="15" font-weight="600" fill="#1f2328">{title}{scale}</text>
"##
    );
    let mut y = 36.0;
    for (name, median) in drawn {
        let colour = if name.starts_with("Licentia") { "#1a7f5a" } else { "#9aa4af" };
        let (length, middle, end) = (length(median), y + 15.0, LABELS + length(median) + 8.0);
        text += &format!(
            r##"<text x="{}" y="{middle}" text-anchor="end" fill="#1f2328">{name}</text><rect x="{LABELS}" y="{y}" width="{length:.1}" height="18" rx="2" fill="{colour}"/><text x="{end:.1}" y="{middle}" fill="#1f2328">{}</text>
"##,
            LABELS - 8.0,
            show(median),
        );
        y += ROW;
    }
    text + "</svg>\n"
}
