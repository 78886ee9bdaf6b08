//! Windows of periods against the calendar of `jiff`.

use fastrand::Rng;
use jiff::{
    ToSpan as _,
    civil::{DateTime, Weekday, date},
};
use licentia_core::Period;
use licentia_tests::{cases, in_parallel};

/// The last second that the calendars are compared at: windows that start before it end in `jiff`'s range.
const LAST: u64 = 253_000_000_000;

fn civil(time: u64) -> DateTime {
    date(1970, 1, 1).at(0, 0, 0, 0) + time.cast_signed().seconds()
}

/// Seconds since 1970; 0 for what was before.
fn seconds(time: DateTime) -> u64 {
    let since = time.duration_since(date(1970, 1, 1).at(0, 0, 0, 0)).as_secs();
    u64::try_from(since).unwrap_or(0)
}

/// The window as the calendar has it.
fn expected(period: Period, time: u64) -> (DateTime, DateTime) {
    let at = civil(time);
    let (day, midnight) = (at.date(), at.date().at(0, 0, 0, 0));
    match period {
        Period::Minute => {
            let start = day.at(at.hour(), at.minute(), 0, 0);
            (start, start + 1.minute())
        }
        Period::Hour => {
            let start = day.at(at.hour(), 0, 0, 0);
            (start, start + 1.hour())
        }
        Period::Day => (midnight, midnight + 1.day()),
        Period::Week => {
            let start = midnight - i64::from(day.weekday().since(Weekday::Monday)).days();
            // Jiff's own idea of the ISO week must agree.
            assert_eq!(start.date().iso_week_date().week(), day.iso_week_date().week());
            (start, start + 1.week())
        }
        Period::Month => {
            let start = day.first_of_month().at(0, 0, 0, 0);
            (start, start + 1.month())
        }
        Period::Year => {
            let start = day.first_of_year().at(0, 0, 0, 0);
            (start, start + 1.year())
        }
        Period::MonthFrom { anchor } => anchored(civil(anchor.as_seconds()), at, 1),
        Period::YearFrom { anchor } => anchored(civil(anchor.as_seconds()), at, 12),
        other => unreachable!("{other:?} has no calendar"),
    }
}

/// The window of `step` months, counted from the anchor by adding months to it.
fn anchored(anchor: DateTime, at: DateTime, step: i64) -> (DateTime, DateTime) {
    let apart = |time: DateTime| i64::from(time.year()) * 12 + i64::from(time.month());
    let near = (apart(at) - apart(anchor)).div_euclid(step);
    let start_of = |number: i64| anchor + (number * step).months();
    let number =
        (near - 2..=near + 2).rev().find(|number| start_of(*number) <= at).expect("one starts before");
    (start_of(number), start_of(number + 1))
}

fn check(rng: &mut Rng) {
    let mut time = rng.u64(0..LAST);
    let anchor = match rng.u8(0..3) {
        0 => rng.u64(0..LAST),
        // Around the ends of months, where days are clamped.
        1 => seconds(civil(rng.u64(0..LAST)).date().last_of_month().at(0, 0, 0, 0)) + rng.u64(0..86_400),
        _ => seconds(date(rng.i16(1970..9900), 2, 28).at(0, 0, 0, 0)) + rng.u64(0..172_800),
    };
    let period = match rng.u8(0..8) {
        0 => Period::Minute,
        1 => Period::Hour,
        2 => Period::Day,
        3 => Period::Week,
        4 => Period::Month,
        5 => Period::Year,
        6 => Period::MonthFrom { anchor: anchor.into() },
        _ => Period::YearFrom { anchor: anchor.into() },
    };
    // The window of a random time, and then those at its edges.
    for _ in 0..3 {
        let (start, end) = expected(period, time);
        let window = period.window(time);
        assert_eq!(
            (window.start, window.end),
            (seconds(start).into(), Some(seconds(end).into())),
            "{period:?} at {time}"
        );
        time = if rng.bool() { seconds(end) } else { seconds(start).saturating_sub(1) };
    }
}

#[test]
fn calendar_windows_are_those_of_jiff() {
    in_parallel("periods: against jiff", cases(200_000), |rng, count| (0..count).for_each(|_| check(rng)));
}

#[test]
fn windows_of_seconds_tile_time_from_their_anchor() {
    in_parallel("periods: of seconds", cases(200_000), |rng, count| {
        for _ in 0..count {
            let longest = 1 << rng.u32(1..53);
            let seconds = rng.u64(1..=longest);
            let (anchor, time) = (rng.u64(0..LAST), rng.u64(0..LAST));
            let window = Period::Fixed { seconds, anchor: anchor.into() }.window(time);
            let (start, end) = (window.start.as_seconds(), window.end.expect("it ends").as_seconds());
            assert!(start <= time && time < end, "{seconds} from {anchor} at {time}: {window:?}");
            let whole = end - start == seconds || (start == 0 && end < seconds);
            assert!(whole, "{seconds} from {anchor} at {time}: {window:?}");
            assert_eq!(
                i128::from(end).rem_euclid(seconds.into()),
                i128::from(anchor).rem_euclid(seconds.into())
            );
        }
    });
}
