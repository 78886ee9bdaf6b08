//! Points in time.

use jiff::civil::{Date, DateTime};
use licentia_core::{Timestamp, limits};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{civil::timestamp, plausible::plausible};
use crate::error::{Error, Result};

const EXPECTED: &str = "write a date (2027-01-31), a date and time in UTC (2027-01-31T12:00:00Z), seconds since 1970, or `never`";
const DAY: u64 = 86_400;

/// A time as it was written.
#[derive(Clone, Copy)]
enum Written {
    /// A number, or `never`.
    Number(Timestamp),
    /// The first second of a date.
    Date(Timestamp),
    /// A date and time.
    Second(Timestamp),
}

impl Written {
    fn read(text: &str) -> Result<Self> {
        let text = text.trim();
        if matches!(text, "never" | "perpetual") {
            return Ok(Self::Number(limits::TIME.into()));
        }
        let written = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            text.parse().ok().map(Timestamp::from_seconds).map(Self::Number)
        } else if text.contains(['T', 't', ' ']) {
            second(text).map(Self::Second)
        } else {
            text.parse::<Date>().ok().and_then(|date| timestamp(date.into())).map(Self::Date)
        };
        match written {
            Some(Self::Number(time)) if time.as_seconds() > limits::TIME => {
                plausible("time", time).map(Self::Number)
            }
            Some(written) => Ok(written),
            None => Err(Error::value("time", text, EXPECTED)),
        }
    }

    /// The time. Of a date it is what `of_day` makes of its first second.
    fn resolve(self, of_day: impl FnOnce(Timestamp) -> Timestamp) -> Result<Timestamp> {
        match self {
            Self::Number(number) => plausible("time", number),
            Self::Date(first) => Ok(of_day(first)),
            Self::Second(second) => Ok(second),
        }
    }
}

/// Reads a date and time with an offset. Without one it would mean another second on another machine.
fn second(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return u64::try_from(time.as_second()).ok().map(Timestamp::from_seconds);
    }
    // The last day of the year 9999, which is out of a timestamp's range.
    timestamp(text.strip_suffix(['Z', 'z'])?.parse::<DateTime>().ok()?)
}

/// Reads a time to look at: a date, which is its first second, a date and time with an offset, any number of
/// seconds since 1970, or `never`. For what will be signed, use the other functions.
///
/// # Errors
/// [`Error::Value`].
pub fn parse(text: &str) -> Result<Timestamp> {
    match Written::read(text)? {
        Written::Number(time) | Written::Date(time) | Written::Second(time) => Ok(time),
    }
}

/// Reads a start that will be signed. A date is its first second.
///
/// # Errors
/// [`Error::Value`], also for a number that is not [`plausible`].
pub fn parse_start(text: &str) -> Result<Timestamp> {
    Written::read(text)?.resolve(|first| first)
}

/// Reads a last moment that will be signed. A date is its last second.
///
/// # Errors
/// [`Error::Value`], also for a number that is not [`plausible`].
pub fn parse_last(text: &str) -> Result<Timestamp> {
    Written::read(text)?.resolve(|first| first.saturating_add(DAY - 1))
}

/// Reads an end that will be signed: the first second that no longer counts. A date is included, so it is the first
/// second after that day; 9999-12-31 is `never`.
///
/// # Errors
/// [`Error::Value`], also for a number that is not [`plausible`].
pub fn parse_end(text: &str) -> Result<Timestamp> {
    Written::read(text)?.resolve(|first| first.saturating_add(DAY).min(limits::TIME.into()))
}

/// Deserialises a time of TOML as it is written: a date, a date and time with an offset, or a text.
pub(crate) fn written<'de, D: Deserializer<'de>>(input: D) -> std::result::Result<Option<String>, D::Error> {
    text(input).map(Some)
}

/// Deserialises an end of TOML: a date, a date and time with an offset, or a text that [`parse_end`] reads.
pub(crate) fn end<'de, D: Deserializer<'de>>(input: D) -> std::result::Result<Option<Timestamp>, D::Error> {
    parse_end(&text(input)?).map(Some).map_err(D::Error::custom)
}

fn text<'de, D: Deserializer<'de>>(input: D) -> std::result::Result<String, D::Error> {
    Ok(match toml::Value::deserialize(input)? {
        toml::Value::String(text) => text,
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::show::{show, stamp},
        *,
    };

    #[test]
    fn times_are_read_in_every_documented_form() {
        assert_eq!(parse("2024-02-29").unwrap().as_seconds(), 1_709_164_800);
        assert_eq!(parse("2024-02-29T12:00:00Z").unwrap().as_seconds(), 1_709_208_000);
        assert_eq!(parse("2024-02-29T12:00:00+01:00").unwrap().as_seconds(), 1_709_204_400);
        assert_eq!(parse("1709164800").unwrap().as_seconds(), 1_709_164_800);
        assert_eq!(parse("never").unwrap().as_seconds(), limits::TIME);
        for bad in ["", "tomorrow", "2024-02-30", "2024-02-29T12:00:00", "-5", "99999999999999"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(show(1_709_208_000), "2024-02-29 12:00:00 UTC");
        assert_eq!(stamp(1_709_208_000), "2024-02-29T12:00:00Z");
        assert_eq!(show(limits::TIME), "never");
    }

    #[test]
    fn a_date_is_a_whole_day() {
        let day = 1_801_353_600;
        assert_eq!(parse_start("2027-01-31").unwrap().as_seconds(), day);
        assert_eq!(parse_last("2027-01-31").unwrap().as_seconds(), day + DAY - 1);
        assert_eq!(parse_end("2027-01-31").unwrap().as_seconds(), day + DAY);
        for parse in [parse_start, parse_last, parse_end] {
            assert_eq!(parse("2027-01-31T12:00:00Z").unwrap().as_seconds(), day + DAY / 2);
            assert_eq!(parse("1801353600").unwrap().as_seconds(), day);
            assert_eq!(parse("never").unwrap().as_seconds(), limits::TIME);
        }
    }

    #[test]
    fn the_last_day_of_all_is_never() {
        for text in ["9999-12-31", "9999-12-31T23:59:59Z", "9999-12-31 23:59:59Z", "253402300799"] {
            assert_eq!(parse_end(text).unwrap().as_seconds(), limits::TIME, "{text}");
            assert_eq!(parse_last(text).unwrap().as_seconds(), limits::TIME, "{text}");
        }
        assert_eq!(parse("9999-12-31").unwrap().as_seconds(), limits::TIME - (DAY - 1));
        assert_eq!(show(limits::TIME - 1), "9999-12-31 23:59:58 UTC");
    }

    #[test]
    fn numbers_that_will_be_signed_are_plausible() {
        for text in ["20270131", "0", "202701311200", "1800000000000"] {
            assert!(parse_start(text).is_err() && parse_last(text).is_err() && parse_end(text).is_err());
        }
        assert_eq!(parse("20270131").unwrap().as_seconds(), 20_270_131, "reading takes any number");
    }
}
