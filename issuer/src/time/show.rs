//! Times as text.

use licentia_core::{Timestamp, limits};

/// Formats a time for people: `2027-01-31 12:00:00 UTC`, or `never`.
pub fn show(time: impl Into<Timestamp>) -> String {
    format(time.into()).map_or_else(never, |text| text.replace('T', " ").replace('Z', " UTC"))
}

/// Formats a time for files, as RFC 3339 does: `2027-01-31T12:00:00Z`, or `never`. Every `parse` function reads it back.
pub fn stamp(time: impl Into<Timestamp>) -> String {
    format(time.into()).unwrap_or_else(never)
}

fn format(time: Timestamp) -> Option<String> {
    (time.as_seconds() < limits::TIME).then(|| time.to_string())
}

fn never() -> String {
    "never".into()
}
