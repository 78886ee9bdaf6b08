//! Numbers that are worth trying.

use libfuzzer_sys::arbitrary::{Result, Unstructured};

/// Any number up to `most`, often a small one or one beside a power of two.
pub fn number(input: &mut Unstructured<'_>, most: u64) -> Result<u64> {
    let value = match input.int_in_range(0..=3)? {
        0 => input.int_in_range(0..=16)?,
        1 => (1_u64 << input.int_in_range(0..=63)?).wrapping_add(input.int_in_range(0..=4)?).wrapping_sub(2),
        2 => most.saturating_sub(input.int_in_range(0..=16)?),
        _ => input.arbitrary()?,
    };
    Ok(if value > most { value % (most.saturating_add(1)).max(1) } else { value })
}
