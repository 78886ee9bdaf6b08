//! What a function returns.

/// What a function returns: `LICENTIA_OK`, or why it did nothing. Zeroed memory is not a success.
pub type Status = u32;
/// Why a request was allowed or denied, or what is wrong with a call: one of `LICENTIA_CODE_*`.
pub type Code = u32;

/// Number of the ABI. It grows when a function changes or is removed.
pub const LICENTIA_ABI_VERSION: u32 = 1;
/// The function succeeded and wrote its outputs.
pub const LICENTIA_OK: Status = 1;
/// The value does not exist, such as a claim that the licence does not have.
pub const LICENTIA_ABSENT: Status = 2;
/// The library has failed: it stopped a panic. Only free what was passed.
pub const LICENTIA_INTERNAL: Status = 900;
/// Stands for a number that is absent.
pub const LICENTIA_NONE: u64 = u64::MAX;
