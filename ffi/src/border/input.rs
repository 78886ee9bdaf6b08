//! Inputs: handles, bytes and text, checked as far as they can be.

use std::ffi::c_char;

use super::call::{Refusal, value};

/// A handle that is read.
///
/// # Safety
/// A handle that is neither NULL nor misaligned came from this library, was not freed, and nobody changes it.
pub(crate) unsafe fn shared<'a, T>(handle: *const T) -> Result<&'a T, Refusal> {
    if handle.is_null() || !handle.is_aligned() {
        return Err(Refusal::ARGUMENT);
    }
    // SAFETY: as the caller says.
    Ok(unsafe { &*handle })
}

/// A handle that is changed.
///
/// # Safety
/// As [`shared`], and nobody else uses it.
pub(crate) unsafe fn exclusive<'a, T>(handle: *mut T) -> Result<&'a mut T, Refusal> {
    if handle.is_null() || !handle.is_aligned() {
        return Err(Refusal::ARGUMENT);
    }
    // SAFETY: as the caller says.
    Ok(unsafe { &mut *handle })
}

/// Ends a handle; NULL is nothing to end.
///
/// # Safety
/// As [`exclusive`], and it is not used again.
pub(crate) unsafe fn end<T>(handle: *mut T) {
    value((), || {
        if !handle.is_null() && handle.is_aligned() {
            // SAFETY: every handle is a box that was given away.
            drop(unsafe { Box::from_raw(handle) });
        }
        Ok(())
    });
}

/// Bytes that are read; NULL is good for none.
///
/// # Safety
/// Where `data` is not NULL, `length` bytes can be read there until the call ends.
pub(crate) unsafe fn bytes<'a>(data: *const u8, length: usize) -> Result<&'a [u8], Refusal> {
    match (data.is_null(), isize::try_from(length)) {
        (_, Ok(0)) => Ok(&[]),
        (true, _) | (_, Err(_)) => Err(Refusal::ARGUMENT),
        // SAFETY: it is not NULL, bytes are always aligned, no object is longer, and the caller says the rest.
        (false, Ok(_)) => Ok(unsafe { std::slice::from_raw_parts(data, length) }),
    }
}

/// Text that is read: UTF-8, which needs no NUL at its end.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn text<'a>(data: *const c_char, length: usize) -> Result<&'a str, Refusal> {
    // SAFETY: as the caller says.
    let bytes = unsafe { bytes(data.cast(), length) }?;
    std::str::from_utf8(bytes).map_err(|_| Refusal::ARGUMENT)
}

/// Text that somebody else may have chosen: what is not even ASCII is no token and no proof, and becomes a text
/// that the sdk refuses as malformed.
///
/// # Safety
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

/// A passphrase, or NULL for none. An empty one would protect nothing, and is most likely one that was lost on the way.
///
/// # Safety
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

/// Whether what is written would change what is read.
#[cfg(feature = "issuer")]
pub(crate) fn overlap(read: *const u8, length: usize, written: *const u8, room: usize) -> bool {
    let (read, written) = (read.addr(), written.addr());
    read < written.saturating_add(room) && written < read.saturating_add(length)
}

/// An array of a known length that is read.
///
/// # Safety
/// Where `data` is not NULL, `N` bytes can be read there until the call ends.
pub(crate) unsafe fn array<'a, const N: usize>(data: *const u8) -> Result<&'a [u8; N], Refusal> {
    // SAFETY: as the caller says.
    let bytes = unsafe { bytes(data, N) }?;
    bytes.try_into().map_err(|_| Refusal::ARGUMENT)
}

/// An array of a known length, or NULL for none.
///
/// # Safety
/// As [`array`].
pub(crate) unsafe fn array_or_none<'a, const N: usize>(
    data: *const u8,
) -> Result<Option<&'a [u8; N]>, Refusal> {
    // SAFETY: as the caller says.
    if data.is_null() { Ok(None) } else { unsafe { array(data) }.map(Some) }
}
