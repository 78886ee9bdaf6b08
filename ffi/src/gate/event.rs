//! Events: decisions and their circumstances.

use std::ffi::{c_char, c_void};

use licentia::event::Record;

use crate::{
    border::buffer::Owned,
    border::{
        Lent, Out, Refusal,
        callback::{Context, FreeCallback},
        enter, shared, value,
    },
    gate::decision::Decision,
    status::{LICENTIA_NONE, Status},
};

/// A decision and its circumstances. It is valid while its callback runs.
#[cfg_attr(all(), repr(transparent))] // in this form, the header shows no more than its name
pub struct Event(licentia::event::Event<'static, 'static>);

/// Called with an event.
pub type EventCallback = Option<unsafe extern "C" fn(context: *mut c_void, event: *const Event)>;

pub(crate) struct Sink {
    callback: EventCallback,
    context: Context,
}

impl Sink {
    pub(crate) fn new(callback: EventCallback, context: *mut c_void, free: FreeCallback) -> Self {
        Self { callback, context: Context::new(context, free) }
    }
}

impl licentia::event::Sink for Sink {
    fn record(&self, event: &licentia::event::Event<'_, '_>) {
        if let Some(callback) = self.callback {
            let event: *const licentia::event::Event<'_, '_> = event;
            // SAFETY: the caller gave a function that any thread may call with its context, and that does not
            // use the event after it returns.
            unsafe { callback(self.context.pointer(), event.cast()) }
        }
    }
}

/// The event's decision, valid as long as the event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_event_decision(event: *const Event) -> *const Decision {
    // SAFETY: the caller keeps to the header's rules.
    value(std::ptr::null(), || unsafe { Ok(std::ptr::from_ref(shared(event)?.0.decision).cast()) })
}

/// Returns the action of the request (licentia_request_set_action), valid as long as the event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_event_action(
    event: *const Event,
    action: *mut *const c_char,
    action_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Lent::new(action, action_len)?;
        out.lend(shared(event)?.0.action.as_bytes());
        Ok(())
    })
}

/// Returns the source of the request (licentia_request_set_source), valid as long as the event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_event_source(
    event: *const Event,
    source: *mut *const c_char,
    source_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Lent::new(source, source_len)?;
        out.lend(shared(event)?.0.source.as_bytes());
        Ok(())
    })
}

/// The time of the decision, in seconds since 1970. LICENTIA_NONE for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_event_at(event: *const Event) -> u64 {
    // SAFETY: the caller keeps to the header's rules.
    value(LICENTIA_NONE, || unsafe { Ok(shared(event)?.0.at.as_seconds()) })
}

/// How long the decision took, in nanoseconds. LICENTIA_NONE if it was not timed, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_event_took_nanos(event: *const Event) -> u64 {
    // SAFETY: the caller keeps to the header's rules.
    value(LICENTIA_NONE, || unsafe { Ok(shared(event)?.0.took_nanos.unwrap_or(LICENTIA_NONE)) })
}

/// Sequence number of the keyset in use; 0 if there is none, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_event_keyset(event: *const Event) -> u64 {
    // SAFETY: the caller keeps to the header's rules.
    value(0, || unsafe { Ok(shared(event)?.0.keyset) })
}

/// Returns the sequence number of the revocation bundle in use, and when it was issued, in seconds since 1970.
///
/// Errors: ABSENT if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_event_revocation(
    event: *const Event,
    sequence: *mut u64,
    issued_at: *mut u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let [sequence, issued_at] = Out::all([sequence, issued_at], 0)?;
        let revocation = shared(event)?.0.revocation.ok_or(Refusal::ABSENT)?;
        sequence.set(revocation.0);
        issued_at.set(revocation.1.as_seconds());
        Ok(())
    })
}

/// Returns the event as a JSON object in one line, to store or send; free it with licentia_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_event_json(
    event: *const Event,
    json: *mut *mut c_char,
    json_len: *mut usize,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Owned::new(json, json_len)?;
        out.give(Record::from(&shared(event)?.0).to_string().as_bytes())
    })
}
