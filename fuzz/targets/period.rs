//! Windows of periods against a calendar that counts its days one year at a time, in wider integers.

#![no_main]

use libfuzzer_sys::{
    arbitrary::{Result, Unstructured},
    fuzz_target,
};
use licentia_core::{Period, Timestamp, Window, limits};
use licentia_fuzz::number;

const DAY: i128 = 86_400;

fuzz_target!(|data: &[u8]| {
    // An input that ends early is none.
    let _ = run(&mut Unstructured::new(data));
});

fn run(input: &mut Unstructured<'_>) -> Result<()> {
    let anchor = number(input, limits::TIME)?;
    // Around the ends of months, days are clamped.
    let anchor = if input.arbitrary()? { anchor - anchor % (30 * 86_400) } else { anchor };
    let seconds = number(input, limits::INTEGER)?.max(1);
    let time = number(input, limits::TIME)?;
    let from = Timestamp::from_seconds(anchor);
    for period in [
        Period::Lifetime,
        Period::Minute,
        Period::Hour,
        Period::Day,
        Period::Week,
        Period::Month,
        Period::Year,
        Period::Fixed { seconds, anchor: from },
        Period::MonthFrom { anchor: from },
        Period::YearFrom { anchor: from },
    ] {
        // The window of a time, and then those at its edges.
        let mut at = time;
        for _ in 0..3 {
            let window = period.window(at);
            assert_eq!(window, model(period, at), "{period:?} at {at}");
            match window.end {
                Some(end) if end.as_seconds() <= limits::TIME => at = end.as_seconds(),
                _ => at = window.start.as_seconds().saturating_sub(1),
            }
        }
    }
    Ok(())
}

fn model(period: Period, time: u64) -> Window {
    let time = i128::from(time);
    let (start, end) = match period {
        Period::Lifetime => return Window { start: Timestamp::EPOCH, end: None },
        Period::Minute => equal(60, 0, time),
        Period::Hour => equal(3_600, 0, time),
        Period::Day => equal(DAY, 0, time),
        // 1970-01-05 was a Monday.
        Period::Week => equal(7 * DAY, 4 * DAY, time),
        Period::Month => months(1, 0, time),
        Period::Year => months(12, 0, time),
        Period::Fixed { seconds, anchor } => equal(seconds.into(), anchor.as_seconds().into(), time),
        Period::MonthFrom { anchor } => months(1, anchor.as_seconds().into(), time),
        Period::YearFrom { anchor } => months(12, anchor.as_seconds().into(), time),
        other => panic!("{other:?} has no model"),
    };
    let known = |value: i128| Timestamp::from_seconds(u64::try_from(value.max(0)).expect("a time"));
    Window { start: known(start), end: Some(known(end)) }
}

fn equal(length: i128, anchor: i128, time: i128) -> (i128, i128) {
    let start = time - (time - anchor).rem_euclid(length);
    (start, start + length)
}

fn months(step: i128, anchor: i128, time: i128) -> (i128, i128) {
    let (year, month, day) = date(anchor.div_euclid(DAY));
    let start_of = |window: i128| {
        let count = year * 12 + month + window * step;
        let (year, month) = (count.div_euclid(12), count.rem_euclid(12));
        (first_of(year, month) + (day.min(length_of(year, month) - 1))) * DAY + anchor.rem_euclid(DAY)
    };
    // The guess is at most one off.
    let (now_year, now_month, _) = date(time.div_euclid(DAY));
    let guess = (now_year * 12 + now_month - year * 12 - month).div_euclid(step);
    let window =
        (guess - 1..=guess + 1).rev().find(|window| start_of(*window) <= time).expect("one starts before");
    (start_of(window), start_of(window + 1))
}

fn is_leap(year: i128) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month, counted from 0.
fn length_of(year: i128, month: i128) -> i128 {
    [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        [usize::try_from(month).expect("a month")]
}

/// Days from 1970-01-01 to the first of a month.
fn first_of(year: i128, month: i128) -> i128 {
    let leaps =
        |year: i128| (year - 1).div_euclid(4) - (year - 1).div_euclid(100) + (year - 1).div_euclid(400);
    let years = (year - 1970) * 365 + leaps(year) - leaps(1970);
    years + (0..month).map(|month| length_of(year, month)).sum::<i128>()
}

/// The year, the month and the day, both from 0, of a day since 1970.
fn date(days: i128) -> (i128, i128, i128) {
    // An average year is a little shorter than 366 days: the guess is too late by a few years at most.
    let mut year = 1970 + days.div_euclid(365) + 1;
    while first_of(year, 0) > days {
        year -= 1;
    }
    let month = (0..12).rev().find(|month| first_of(year, *month) <= days).expect("a month");
    (year, month, days - first_of(year, month))
}
