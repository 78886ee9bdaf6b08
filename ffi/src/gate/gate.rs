//! The gate.

use std::{
    cell::Cell,
    ffi::c_char,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use licentia::{Code, Now};

use crate::{
    border::{Out, bytes, callback, enter, foreign, shared, value},
    gate::decision::Decision,
    gate::request::Request,
    status::Status,
};

/// Decides whether API requests may proceed. Threads share it: they may check, and load keysets and bundles, at the
/// same time.
pub struct Gate {
    pub(crate) gate: Arc<licentia::Gate>,
    /// The process that made it, or took it over after a fork.
    process: AtomicU32,
}

/// The wait between two looks at whether a thread of the library still uses the gate.
const PAUSE: Duration = Duration::from_millis(1);

thread_local! {
    /// The decision that this thread freed last. The next one reuses its memory. It was cleared, and borrows nothing.
    static SPARE: Cell<Option<Box<Decision>>> = const { Cell::new(None) };
}

impl Gate {
    pub(crate) fn new(gate: licentia::Gate) -> Self {
        Self { gate: Arc::new(gate), process: AtomicU32::new(std::process::id()) }
    }

    /// Makes the gate this process's, after a fork.
    fn take_over(&self) {
        let process = std::process::id();
        if self.process.swap(process, Ordering::Relaxed) != process {
            // Threads of the parent that were at work for the gate held it. They do not exist here, and would keep it
            // for ever. This process has one thread, so nobody else holds or drops it meanwhile.
            for _ in 1..Arc::strong_count(&self.gate) {
                // SAFETY: a thread that does not exist owns the count, and the handle itself owns another one.
                unsafe { Arc::decrement_strong_count(Arc::as_ptr(&self.gate)) }
            }
        }
        self.gate.after_fork();
    }

    /// Ends the gate now. Waits until no refiller and no watch uses it.
    fn end(self) {
        let own = self.process.load(Ordering::Relaxed) == std::process::id();
        let mut gate = self.gate;
        // A child that did not take the gate over has none of the threads that hold it, and a watch cannot wait for
        // itself.
        if !own || callback::is_running() {
            return;
        }
        loop {
            match Arc::try_unwrap(gate) {
                Ok(last) => return drop(last),
                Err(shared) => gate = shared,
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Frees a gate, after every decision and seat of it. Before it returns, unused units are back in the store and the
/// sinks have ended; if a refiller or a watch is using the gate, it waits. Called from a watch's callback, it ends the
/// gate when the callback has returned. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_free(gate: *mut Gate) {
    value((), || {
        if !gate.is_null() && gate.is_aligned() {
            // SAFETY: every gate is a box that was given away; the caller keeps to the header's rules.
            unsafe { Box::from_raw(gate) }.end();
        }
        Ok(())
    });
}

/// Decides now whether a request with `token` (a licence's text form) may proceed. Free the decision with
/// licentia_decision_free, before the gate and the request.
///
/// A denial is a decision too, and its status is LICENTIA_OK. A token that is no licence is denied, whatever its bytes
/// are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_check(
    gate: *const Gate,
    token: *const c_char,
    token_len: usize,
    request: *const Request,
    decision: *mut *mut Decision,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { check(gate, token, token_len, request, Now::system, decision) }
}

/// Decides as licentia_gate_check, at a given time: for simulations and tests.
///
/// `seconds` is the wall clock, in seconds since 1970. `monotonic_nanos` is a clock that only advances, in nanoseconds
/// from any start.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_check_at(
    gate: *const Gate,
    token: *const c_char,
    token_len: usize,
    request: *const Request,
    seconds: u64,
    monotonic_nanos: u64,
    decision: *mut *mut Decision,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    unsafe {
        check(gate, token, token_len, request, || Now { time: seconds.into(), monotonic_nanos }, decision)
    }
}

unsafe fn check(
    gate: *const Gate,
    token: *const c_char,
    token_len: usize,
    request: *const Request,
    now: impl FnOnce() -> Now,
    decision: *mut *mut Decision,
) -> Status {
    // SAFETY: the caller keeps to the header's rules. In particular gate and request outlive the decision.
    enter(|| unsafe {
        let out = Out::handle(decision)?;
        let gate: &'static Gate = shared(gate)?;
        let token = foreign(token, token_len)?;
        let request: &'static Request = shared(request)?;
        let spare = SPARE.try_with(Cell::take).ok().flatten();
        let mut decision = spare.unwrap_or_else(|| Box::new(Decision(licentia::Decision::undecided())));
        gate.gate.check_into(token, &request.borrow(), now(), &mut decision.0);
        out.set(Box::into_raw(decision));
        Ok(())
    })
}

/// Frees a decision. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_decision_free(decision: *mut Decision) {
    value((), || {
        if !decision.is_null() && decision.is_aligned() {
            // SAFETY: every decision is a box that was given away; the caller keeps to the header's rules.
            let mut decision = unsafe { Box::from_raw(decision) };
            decision.0.clear();
            let _ = SPARE.try_with(|spare| spare.set(Some(decision)));
        }
        Ok(())
    });
}

/// Replaces the keys by those of a newer keyset, at once for all threads. `changed` is false if it is the one in use.
/// The gate must have been built with a keyset.
///
/// Errors: a code of group 1xx or 2xx for a bad keyset, such as KEYSET_ROLLBACK and KEYSET_EQUIVOCATION;
/// STORE_UNREACHABLE if the store cannot remember it. The gate then keeps its keys.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_load_keyset(
    gate: *const Gate,
    signed_keyset: *const u8,
    signed_keyset_len: usize,
    changed: *mut bool,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let changed = Out::new(changed, false)?;
        changed.set(
            shared(gate)?.gate.load_keyset(bytes(signed_keyset, signed_keyset_len)?).map_err(Code::from)?,
        );
        Ok(())
    })
}

/// Loads a newer revocation bundle, or a delta to the one in use, at once for all threads. `changed` is false if it is
/// the one in use. The gate needs a keyset with a revocation key.
///
/// Errors: BUNDLE_MALFORMED to BUNDLE_WRONG_ROOT (520 to 526) for a bad bundle; WRONG_TYP for other data;
/// KEY_NOT_ACTIVE or KEY_REVOKED for a key that is out of use; STORE_UNREACHABLE if the store cannot remember it. The
/// gate then keeps its bundle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_load_revocation(
    gate: *const Gate,
    bundle: *const u8,
    bundle_len: usize,
    changed: *mut bool,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let changed = Out::new(changed, false)?;
        changed.set(shared(gate)?.gate.load_revocation(bytes(bundle, bundle_len)?).map_err(Code::from)?);
        Ok(())
    })
}

/// Returns units that were fetched ahead and not used to the store. Counting goes on. licentia_gate_free does this too;
/// call it before a process ends in another way.
///
/// Errors: STORE_UNREACHABLE. Units that the store did not take stay with the gate and can be used. Units whose return
/// is in doubt are lost, and never granted twice.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_settle(gate: *const Gate) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe { Ok(shared(gate)?.gate.settle().map_err(Code::from)?) })
}

/// Makes a gate safe to use in a child process after `fork`: units that the parent fetched ahead stay with the parent.
/// Call it first, while the child has one thread, and before you free the gate there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_after_fork(gate: *const Gate) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        shared(gate)?.take_over();
        Ok(())
    })
}
