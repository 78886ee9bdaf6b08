//! Times as text.

use licentia_core::limits;

use super::civil::datetime;

/// Formats a time for people: `2027-01-31 12:00:00 UTC`, or `never`.
pub fn show(time: u64) -> String {
    match datetime(time).filter(|_| time < limits::TIME) {
        Some(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        None => "never".into(),
    }
}

/// Formats a time for files, as RFC 3339 does: `2027-01-31T12:00:00Z`, or `never`. Every `parse` function reads it back.
pub fn stamp(time: u64) -> String {
    match datetime(time).filter(|_| time < limits::TIME) {
        Some(time) => time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        None => "never".into(),
    }
}
