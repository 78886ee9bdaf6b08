//! Watched files with revocation bundles.

use std::{
    ffi::{c_char, c_void},
    path::Path,
    time::Duration,
};

use crate::{
    border::{
        Out, Refusal,
        callback::{self, Context, FreeCallback},
        end, enter, shared, text,
    },
    gate::gate::Gate,
    status::{Code, Status},
};

/// A watched file with a revocation bundle. One thread uses the handle at a time.
pub struct Watch(#[allow(dead_code, reason = "it ends when it is dropped")] licentia::Watch);

/// Called with the code of what is wrong with a watched file.
pub type WatchCallback = Option<unsafe extern "C" fn(context: *mut c_void, code: Code)>;

/// Loads a revocation bundle from a file now, and again whenever the file changes; it looks every `interval_ms`
/// milliseconds. Replace the file by renaming another one over it. If `callback` is not NULL, a thread of the library
/// calls it with the code of a later failure; the gate then keeps its bundle.
///
/// `context` is passed to the callback, and freed with the watch as licentia_gate_builder_add_sink describes. The watch
/// does not keep the gate alive. Free it with licentia_watch_free.
///
/// Errors: as licentia_gate_load_revocation; STORE_UNREACHABLE if the file cannot be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_watch_revocation(
    gate: *const Gate,
    path: *const c_char,
    path_len: usize,
    interval_ms: u64,
    callback: WatchCallback,
    context: *mut c_void,
    free_context: FreeCallback,
    watch: *mut *mut Watch,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let context = Context::new(context, free_context);
        let watch = Out::handle(watch)?;
        let path = Path::new(text(path, path_len)?);
        if interval_ms == 0 {
            return Err(Refusal::ARGUMENT);
        }
        let report = move |error: licentia::FeedError| {
            if let Some(callback) = callback {
                // SAFETY: the caller gave a function that any thread may call with its context.
                callback::run(|| callback(context.pointer(), Code::from(error.code().number())));
            }
        };
        let interval = Duration::from_millis(interval_ms);
        let started = licentia::Watch::start(&shared(gate)?.gate, path, interval, report);
        watch.give(Watch(started.map_err(|error| error.code())?));
        Ok(())
    })
}

/// Ends a watch, and waits for its thread, so that its callback is not called again. Called from its own callback, it
/// ends the watch when the callback has returned. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_watch_free(watch: *mut Watch) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(watch) }
}
