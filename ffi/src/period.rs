//! Periods of quotas.

use licentia::Period;

use crate::{
    border::{Out, Refusal, enter},
    status::{LICENTIA_NONE, Status},
};

/// It never starts anew.
pub const LICENTIA_PERIOD_LIFETIME: u32 = 0;
/// A minute.
pub const LICENTIA_PERIOD_MINUTE: u32 = 1;
/// An hour.
pub const LICENTIA_PERIOD_HOUR: u32 = 2;
/// A day in UTC.
pub const LICENTIA_PERIOD_DAY: u32 = 3;
/// An ISO week, from Monday on.
pub const LICENTIA_PERIOD_WEEK: u32 = 4;
/// A calendar month.
pub const LICENTIA_PERIOD_MONTH: u32 = 5;
/// A calendar year.
pub const LICENTIA_PERIOD_YEAR: u32 = 6;
/// So many seconds, counted from the anchor.
pub const LICENTIA_PERIOD_FIXED: u32 = 7;
/// A month from the day and time of the anchor on.
pub const LICENTIA_PERIOD_MONTH_FROM: u32 = 8;
/// A year from the date and time of the anchor on.
pub const LICENTIA_PERIOD_YEAR_FROM: u32 = 9;

/// The period that C names by a number and two more.
pub(crate) fn period_of(period: u32, seconds: u64, anchor: u64) -> Result<Period, Refusal> {
    Ok(match period {
        LICENTIA_PERIOD_LIFETIME => Period::Lifetime,
        LICENTIA_PERIOD_MINUTE => Period::Minute,
        LICENTIA_PERIOD_HOUR => Period::Hour,
        LICENTIA_PERIOD_DAY => Period::Day,
        LICENTIA_PERIOD_WEEK => Period::Week,
        LICENTIA_PERIOD_MONTH => Period::Month,
        LICENTIA_PERIOD_YEAR => Period::Year,
        LICENTIA_PERIOD_FIXED if seconds > 0 => Period::Fixed { seconds, anchor },
        LICENTIA_PERIOD_MONTH_FROM => Period::MonthFrom { anchor },
        LICENTIA_PERIOD_YEAR_FROM => Period::YearFrom { anchor },
        _ => return Err(Refusal::ARGUMENT),
    })
}

/// Gives the window of a period that a time falls into: its first second, and the first one after it, or
/// LICENTIA_NONE. `seconds` is read for FIXED alone, where it is at least 1, and `anchor` for that and the two
/// after it. All times are seconds since 1970.
///
/// Errors: INVALID_ARGUMENT for another period.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_period_window(
    period: u32,
    seconds: u64,
    anchor: u64,
    time: u64,
    start: *mut u64,
    end: *mut u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let [start, end] = Out::all([start, end], 0)?;
        let window = period_of(period, seconds, anchor)?.window(time);
        start.set(window.start);
        end.set(window.end.unwrap_or(LICENTIA_NONE));
        Ok(())
    })
}
