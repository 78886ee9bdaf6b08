//! Points in time.

use core::{fmt, ops};

use super::calendar::{DAY, Date};

/// A point in time, in whole seconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// `Display` writes it as RFC 3339, section 5.6, has it: `2027-01-15T08:00:00Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The latest time that a number can say. No signed object names it: see [`crate::limits::TIME`].
    pub const MAX: Self = Self(u64::MAX);

    /// The time of a number of seconds since 1970.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970.
    pub const fn as_seconds(self) -> u64 {
        self.0
    }

    /// The time this many seconds later, at most [`Timestamp::MAX`].
    #[must_use]
    pub const fn saturating_add(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// The time this many seconds earlier, at least [`Timestamp::EPOCH`].
    #[must_use]
    pub const fn saturating_sub(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }

    /// Seconds that have passed since another time; 0 if that is later.
    pub const fn seconds_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Seconds later, at most [`Timestamp::MAX`].
impl ops::Add<u64> for Timestamp {
    type Output = Self;

    fn add(self, seconds: u64) -> Self {
        self.saturating_add(seconds)
    }
}

/// Seconds earlier, at least [`Timestamp::EPOCH`].
impl ops::Sub<u64> for Timestamp {
    type Output = Self;

    fn sub(self, seconds: u64) -> Self {
        self.saturating_sub(seconds)
    }
}

impl From<u64> for Timestamp {
    fn from(seconds: u64) -> Self {
        Self(seconds)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Date { year, month, day } = Date::of(self.0);
        let second = self.0 % DAY;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn it_is_shown_as_rfc_3339_has_it() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (1_800_000_000, "2027-01-15T08:00:00Z"),
            (crate::limits::TIME, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp::from_seconds(seconds).to_string(), text);
        }
        assert!(!Timestamp::from_seconds(u64::MAX).to_string().is_empty());
    }
}
