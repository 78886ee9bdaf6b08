//! The proleptic Gregorian calendar in UTC, for times from 1970 to the end of 9999.
//!
//! Unix time has no leap seconds, so a day always has 86,400 seconds.

/// Seconds in a day.
pub const DAY: u64 = 86_400;

/// Days in an era of 400 years, after which the calendar repeats.
const ERA: u64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: u64 = 719_468;

/// A date in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Year, from 1970.
    pub year: u64,
    /// Month, 1 to 12.
    pub month: u64,
    /// Day of the month, from 1.
    pub day: u64,
}

impl Date {
    /// The date of a time in seconds since 1970.
    pub fn of(time: u64) -> Self {
        // Counting years from March puts the leap day last, so that a month's
        // first day is a linear function of its number.
        let days = (time / DAY).saturating_add(EPOCH);
        let (era, day) = (days / ERA, days % ERA);
        let year_of_era =
            (day.saturating_sub(day / 1460).saturating_add(day / 36_524).saturating_sub(day / 146_096)) / 365;
        let before = days_before_year(year_of_era);
        let day_of_year = day.saturating_sub(before);
        let month = day_of_year.saturating_mul(5).saturating_add(2) / 153;
        let day = day_of_year.saturating_sub(days_before_month(month)).saturating_add(1);
        let year = era.saturating_mul(400).saturating_add(year_of_era);
        if month < 10 {
            Self { year, month: month.saturating_add(3), day }
        } else {
            Self { year: year.saturating_add(1), month: month.saturating_sub(9), day }
        }
    }

    /// The date's first second, in seconds since 1970; 0 for a date before that.
    pub fn start(self) -> u64 {
        let (year, month) = if self.month > 2 {
            (self.year, self.month.saturating_sub(3))
        } else {
            (self.year.saturating_sub(1), self.month.saturating_add(9))
        };
        (year / 400)
            .saturating_mul(ERA)
            .saturating_add(days_before_year(year % 400))
            .saturating_add(days_before_month(month))
            .saturating_add(self.day)
            .saturating_sub(EPOCH.saturating_add(1))
            .saturating_mul(DAY)
    }

    #[must_use]
    /// The same day of the month `months` later (or earlier); a day past that month's end becomes its last.
    pub fn plus_months(self, months: i64) -> Self {
        let count = self.year.saturating_mul(12).saturating_add(self.month).saturating_sub(1);
        let count = count.saturating_add_signed(months);
        let (year, month) = (count / 12, (count % 12).saturating_add(1));
        Self { year, month, day: self.day.min(days_in_month(year, month)) }
    }
}

/// Days from the start of the era's March-based year 0 to that of `year`.
fn days_before_year(year: u64) -> u64 {
    year.saturating_mul(365).saturating_add(year / 4).saturating_sub(year / 100)
}

/// Days from the first of March to the first of the month that is `month` months later.
fn days_before_month(month: u64) -> u64 {
    month.saturating_mul(153).saturating_add(2) / 5
}

/// Days of a month (1 to 12) of a year.
pub fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_to_the_end_of_9999_follows_the_one_before() {
        let mut expected = Date { year: 1970, month: 1, day: 1 };
        for day in 0..=crate::limits::TIME / DAY {
            let time = day * DAY;
            assert_eq!(Date::of(time), expected);
            assert_eq!(Date::of(time + DAY - 1), expected);
            assert_eq!(expected.start(), time);
            expected.day += 1;
            if expected.day > days_in_month(expected.year, expected.month) {
                (expected.month, expected.day) = (expected.month + 1, 1);
            }
            if expected.month > 12 {
                (expected.year, expected.month) = (expected.year + 1, 1);
            }
        }
        assert_eq!(expected, Date { year: 10_000, month: 1, day: 1 });
    }

    #[test]
    fn known_dates() {
        assert_eq!(Date::of(951_782_400), Date { year: 2000, month: 2, day: 29 });
        assert_eq!(Date::of(1_709_164_800), Date { year: 2024, month: 2, day: 29 });
        assert_eq!(Date::of(4_107_542_400), Date { year: 2100, month: 3, day: 1 });
    }

    #[test]
    fn month_ends_clamp() {
        let date = |year, month, day| Date { year, month, day };
        assert_eq!(date(2023, 1, 31).plus_months(1), date(2023, 2, 28));
        assert_eq!(date(2024, 1, 31).plus_months(1), date(2024, 2, 29));
        assert_eq!(date(2024, 1, 31).plus_months(13), date(2025, 2, 28));
        assert_eq!(date(2024, 12, 31).plus_months(-1), date(2024, 11, 30));
        assert_eq!(date(2024, 2, 29).plus_months(12), date(2025, 2, 28));
    }
}
