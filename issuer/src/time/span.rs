//! Lengths of time.

use jiff::{SpanRelativeTo, Unit};
use licentia_core::Timestamp;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::civil::{datetime, timestamp};
use crate::error::{Error, Result};

const EXPECTED: &str = "write a number and a unit, such as `30 days`, `1 year`, `12h` or `90s`";

/// A length of time, which may have calendar units.
#[derive(Clone, Copy, Debug)]
pub struct Span(jiff::Span);

impl std::fmt::Display for Span {
    /// Writes `1 year 6 months`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let units = [
            (i64::from(self.0.get_years()), "year"),
            (i64::from(self.0.get_months()), "month"),
            (i64::from(self.0.get_weeks()), "week"),
            (i64::from(self.0.get_days()), "day"),
            (i64::from(self.0.get_hours()), "hour"),
            (self.0.get_minutes(), "minute"),
            (self.0.get_seconds(), "second"),
            (self.0.get_milliseconds(), "millisecond"),
            (self.0.get_microseconds(), "microsecond"),
            (self.0.get_nanoseconds(), "nanosecond"),
        ];
        let mut separator = "";
        for (count, unit) in units.into_iter().filter(|(count, _)| *count != 0) {
            write!(f, "{separator}{count} {unit}{}", if count == 1 { "" } else { "s" })?;
            separator = " ";
        }
        if separator.is_empty() { f.write_str("0 seconds") } else { Ok(()) }
    }
}

impl std::str::FromStr for Span {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.trim().parse::<jiff::Span>() {
            Ok(span) if !span.is_negative() => Ok(Self(span)),
            _ => Err(Error::value("duration", text, EXPECTED)),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(input)?.parse().map_err(D::Error::custom)
    }
}

impl Span {
    /// The time this long after `time`. A month or year later is the same day, or that month's last day.
    ///
    /// # Errors
    /// [`Error::Value`] past the year 9999.
    pub fn after(self, time: impl Into<Timestamp>) -> Result<Timestamp> {
        let late = || Error::value("duration", &self.to_string(), "the end must be before the year 10000");
        let end = datetime(time.into()).and_then(|from| from.checked_add(self.0).ok());
        end.and_then(timestamp).ok_or_else(late)
    }

    /// Its length in milliseconds. A day has 24 hours.
    ///
    /// # Errors
    /// [`Error::Value`] for months and years, whose lengths differ.
    pub fn millis(self) -> Result<u64> {
        let invalid = || {
            Error::value(
                "duration",
                &self.to_string(),
                "months and years differ in length; write weeks, days or hours, such as `365 days`",
            )
        };
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
    /// [`Error::Value`] as for [`Span::millis`], and for fractions of a second.
    pub fn seconds(self) -> Result<u64> {
        match self.millis()? {
            millis if millis.is_multiple_of(1000) => Ok(millis / 1000),
            _ => Err(Error::value("duration", &self.to_string(), "use whole seconds here")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use licentia_core::limits;

    #[test]
    fn spans_follow_the_calendar() {
        let span = |text: &str| text.parse::<Span>().unwrap();
        let (january, february) = (1_706_659_200, 1_709_164_800);
        assert_eq!(
            span("1 month").after(january).unwrap().as_seconds(),
            february,
            "2024-01-31 to 2024-02-29"
        );
        assert_eq!(
            span("1 year").after(february).unwrap().as_seconds(),
            1_740_700_800,
            "2024-02-29 to 2025-02-28"
        );
        assert_eq!(span("14d").after(0).unwrap().as_seconds(), 14 * 86_400);
        assert_eq!(span("1s").millis().unwrap(), 1000);
        assert_eq!(span("250ms").millis().unwrap(), 250);
        assert_eq!(span("2w").seconds().unwrap(), 14 * 86_400);
        assert!(span("250ms").seconds().is_err() && span("1 month").millis().is_err());
        assert!(span("9000 years").after(limits::TIME / 2).is_err());
        for text in ["1 year", "14 days", "1 hour 30 minutes", "250 milliseconds"] {
            assert_eq!(span(text).to_string(), text);
        }
        assert_eq!(span("0s").to_string(), "0 seconds");
        let said = span("1 year").seconds().unwrap_err().to_string();
        assert!(said.contains("1 year") && said.contains("365 days"), "{said}");
        assert!("-1 day".parse::<Span>().is_err() && "soon".parse::<Span>().is_err());
    }
}
