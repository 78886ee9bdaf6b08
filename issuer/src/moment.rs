//! Times and durations as people write them. All times are whole UTC seconds since 1970.

use jiff::{
    SpanRelativeTo, Timestamp, Unit,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use licentia_core::limits;

use crate::error::{Error, Result};

const TIME: &str = "write a date (2027-01-31), a date and time in UTC (2027-01-31T12:00:00Z), seconds since 1970, or `never`";
const SPAN: &str = "write a number and a unit, such as `30 days`, `1 year`, `12h` or `90s`";

/// A length of time, which may have calendar units.
#[derive(Clone, Copy, Debug)]
pub struct Span(jiff::Span);

impl std::str::FromStr for Span {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.trim().parse::<jiff::Span>() {
            Ok(span) if !span.is_negative() => Ok(Self(span)),
            _ => Err(Error::value("duration", text, SPAN)),
        }
    }
}

impl Span {
    /// The time this long after `time`. A month or year later is the same day, or the month's last.
    ///
    /// # Errors
    /// [`Error::Value`] past the year 9999.
    pub fn after(self, time: u64) -> Result<u64> {
        let late = || Error::value("duration", &self.0.to_string(), "the end must be before the year 10000");
        let from = i64::try_from(time).ok().and_then(|time| Timestamp::from_second(time).ok());
        let end = from.and_then(|from| from.to_zoned(TimeZone::UTC).checked_add(self.0).ok());
        end.and_then(|end| u64::try_from(end.timestamp().as_second()).ok()).ok_or_else(late)
    }

    /// Its length in milliseconds, where a day has 24 hours.
    ///
    /// # Errors
    /// [`Error::Value`] for months and years, whose lengths differ.
    pub fn millis(self) -> Result<u64> {
        let invalid = || Error::value("duration", &self.0.to_string(), "use units of at most weeks here");
        let total = self.0.total((Unit::Millisecond, SpanRelativeTo::days_are_24_hours()));
        let total = total.map_err(|_| invalid())?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked right here")]
        let whole = total as u64;
        #[allow(clippy::cast_precision_loss, clippy::float_cmp, reason = "whole milliseconds only")]
        if whole as f64 == total { Ok(whole) } else { Err(invalid()) }
    }

    /// Its length in whole seconds.
    ///
    /// # Errors
    /// [`Error::Value`] as for [`Span::millis`], and for parts of a second.
    pub fn seconds(self) -> Result<u64> {
        match self.millis()? {
            millis if millis.is_multiple_of(1000) => Ok(millis / 1000),
            _ => Err(Error::value("duration", &self.0.to_string(), "use whole seconds here")),
        }
    }
}

/// Reads a time: a date, a date and time with an offset, seconds since 1970, or `never`.
///
/// # Errors
/// [`Error::Value`].
pub fn parse(text: &str) -> Result<u64> {
    let text = text.trim();
    if matches!(text, "never" | "perpetual") {
        return Ok(limits::TIME);
    }
    let seconds = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else if let Ok(timestamp) = text.parse::<Timestamp>() {
        u64::try_from(timestamp.as_second()).ok()
    } else if text.contains(['T', ' ']) {
        // A time of day without an offset would mean another second on another machine.
        None
    } else {
        text.parse::<Date>().ok().and_then(|date| civil(date.into()))
    };
    match seconds {
        Some(seconds) if seconds <= limits::TIME => Ok(seconds),
        _ => Err(Error::value("time", text, TIME)),
    }
}

fn civil(time: DateTime) -> Option<u64> {
    let zoned = time.to_zoned(TimeZone::UTC).ok()?;
    u64::try_from(zoned.timestamp().as_second()).ok()
}

/// Shows a time for people: `2027-01-31 12:00:00 UTC`, or `never`.
pub fn show(time: u64) -> String {
    if time >= limits::TIME {
        return "never".into();
    }
    match i64::try_from(time).ok().and_then(|time| Timestamp::from_second(time).ok()) {
        Some(timestamp) => timestamp.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        None => time.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_documented_form() {
        assert_eq!(parse("2024-02-29").unwrap(), 1_709_164_800);
        assert_eq!(parse("2024-02-29T12:00:00Z").unwrap(), 1_709_208_000);
        assert_eq!(parse("2024-02-29T12:00:00+01:00").unwrap(), 1_709_204_400);
        assert_eq!(parse("1709164800").unwrap(), 1_709_164_800);
        assert_eq!(parse("never").unwrap(), limits::TIME);
        for bad in ["", "tomorrow", "2024-02-30", "2024-02-29T12:00:00", "-5", "99999999999999"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(show(1_709_208_000), "2024-02-29 12:00:00 UTC");
        assert_eq!(show(limits::TIME), "never");
    }

    #[test]
    fn spans_follow_the_calendar() {
        let span = |text: &str| text.parse::<Span>().unwrap();
        assert_eq!(
            span("1 month").after(parse("2024-01-31").unwrap()).unwrap(),
            parse("2024-02-29").unwrap()
        );
        assert_eq!(span("1 year").after(parse("2024-02-29").unwrap()).unwrap(), parse("2025-02-28").unwrap());
        assert_eq!(span("14d").after(0).unwrap(), 14 * 86_400);
        assert_eq!(span("1s").millis().unwrap(), 1000);
        assert_eq!(span("250ms").millis().unwrap(), 250);
        assert_eq!(span("2w").seconds().unwrap(), 14 * 86_400);
        assert!(span("250ms").seconds().is_err() && span("1 month").millis().is_err());
        assert!(span("9000 years").after(limits::TIME / 2).is_err());
        assert!("-1 day".parse::<Span>().is_err() && "soon".parse::<Span>().is_err());
    }
}
