//! Points in time.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use licentia_core::limits;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::error::{Error, Result};

const EXPECTED: &str = "write a date (2027-01-31), a date and time in UTC (2027-01-31T12:00:00Z), seconds since 1970, or `never`";

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
        _ => Err(Error::value("time", text, EXPECTED)),
    }
}

fn civil(time: DateTime) -> Option<u64> {
    let zoned = time.to_zoned(TimeZone::UTC).ok()?;
    u64::try_from(zoned.timestamp().as_second()).ok()
}

/// Formats a time for people: `2027-01-31 12:00:00 UTC`, or `never`.
pub fn show(time: u64) -> String {
    if time >= limits::TIME {
        return "never".into();
    }
    match i64::try_from(time).ok().and_then(|time| Timestamp::from_second(time).ok()) {
        Some(timestamp) => timestamp.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        None => time.to_string(),
    }
}

/// Deserialises a time of TOML: a date, a date and time with an offset, or a text that [`parse`] reads.
pub(crate) fn moment<'de, D: Deserializer<'de>>(input: D) -> std::result::Result<Option<u64>, D::Error> {
    let text = match toml::Value::deserialize(input)? {
        toml::Value::String(text) => text,
        other => other.to_string(),
    };
    parse(&text).map(Some).map_err(D::Error::custom)
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
}
