//! Threads that look after meters.

use std::time::Duration;

use crate::{
    border::{Out, Refusal, end, enter, shared},
    gate::gate::Gate,
    status::Status,
};

/// A thread that fetches units of quotas before those at hand are used up, so that no request waits for the store, and
/// gives back those that nobody uses. One thread uses the handle at a time.
pub struct Refiller(#[allow(dead_code, reason = "it ends when it is dropped")] licentia::Keeper);

/// Looks after every meter of a gate each `interval_ms` milliseconds; what is not used for one interval is given back.
/// It keeps no gate alive.
///
/// Errors: STORE_UNREACHABLE where the system gives no thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_refiller_start(
    gate: *const Gate,
    interval_ms: u64,
    refiller: *mut *mut Refiller,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let refiller = Out::handle(refiller)?;
        if interval_ms == 0 {
            return Err(Refusal::ARGUMENT);
        }
        refiller.give(Refiller(licentia::Keeper::start(
            &shared(gate)?.gate,
            Duration::from_millis(interval_ms),
        )?));
        Ok(())
    })
}

/// Ends a refiller, and waits for its thread. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_refiller_free(refiller: *mut Refiller) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(refiller) }
}
