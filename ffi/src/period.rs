//! Periods of quotas.

use licentia::{Period, Timestamp};

use crate::{
    border::{Out, Refusal, enter},
    status::{LICENTIA_NONE, Status},
};

/// One period that never ends.
pub const LICENTIA_PERIOD_LIFETIME: u32 = 0;
/// A minute.
pub const LICENTIA_PERIOD_MINUTE: u32 = 1;
/// An hour.
pub const LICENTIA_PERIOD_HOUR: u32 = 2;
/// A day in UTC.
pub const LICENTIA_PERIOD_DAY: u32 = 3;
/// An ISO week, from Monday.
pub const LICENTIA_PERIOD_WEEK: u32 = 4;
/// A calendar month.
pub const LICENTIA_PERIOD_MONTH: u32 = 5;
/// A calendar year.
pub const LICENTIA_PERIOD_YEAR: u32 = 6;
/// A number of seconds, counted from the anchor.
pub const LICENTIA_PERIOD_FIXED: u32 = 7;
/// A month that starts at the day and time of the anchor.
pub const LICENTIA_PERIOD_MONTH_FROM: u32 = 8;
/// A year that starts at the date and time of the anchor.
pub const LICENTIA_PERIOD_YEAR_FROM: u32 = 9;

/// The period that C names by three numbers.
pub(crate) fn period_of(period: u32, seconds: u64, anchor: u64) -> Result<Period, Refusal> {
    let found = match period {
        LICENTIA_PERIOD_FIXED => Period::of_members([("seconds", seconds), ("anchor", anchor)]),
        LICENTIA_PERIOD_MONTH_FROM => Period::of_members([("month_from", anchor)]),
        LICENTIA_PERIOD_YEAR_FROM => Period::of_members([("year_from", anchor)]),
        number => Period::numbered(number.into()),
    };
    found.ok_or(Refusal::ARGUMENT)
}

/// Returns the window of a period that contains a time: its first second, and the first second after it, or
/// LICENTIA_NONE. `seconds` (at least 1) is read only for FIXED, `anchor` only for FIXED, MONTH_FROM and YEAR_FROM. All
/// times are seconds since 1970.
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
        start.set(window.start.as_seconds());
        end.set(window.end.map_or(LICENTIA_NONE, Timestamp::as_seconds));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_mean_what_their_names_say() {
        let named = [
            (LICENTIA_PERIOD_LIFETIME, "lifetime"),
            (LICENTIA_PERIOD_MINUTE, "minute"),
            (LICENTIA_PERIOD_HOUR, "hour"),
            (LICENTIA_PERIOD_DAY, "day"),
            (LICENTIA_PERIOD_WEEK, "week"),
            (LICENTIA_PERIOD_MONTH, "month"),
            (LICENTIA_PERIOD_YEAR, "year"),
        ];
        for (number, name) in named {
            assert!(
                period_of(number, 0, 0).is_ok_and(|period| Some(period) == Period::named(name)),
                "{name}"
            );
        }
        assert!(period_of(LICENTIA_PERIOD_FIXED, 0, 0).is_err() && period_of(10, 1, 1).is_err());
    }
}
