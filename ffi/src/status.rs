//! What a function returns.

/// What a function answers: `LICENTIA_OK`, or why it did nothing. Memory that was only zeroed is no success.
pub type Status = u32;
/// Why a request was allowed or denied, or what is wrong with a call: one of `LICENTIA_CODE_*`.
pub type Code = u32;

/// Number of the ABI: it grows when a function changes or goes.
pub const LICENTIA_ABI_VERSION: u32 = 1;
/// The function did what it says, and wrote its outputs.
pub const LICENTIA_OK: Status = 1;
/// What was asked for is not there, such as a claim that the licence has not.
pub const LICENTIA_ABSENT: Status = 2;
/// An error of the library's own: a panic was stopped. What was passed can only be freed.
pub const LICENTIA_INTERNAL: Status = 900;
/// In place of a number that is not there.
pub const LICENTIA_NONE: u64 = u64::MAX;
