//! Threads that look after meters.

use std::time::Duration;

use crate::{
    border::{Out, Refusal, end, enter, shared},
    gate::Gate,
    status::Status,
};

/// A thread that fetches units of quotas before those at hand are used up, so that no request waits for the store, and
/// gives back those that nobody uses. One thread uses the handle at a time.
pub struct Keeper(#[allow(dead_code, reason = "it ends when it is dropped")] licentia::Refiller);

/// Looks after every meter of a gate each `interval_ms` milliseconds; what is not used for one interval is given back.
/// It keeps no gate alive.
///
/// Errors: STORE_UNREACHABLE where the system gives no thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_keeper_start(
    gate: *const Gate,
    interval_ms: u64,
    keeper: *mut *mut Keeper,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let keeper = Out::handle(keeper)?;
        if interval_ms == 0 {
            return Err(Refusal::ARGUMENT);
        }
        let started = licentia::Refiller::start(&shared(gate)?.gate, Duration::from_millis(interval_ms));
        keeper.give(Keeper(started.map_err(|error| error.code())?));
        Ok(())
    })
}

/// Ends a keeper, and waits for its thread. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_keeper_free(keeper: *mut Keeper) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(keeper) }
}
