//! Text and bytes that C frees.

use std::{
    alloc::{Layout, alloc, dealloc},
    ffi::c_char,
    ptr::{self, NonNull},
};

use zeroize::Zeroize;

use super::{
    call::{Refusal, value},
    output::Out,
};

/// The length stands in front of the bytes, so that a pointer is enough to free them.
const HEAD: usize = size_of::<usize>();

fn layout(length: usize) -> Option<Layout> {
    Layout::from_size_align(length.checked_add(HEAD)?.checked_add(1)?, align_of::<usize>()).ok()
}

/// Copies bytes into memory that C frees, and appends a NUL.
fn give(bytes: &[u8]) -> Option<NonNull<u8>> {
    let layout = layout(bytes.len())?;
    // SAFETY: the layout has room for the head, the bytes and one more, and begins aligned for the head.
    unsafe {
        let start = NonNull::new(alloc(layout))?;
        start.cast::<usize>().write(bytes.len());
        let data = start.add(HEAD);
        data.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len());
        data.add(bytes.len()).write(0);
        Some(data)
    }
}

/// Overwrites and frees what `give` returned.
unsafe fn take(data: *mut u8) {
    value((), || {
        let Some(data) = NonNull::new(data) else { return Ok(()) };
        // SAFETY: the caller has it from `give`, which wrote the head, and does not use it again.
        unsafe {
            let start = data.sub(HEAD);
            let length = start.cast::<usize>().read();
            // It may contain a private key.
            NonNull::slice_from_raw_parts(data, length).as_mut().zeroize();
            dealloc(start.as_ptr(), layout(length).ok_or(Refusal::ARGUMENT)?);
        }
        Ok(())
    });
}

/// Outputs for text or bytes that C frees.
pub(crate) struct Owned<T>(Out<*mut T>, Out<usize>);

impl<T> Owned<T> {
    /// Takes the places of a pointer and a length.
    ///
    /// # Safety
    /// As [`Out::new`].
    pub(crate) unsafe fn new(data: *mut *mut T, length: *mut usize) -> Result<Self, Refusal> {
        // SAFETY: as the caller says.
        let (data, length) = unsafe { (Out::new(data, ptr::null_mut()), Out::new(length, 0)) };
        Ok(Self(data?, length?))
    }

    /// Returns bytes away.
    pub(crate) fn give(self, bytes: &[u8]) -> Result<(), Refusal> {
        let data = give(bytes).ok_or(Refusal::INTERNAL)?;
        self.0.set(data.as_ptr().cast());
        self.1.set(bytes.len());
        Ok(())
    }
}

/// Overwrites and frees text that a function returned. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_string_free(text: *mut c_char) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { take(text.cast()) }
}

/// Overwrites and frees bytes that a function returned. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_bytes_free(bytes: *mut u8) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { take(bytes) }
}
