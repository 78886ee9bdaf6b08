//! Which numbers may be signed as times.

use licentia_core::{Timestamp, limits};

use super::show::show;
use crate::error::{Error, Result};

/// 2000-01-01 00:00:00 UTC. Eight digits of a date, such as 20270131, are an earlier time.
const EARLIEST: u64 = 946_684_800;
/// 2999-12-31 23:59:59 UTC. Twelve digits of a date and time are later; so are milliseconds.
const LATEST: u64 = 32_503_679_999;

/// Checks a time before it is signed: it is in the years 2000 to 2999, or "never" (the end of the year 9999).
///
/// # Errors
/// [`Error::Value`], which names the field and says what the number means as a time.
pub fn plausible(field: &'static str, time: impl Into<Timestamp>) -> Result<Timestamp> {
    let time = time.into().as_seconds();
    if (EARLIEST..=LATEST).contains(&time) || time == limits::TIME {
        return Ok(time.into());
    }
    let given = if time < limits::TIME { format!("{time} ({})", show(time)) } else { time.to_string() };
    let expected = "a time lies in the years 2000 to 2999, or is `never`; write a date (2027-01-31) or seconds since 1970, not milliseconds and not a date as a number";
    Err(Error::value(field, &given, expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_numbers_and_milliseconds_are_refused() {
        for good in [EARLIEST, 1_800_000_000, LATEST, limits::TIME] {
            assert_eq!(plausible("expires", good).unwrap(), good.into());
        }
        let wrong = [
            0,
            1,
            202_701,
            20_270_131,
            99_991_231,
            EARLIEST - 1,
            LATEST + 1,
            202_701_311_200,
            limits::TIME - 1,
            limits::TIME + 1,
            1_800_000_000_000,
            20_270_131_120_000,
            u64::MAX,
        ];
        for wrong in wrong {
            let said = plausible("expires", wrong).unwrap_err().to_string();
            assert!(said.contains("expires") && said.contains(&wrong.to_string()), "{said}");
        }
        assert!(plausible("expires", 20_270_131).unwrap_err().to_string().contains("1970-08-23"));
    }
}
