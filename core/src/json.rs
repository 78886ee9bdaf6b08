//! Just enough JSON (RFC 8259) to write explanations and licences without a heap.

use core::fmt::{self, Write};

use crate::time::timestamp::Timestamp;

/// Writes a text as a JSON string.
#[derive(Debug)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                // Controls must be escaped, also for terminals; U+2028 and U+2029 end lines in older JavaScript.
                '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                    write!(f, "\\u{:04x}", u32::from(c))?;
                }
                _ => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// Writes a number, or `null`.
#[derive(Debug)]
pub struct Optional(pub Option<u64>);

impl fmt::Display for Optional {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => number.fmt(f),
            None => f.write_str("null"),
        }
    }
}

/// Writes a time as a number, or `null`.
pub(crate) struct OptionalTime(pub(crate) Option<Timestamp>);

impl fmt::Display for OptionalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Optional(self.0.map(Timestamp::as_seconds)).fmt(f)
    }
}

/// Writes bytes as a JSON string of lower-case hexadecimal digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_char('"')
    }
}

/// Writes the items between commas.
pub(crate) fn list<T>(
    f: &mut fmt::Formatter<'_>,
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut fmt::Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    for (at, item) in items.enumerate() {
        if at > 0 {
            f.write_char(',')?;
        }
        write(f, item)?;
    }
    Ok(())
}
