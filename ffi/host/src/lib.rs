//! The C ABI for hosts that run the library as a module without imports: WebAssembly, translated or interpreted.
//!
//! The module does no I/O and has no clock: time and randomness are arguments, and a question to a store is data that it
//! returns and whose answer the host brings. One function runs all operations; [`operation`] has their numbers, and the
//! file of each says what its record holds. [`record`] says how values are written.
//!
//! An instance has one gate and one thread. Its memory goes with it, so that nothing has to be freed but what
//! [`licentia_alloc`] returned.

#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]

mod decision;
mod entropy;
mod gate;
mod number;
mod question;
pub mod record;
mod refusal;
mod request;
mod token;

use std::{
    alloc::{Layout, alloc, dealloc},
    sync::{Mutex, PoisonError},
};

use licentia::Now;

pub use self::number::operation;
use self::{
    gate::Instance,
    record::{Reader, Writer},
};

/// Runs an operation on a record and writes its answer; see [`operation`].
///
/// An answer starts with the number of a code: 0, and what the operation returns; or the code of a refusal, and a text.
fn run(instance: &mut Instance, operation: u32, record: &[u8], now: Now, out: &mut Writer) {
    out.clear();
    out.u16(0);
    let mut reader = Reader::new(record);
    let done = instance.run(operation, &mut reader, now, out).and_then(|()| Ok(reader.end()?));
    if let Err(refusal) = done {
        out.clear();
        out.u16(refusal.code.number());
        out.text(&refusal.text);
    }
}

/// The state of the module.
struct Module {
    instance: Instance,
    out: Writer,
}

static MODULE: Mutex<Option<Module>> = Mutex::new(None);

/// Runs an operation with the record of `length` bytes at `record`, at `seconds` since 1970 and `nanos` of a monotonic
/// clock. Returns the address of the answer in the upper 32 bits, and its length in the lower ones. The answer is valid
/// until the next call.
///
/// # Safety
/// `record` has `length` bytes, which nobody writes to meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_call(
    operation: u32,
    record: *const u8,
    length: usize,
    seconds: u64,
    nanos: u64,
) -> u64 {
    let record = if record.is_null() || length == 0 {
        &[]
    } else {
        // SAFETY: the caller says so.
        unsafe { std::slice::from_raw_parts(record, length) }
    };
    let mut module = MODULE.lock().unwrap_or_else(PoisonError::into_inner);
    let Module { instance, out } =
        module.get_or_insert_with(|| Module { instance: Instance::default(), out: Writer::default() });
    let now = Now { time: seconds.into(), monotonic_nanos: nanos };
    run(instance, operation, record, now, out);
    let bytes = out.bytes();
    ((bytes.as_ptr().addr() as u64) << 32) | (bytes.len() as u64 & 0xffff_ffff)
}

/// Space for a record; null if there is none. Give it back with [`licentia_free`].
#[unsafe(no_mangle)]
pub extern "C" fn licentia_alloc(length: usize) -> *mut u8 {
    match Layout::from_size_align(length.max(1), 8) {
        // SAFETY: the size is not 0.
        Ok(layout) => unsafe { alloc(layout) },
        Err(_) => std::ptr::null_mut(),
    }
}

/// Gives back space of [`licentia_alloc`], of the same length. Null is ignored.
///
/// # Safety
/// The space is of [`licentia_alloc`] with this length, and not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_free(space: *mut u8, length: usize) {
    if let (false, Ok(layout)) = (space.is_null(), Layout::from_size_align(length.max(1), 8)) {
        // SAFETY: the caller says so.
        unsafe { dealloc(space, layout) }
    }
}
