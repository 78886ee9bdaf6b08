//! Periods of quotas: calendar units in UTC, fixed lengths, and calendar units from an anchor.

use core::fmt;

use super::timestamp::Timestamp;
use crate::{
    cbor::{self, Malformed, Reader},
    code::Code,
    limits,
    time::calendar::{DAY, Date},
};

const WEEK: u64 = 7 * DAY;
/// From the first Monday, 1970-01-05, back to 1970-01-01, a Thursday.
const MONDAY: u64 = 4 * DAY;

/// How often a quota starts anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Period {
    /// Never.
    Lifetime,
    /// Every minute.
    Minute,
    /// Every hour.
    Hour,
    /// Every day at midnight.
    Day,
    /// Every ISO week, on Monday at midnight.
    Week,
    /// Every calendar month, on its first day at midnight.
    Month,
    /// Every calendar year, on 1 January at midnight.
    Year,
    /// Every `seconds` seconds, counted from `anchor`.
    Fixed {
        /// Length, at least 1.
        seconds: u64,
        /// Start of one of the periods.
        anchor: Timestamp,
    },
    /// Every month, on the day and time of `anchor`; a day past a month's end is its last day.
    MonthFrom {
        /// Start of one of the periods.
        anchor: Timestamp,
    },
    /// Every year, on the date and time of `anchor`; 29 February is the 28th in common years.
    YearFrom {
        /// Start of one of the periods.
        anchor: Timestamp,
    },
}

/// One occurrence of a period: `start <= time < end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// First second.
    pub start: Timestamp,
    /// First second after it; `None` if it never ends.
    pub end: Option<Timestamp>,
}

impl Period {
    /// The periods that a name is enough for, in the order of their numbers in a token.
    const NAMED: [(&str, Self); 7] = [
        ("lifetime", Self::Lifetime),
        ("minute", Self::Minute),
        ("hour", Self::Hour),
        ("day", Self::Day),
        ("week", Self::Week),
        ("month", Self::Month),
        ("year", Self::Year),
    ];

    /// The period of a name, as the JSON of a licence has it: `"month"`.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|(known, _)| *known == name).map(|(_, period)| period)
    }

    /// The period of a number, as a token has it: 0 for a lifetime to 6 for a year.
    pub fn numbered(number: u64) -> Option<Self> {
        let named = usize::try_from(number).ok().and_then(|number| Self::NAMED.get(number));
        named.map(|(_, period)| *period)
    }

    /// Its number in a token, if a name is enough for it.
    pub fn number(self) -> Option<u64> {
        let number = Self::NAMED.into_iter().position(|(_, period)| period == self);
        number.and_then(|number| number.try_into().ok())
    }

    /// The period of an object's members, as the JSON of a licence has them: `seconds` and `anchor`, `month_from` or
    /// `year_from`, in any order. `None` for other members, and for numbers that no licence holds.
    pub fn of_members<'n>(members: impl IntoIterator<Item = (&'n str, u64)>) -> Option<Self> {
        let (mut seconds, mut anchor, mut month_from, mut year_from) = (None, None, None, None);
        for (name, number) in members {
            let (member, most) = match name {
                "seconds" => (&mut seconds, i64::MAX.cast_unsigned()),
                "anchor" => (&mut anchor, limits::TIME),
                "month_from" => (&mut month_from, limits::TIME),
                "year_from" => (&mut year_from, limits::TIME),
                _ => return None,
            };
            if number > most || member.replace(number).is_some() {
                return None;
            }
        }
        match (seconds, anchor, month_from, year_from) {
            (Some(seconds @ 1..), Some(anchor), None, None) => {
                Some(Self::Fixed { seconds, anchor: anchor.into() })
            }
            (None, None, Some(anchor), None) => Some(Self::MonthFrom { anchor: anchor.into() }),
            (None, None, None, Some(anchor)) => Some(Self::YearFrom { anchor: anchor.into() }),
            _ => None,
        }
    }

    /// The window that `time` falls into.
    pub fn window(self, time: impl Into<Timestamp>) -> Window {
        let time = time.into().as_seconds();
        match self {
            Self::Lifetime => Window { start: Timestamp::EPOCH, end: None },
            Self::Minute => fixed(60, 0, time),
            Self::Hour => fixed(3_600, 0, time),
            Self::Day => fixed(DAY, 0, time),
            Self::Week => fixed(WEEK, MONDAY, time),
            Self::Month => months(1, 0, time),
            Self::Year => months(12, 0, time),
            Self::Fixed { seconds, anchor } => fixed(seconds, anchor.as_seconds(), time),
            Self::MonthFrom { anchor } => months(1, anchor.as_seconds(), time),
            Self::YearFrom { anchor } => months(12, anchor.as_seconds(), time),
        }
    }

    /// Whether none of its windows is shorter than another period's are: a limit on this one is then no more than the
    /// same limit on that one. Months are alike, whatever their anchors, and so are years.
    pub(crate) fn is_no_shorter_than(self, other: Self) -> bool {
        let ((shortest, _), (_, longest)) = (self.lengths(), other.lengths());
        self.lengths() == other.lengths() || shortest >= longest
    }

    /// The lengths of its shortest and its longest window, in seconds.
    fn lengths(self) -> (u64, u64) {
        match self {
            Self::Lifetime => (u64::MAX, u64::MAX),
            Self::Minute => (60, 60),
            Self::Hour => (3_600, 3_600),
            Self::Day => (DAY, DAY),
            Self::Week => (WEEK, WEEK),
            Self::Month | Self::MonthFrom { .. } => (28 * DAY, 31 * DAY),
            Self::Year | Self::YearFrom { .. } => (365 * DAY, 366 * DAY),
            Self::Fixed { seconds, .. } => (seconds, seconds),
        }
    }

    /// Reads `0..6 / [seconds, anchor] / [-5, anchor] / [-6, anchor]`.
    pub(crate) fn read(reader: &mut Reader<'_>) -> cbor::Result<Self> {
        let offset = reader.offset();
        let invalid = Malformed { code: Code::InvalidValue, offset };
        if reader.at_array() {
            reader.array_within(2, 2)?;
            let unit = reader.int()?;
            let seconds = match (unit, u64::try_from(unit)) {
                (_, Ok(seconds @ 1..)) => seconds,
                (-6 | -5, _) => 0,
                _ => return Err(invalid),
            };
            let anchor = reader.timestamp()?;
            return Ok(match unit {
                -5 => Self::MonthFrom { anchor },
                -6 => Self::YearFrom { anchor },
                _ => Self::Fixed { seconds, anchor },
            });
        }
        Self::numbered(reader.uint()?).ok_or(invalid)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed { seconds, anchor } => write!(f, "{seconds} s from {anchor}"),
            Self::MonthFrom { anchor } => write!(f, "month from {anchor}"),
            Self::YearFrom { anchor } => write!(f, "year from {anchor}"),
            named => {
                let name = Self::NAMED.into_iter().find(|(_, period)| period == named);
                name.map_or(Ok(()), |(name, _)| f.write_str(name))
            }
        }
    }
}

/// Windows of equal length. The first one may be cut short by 1970.
fn fixed(length: u64, anchor: u64, time: u64) -> Window {
    let length = length.max(1);
    let phase = anchor.checked_rem(length).unwrap_or(0);
    let since = match time.checked_sub(phase) {
        Some(elapsed) => elapsed.checked_rem(length).unwrap_or(0),
        None => return window(0, phase),
    };
    let start = time.saturating_sub(since);
    window(start, start.saturating_add(length))
}

/// Windows of `step` calendar months. Each start is counted from the anchor
/// itself, so that a clamped month never shifts the ones after it.
fn months(step: i64, anchor: u64, time: u64) -> Window {
    let (origin, time_of_day) = (Date::of(anchor), anchor.checked_rem(DAY).unwrap_or(0));
    let start_of = |window: i64| match origin.plus_months(window.saturating_mul(step)) {
        date if date.year < 1970 => 0,
        date => date.start().saturating_add(time_of_day),
    };
    let month = |date: Date| date.year.saturating_mul(12).saturating_add(date.month).cast_signed();
    let apart = month(Date::of(time)).saturating_sub(month(origin));
    let at = apart.checked_div_euclid(step).unwrap_or(0);
    // In the right month, but perhaps before its boundary.
    let at = if start_of(at) > time { at.saturating_sub(1) } else { at };
    window(start_of(at), start_of(at.saturating_add(1)))
}

fn window(start: u64, end: u64) -> Window {
    Window { start: Timestamp::from_seconds(start), end: Some(Timestamp::from_seconds(end)) }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn at(year: u64, month: u64, day: u64) -> u64 {
        Date { year, month, day }.start()
    }

    fn window(period: Period, time: u64) -> (u64, u64) {
        let Window { start, end } = period.window(time);
        (start.as_seconds(), end.map_or(u64::MAX, Timestamp::as_seconds))
    }

    #[test]
    fn a_name_is_the_one_that_json_has() {
        for name in ["lifetime", "minute", "hour", "day", "week", "month", "year"] {
            let period = Period::named(name).unwrap();
            assert_eq!(std::format!("{period}"), name);
            assert_eq!(std::format!("{}", period.json()), std::format!("\"{name}\""));
        }
        assert_eq!(Period::named("Day"), None);
        assert_eq!((Period::numbered(5), Period::numbered(7)), (Some(Period::Month), None));
        let from = Period::MonthFrom { anchor: at(2024, 1, 31).into() };
        assert_eq!(std::format!("{from}"), "month from 2024-01-31T00:00:00Z");
        assert_eq!(std::format!("{}", from.json()), r#"{"month_from":1706659200}"#);
    }

    #[test]
    fn an_object_has_the_members_of_one_shape_and_no_others() {
        let anchor = Timestamp::from_seconds(60);
        let fixed = Some(Period::Fixed { seconds: 5, anchor });
        assert_eq!(Period::of_members([("seconds", 5), ("anchor", 60)]), fixed);
        assert_eq!(Period::of_members([("anchor", 60), ("seconds", 5)]), fixed, "in any order");
        assert_eq!(Period::of_members([("month_from", 60)]), Some(Period::MonthFrom { anchor }));
        assert_eq!(Period::of_members([("year_from", limits::TIME)]).map(|_| ()), Some(()));
        for wrong in [
            &[][..],
            &[("seconds", 5)],
            &[("anchor", 60)],
            &[("seconds", 0), ("anchor", 60)],
            &[("seconds", u64::MAX), ("anchor", 60)],
            &[("seconds", 5), ("anchor", limits::TIME + 1)],
            &[("month_from", limits::TIME + 1)],
            &[("month_from", 60), ("year_from", 60)],
            &[("month_from", 60), ("anchor", 60)],
            &[("month_from", 60), ("month_from", 60)],
            &[("month", 60)],
        ] {
            assert_eq!(Period::of_members(wrong.iter().copied()), None, "{wrong:?}");
        }
    }

    #[test]
    fn calendar_windows_begin_and_end_at_utc_boundaries() {
        let noon = at(2024, 2, 29) + 12 * 3600 + 34 * 60 + 56;
        assert_eq!(window(Period::Lifetime, noon), (0, u64::MAX));
        assert_eq!(window(Period::Minute, noon), (noon - 56, noon + 4));
        assert_eq!(window(Period::Hour, noon), (at(2024, 2, 29) + 12 * 3600, at(2024, 2, 29) + 13 * 3600));
        assert_eq!(window(Period::Day, noon), (at(2024, 2, 29), at(2024, 3, 1)));
        assert_eq!(window(Period::Week, noon), (at(2024, 2, 26), at(2024, 3, 4)));
        assert_eq!(window(Period::Month, noon), (at(2024, 2, 1), at(2024, 3, 1)));
        assert_eq!(window(Period::Year, noon), (at(2024, 1, 1), at(2025, 1, 1)));
        assert_eq!(window(Period::Week, 0), (0, 4 * DAY));
    }

    #[test]
    fn anchored_months_clamp_and_come_back() {
        let period = Period::MonthFrom { anchor: (at(2024, 1, 31) + 3600).into() };
        assert_eq!(window(period, at(2024, 2, 29)), (at(2024, 1, 31) + 3600, at(2024, 2, 29) + 3600));
        assert_eq!(window(period, at(2024, 2, 29) + 3600), (at(2024, 2, 29) + 3600, at(2024, 3, 31) + 3600));
        assert_eq!(window(period, at(2023, 3, 1)), (at(2023, 2, 28) + 3600, at(2023, 3, 31) + 3600));
        let yearly = Period::YearFrom { anchor: at(2024, 2, 29).into() };
        assert_eq!(window(yearly, at(2025, 2, 28)), (at(2025, 2, 28), at(2026, 2, 28)));
        assert_eq!(window(yearly, at(2028, 2, 28)), (at(2027, 2, 28), at(2028, 2, 29)));
    }

    #[test]
    fn windows_tile_time_without_gap_or_overlap() {
        let anchors = [
            0,
            1,
            DAY - 1,
            at(1999, 12, 31) + 86_399,
            at(2024, 1, 31),
            at(2024, 2, 29) + 7,
            crate::limits::TIME,
        ];
        for anchor in anchors.map(Timestamp::from_seconds) {
            for period in [
                Period::Week,
                Period::Month,
                Period::Year,
                Period::Fixed { seconds: 1_234_567, anchor },
                Period::MonthFrom { anchor },
                Period::YearFrom { anchor },
            ] {
                for from in [0, at(2023, 12, 30), at(9997, 1, 1)] {
                    let mut time = from;
                    for _ in 0..40 {
                        let (start, end) = window(period, time);
                        assert!(start <= time && time < end, "{period:?} at {time}: {start}..{end}");
                        assert_eq!(window(period, end - 1), (start, end), "{period:?}");
                        assert_eq!(window(period, start), (start, end), "{period:?}");
                        time = end;
                    }
                }
            }
        }
    }

    /// The window of a time by a list of all boundaries. What lies before the first one begins in 1970.
    fn between(boundaries: &[u64], time: u64) -> (u64, u64) {
        let after = boundaries.partition_point(|boundary| *boundary <= time);
        (after.checked_sub(1).map_or(0, |last| boundaries[last]), boundaries[after])
    }

    #[test]
    fn all_small_windows_of_seconds_are_found_by_counting_them() {
        for (seconds, anchor) in (1..=13).flat_map(|seconds| (0..=30).map(move |anchor| (seconds, anchor))) {
            let period = Period::Fixed { seconds, anchor: anchor.into() };
            let boundaries: Vec<u64> = (0..100).filter(|time| time % seconds == anchor % seconds).collect();
            for time in 0..=60 {
                assert_eq!(window(period, time), between(&boundaries, time), "{seconds} {anchor} {time}");
            }
        }
    }

    /// The first day since 1970 and the length of each month, counted day by day, from one year up to another.
    fn calendar(years: core::ops::Range<u64>) -> Vec<(u64, u64)> {
        let (mut months, mut day) = (Vec::new(), 0);
        for year in 1970..years.end {
            for month in 1..=12 {
                let days = match month {
                    2 if year % 400 == 0 || (year % 4 == 0 && year % 100 != 0) => 29,
                    2 => 28,
                    4 | 6 | 9 | 11 => 30,
                    _ => 31,
                };
                months.push((day, days));
                day += days;
            }
        }
        months.split_off(usize::try_from((years.start - 1970) * 12).unwrap())
    }

    /// Every day of two years as an anchor, at the first and the last second and between, and every boundary of some
    /// years around it: from 1970 on, with leap years, and where a century has none.
    #[test]
    fn all_calendar_windows_of_some_years_are_found_by_counting_days() {
        let mut checks = 0_u64;
        for (years, anchors) in [(1970..1977, 20..50), (2095..2105, 45..72)] {
            let months = calendar(years.clone());
            let starts: Vec<u64> = months.iter().map(|(first, _)| first * DAY).collect();
            let first = starts[0];
            for time in starts[1..starts.len() - 12].iter().flat_map(|start| [start - 1, *start]) {
                assert_eq!(window(Period::Month, time), between(&starts, time));
                let years: Vec<u64> = starts.iter().step_by(12).copied().collect();
                assert_eq!(window(Period::Year, time), between(&years, time));
                let weeks: Vec<u64> = (0..9_000).map(|week| MONDAY + week * WEEK).collect();
                assert_eq!(window(Period::Week, time), between(&weeks, time));
            }
            for of in anchors {
                for (day, second) in
                    (0..months[of].1).flat_map(|day| [0, 45_296, DAY - 1].map(|second| (day, second)))
                {
                    let on = |(first, days): &(u64, u64)| (first + day.min(days - 1)) * DAY + second;
                    let anchor = Timestamp::from_seconds(on(&months[of]));
                    let monthly: Vec<u64> = months.iter().map(on).collect();
                    let yearly: Vec<u64> = months[of % 12..].iter().step_by(12).map(on).collect();
                    for (period, boundaries) in
                        [(Period::MonthFrom { anchor }, monthly), (Period::YearFrom { anchor }, yearly)]
                    {
                        let inner = &boundaries[..boundaries.len() - 1];
                        for time in inner.iter().flat_map(|at| [at.saturating_sub(1), *at]) {
                            if time >= boundaries[0] || first == 0 {
                                let found = window(period, time);
                                assert_eq!(found, between(&boundaries, time), "{period:?} at {time}");
                                checks += 1;
                            }
                        }
                    }
                }
            }
        }
        assert!(checks > 500_000, "{checks}");
    }
}
