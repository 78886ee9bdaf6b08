//! Inputs: handles, bytes and text, checked as far as they can be.

use std::ffi::c_char;

use super::call::{Refusal, value};

/// Borrows a handle.
///
/// # Safety
///
/// If the handle is neither NULL nor misaligned, it came from this library, was not freed, and no other thread changes
/// it.
pub(crate) unsafe fn shared<'a, T>(handle: *const T) -> Result<&'a T, Refusal> {
    if handle.is_null() || !handle.is_aligned() {
        return Err(Refusal::ARGUMENT);
    }
    // SAFETY: as the caller says.
    Ok(unsafe { &*handle })
}

/// Borrows a handle to change it.
///
/// # Safety
///
/// As [`shared`], and no other thread uses it.
pub(crate) unsafe fn exclusive<'a, T>(handle: *mut T) -> Result<&'a mut T, Refusal> {
    if handle.is_null() || !handle.is_aligned() {
        return Err(Refusal::ARGUMENT);
    }
    // SAFETY: as the caller says.
    Ok(unsafe { &mut *handle })
}

/// Frees a handle; NULL is ignored.
///
/// # Safety
///
/// As [`exclusive`], and the caller does not use it again.
pub(crate) unsafe fn end<T>(handle: *mut T) {
    value((), || {
        if !handle.is_null() && handle.is_aligned() {
            // SAFETY: every handle is a box that was given away.
            drop(unsafe { Box::from_raw(handle) });
        }
        Ok(())
    });
}

/// Borrows bytes. NULL means none, with a length of 0.
///
/// # Safety
///
/// If `data` is not NULL, `length` bytes there are readable until the call ends.
pub(crate) unsafe fn bytes<'a>(data: *const u8, length: usize) -> Result<&'a [u8], Refusal> {
    match (data.is_null(), isize::try_from(length)) {
        (_, Ok(0)) => Ok(&[]),
        (true, _) | (_, Err(_)) => Err(Refusal::ARGUMENT),
        // SAFETY: it is not NULL, bytes are always aligned, no object is longer, and the caller says the rest.
        (false, Ok(_)) => Ok(unsafe { std::slice::from_raw_parts(data, length) }),
    }
}

/// Borrows UTF-8 text, which needs no NUL at its end.
///
/// # Safety
///
/// As [`bytes`].
pub(crate) unsafe fn text<'a>(data: *const c_char, length: usize) -> Result<&'a str, Refusal> {
    // SAFETY: as the caller says.
    let bytes = unsafe { bytes(data.cast(), length) }?;
    std::str::from_utf8(bytes).map_err(|_| Refusal::ARGUMENT)
}

/// Borrows text that a client may have chosen. Text that is not ASCII is no token and no proof; it becomes one that the
/// sdk refuses as malformed.
///
/// # Safety
///
/// As [`bytes`].
pub(crate) unsafe fn foreign<'a>(data: *const c_char, length: usize) -> Result<&'a str, Refusal> {
    // SAFETY: as the caller says.
    let bytes = unsafe { bytes(data.cast(), length) }?;
    if bytes.is_ascii() {
        // SAFETY: ASCII is UTF-8. To look for that alone is the faster half of the question.
        Ok(unsafe { std::str::from_utf8_unchecked(bytes) })
    } else {
        Ok("\u{fffd}")
    }
}

/// Borrows a passphrase; NULL means none. An empty one is refused: it would protect nothing, and was most likely lost
/// on the way.
///
/// # Safety
///
/// As [`bytes`].
#[cfg(feature = "issuer")]
pub(crate) unsafe fn passphrase<'a>(data: *const c_char, length: usize) -> Result<Option<&'a str>, Refusal> {
    match (data.is_null(), length) {
        (true, 0) => Ok(None),
        (true, _) | (false, 0) => Err(Refusal::ARGUMENT),
        // SAFETY: as the caller says.
        (false, _) => unsafe { text(data, length) }.map(Some),
    }
}

/// Whether writing an output would change an input.
#[cfg(feature = "issuer")]
pub(crate) fn overlap(read: *const u8, length: usize, written: *const u8, room: usize) -> bool {
    let (read, written) = (read.addr(), written.addr());
    read < written.saturating_add(room) && written < read.saturating_add(length)
}

/// Borrows an array of known length.
///
/// # Safety
///
/// If `data` is not NULL, `N` bytes there are readable until the call ends.
pub(crate) unsafe fn array<'a, const N: usize>(data: *const u8) -> Result<&'a [u8; N], Refusal> {
    // SAFETY: as the caller says.
    let bytes = unsafe { bytes(data, N) }?;
    bytes.try_into().map_err(|_| Refusal::ARGUMENT)
}

/// Borrows an array of known length; NULL means none.
///
/// # Safety
///
/// As [`array`].
pub(crate) unsafe fn array_or_none<'a, const N: usize>(
    data: *const u8,
) -> Result<Option<&'a [u8; N]>, Refusal> {
    // SAFETY: as the caller says.
    if data.is_null() { Ok(None) } else { unsafe { array(data) }.map(Some) }
}
