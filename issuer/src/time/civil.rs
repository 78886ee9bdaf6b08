//! Between seconds and the calendar, up to the end of the year 9999.
//!
//! `jiff::Timestamp` ends a day earlier, so that every offset fits.

use jiff::{SignedDuration, civil::DateTime};
use licentia_core::Timestamp;

const EPOCH: DateTime = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);

/// The date and time.
pub(super) fn datetime(time: Timestamp) -> Option<DateTime> {
    let since = SignedDuration::from_secs(i64::try_from(time.as_seconds()).ok()?);
    EPOCH.checked_add(since).ok()
}

/// The time of a date and time, without fractions of a second; `None` before 1970.
pub(super) fn timestamp(time: DateTime) -> Option<Timestamp> {
    let since = time.duration_since(EPOCH);
    if since.is_negative() { None } else { u64::try_from(since.as_secs()).ok().map(Timestamp::from_seconds) }
}
