//! Between seconds and the calendar, up to the end of the year 9999.
//!
//! `jiff::Timestamp` ends a day earlier, so that every offset fits.

use jiff::{SignedDuration, civil::DateTime};

const EPOCH: DateTime = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);

/// The date and time of a number of seconds.
pub(super) fn datetime(seconds: u64) -> Option<DateTime> {
    let since = SignedDuration::from_secs(i64::try_from(seconds).ok()?);
    EPOCH.checked_add(since).ok()
}

/// The seconds of a date and time, without fractions; `None` before 1970.
pub(super) fn seconds(time: DateTime) -> Option<u64> {
    let since = time.duration_since(EPOCH);
    if since.is_negative() { None } else { u64::try_from(since.as_secs()).ok() }
}
