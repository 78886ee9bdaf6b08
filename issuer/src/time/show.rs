//! Times as text.

use licentia_core::{Timestamp, limits};

use super::civil::datetime;

/// Formats a time for people: `2027-01-31 12:00:00 UTC`, or `never`.
pub fn show(time: impl Into<Timestamp>) -> String {
    format(time.into(), "%Y-%m-%d %H:%M:%S UTC")
}

/// Formats a time for files, as RFC 3339 does: `2027-01-31T12:00:00Z`, or `never`. Every `parse` function reads it back.
pub fn stamp(time: impl Into<Timestamp>) -> String {
    format(time.into(), "%Y-%m-%dT%H:%M:%SZ")
}

fn format(time: Timestamp, form: &str) -> String {
    match datetime(time).filter(|_| time.as_seconds() < limits::TIME) {
        Some(time) => time.strftime(form).to_string(),
        None => "never".into(),
    }
}
