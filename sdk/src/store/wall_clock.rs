//! The wall clock in nanoseconds, for stores without a clock of their own.

/// A time in seconds, in nanoseconds.
pub(super) fn nanos(seconds: u64) -> u128 {
    u128::from(seconds).saturating_mul(1_000_000_000)
}

/// The wall clock, in nanoseconds since 1970: what processes of one machine have in common.
#[cfg(not(target_family = "wasm"))]
pub(super) fn wall_nanos() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// A module of WebAssembly has no clock. What would be forgotten by it stays, and a rate in the store gives no more than
/// its burst.
#[cfg(target_family = "wasm")]
pub(super) fn wall_nanos() -> u64 {
    0
}
