//! Threads that fetch units ahead.

use std::time::Duration;

use crate::{
    border::{Out, Refusal, end, enter, shared},
    gate::gate::Gate,
    status::Status,
};

/// A thread that fetches units of quotas before the gate has used up what it holds, so that no request waits for the
/// store, and returns units that nobody uses. One thread uses the handle at a time.
pub struct Refiller(#[allow(dead_code, reason = "it ends when it is dropped")] licentia::Refiller);

/// Refills every meter of a gate each `interval_ms` milliseconds; units that are unused for one interval go back. It
/// does not keep the gate alive. Free it with licentia_refiller_free.
///
/// Errors: STORE_UNREACHABLE if the system has no thread.
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
        let started = licentia::Refiller::start(&shared(gate)?.gate, Duration::from_millis(interval_ms));
        refiller.give(Refiller(started.map_err(|error| error.code())?));
        Ok(())
    })
}

/// Ends a refiller, and waits for its thread. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_refiller_free(refiller: *mut Refiller) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(refiller) }
}
