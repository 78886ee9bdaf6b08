//! One call from JavaScript, and its answer.

use licentia_core::Code;

use super::words::Words;

/// The arguments of a call.
pub(crate) struct Call<'a> {
    /// A text of any length and content, such as a token.
    pub(crate) subject: &'a str,
    pub(crate) words: Words<'a>,
    pub(crate) numbers: &'a [f64],
    pub(crate) bytes: &'a [u8],
    pub(crate) first: f64,
    pub(crate) second: f64,
}

/// Numbers, never an empty list; or the code of a refusal.
pub(crate) type Answer = Result<Vec<f64>, Code>;

/// An answer without content.
pub(crate) fn done() -> Vec<f64> {
    vec![0.0]
}

/// An answer of one number.
#[cfg(feature = "gate")]
pub(crate) fn one(number: u32) -> Vec<f64> {
    vec![f64::from(number)]
}

/// Bytes as numbers. A leading 0 keeps the answer from being empty.
#[cfg(feature = "gate")]
pub(crate) fn byte_numbers(bytes: &[u8]) -> Vec<f64> {
    let mut numbers = done();
    numbers.extend(bytes.iter().copied().map(f64::from));
    numbers
}
