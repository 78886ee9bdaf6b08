//! The border between C and Rust: what comes in is checked, what goes out is written once, and no panic passes.

use std::{
    ffi::c_char,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
};

use licentia::Code;

use crate::status::{LICENTIA_ABSENT, LICENTIA_INTERNAL, LICENTIA_OK, Status};

/// Why a function did nothing: a status other than `LICENTIA_OK`.
pub(crate) struct Refusal(Status);

impl Refusal {
    /// What was asked for is not there.
    pub(crate) const ABSENT: Self = Self(LICENTIA_ABSENT);
    /// There is no memory left.
    pub(crate) const INTERNAL: Self = Self(LICENTIA_INTERNAL);
    /// The call is wrong.
    pub(crate) const ARGUMENT: Self = Self(Code::InvalidArgument as Status);
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self(code as Status)
    }
}

/// What a function's body gives.
pub(crate) type Outcome = Result<(), Refusal>;

/// Runs the body of a function, and stops a panic.
pub(crate) fn enter(body: impl FnOnce() -> Outcome) -> Status {
    // What a panic leaves behind is either dropped here or kept whole by the sdk, which many threads share.
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => LICENTIA_OK,
        Ok(Err(Refusal(status))) => status,
        Err(payload) => {
            // To drop what was thrown could panic again.
            std::mem::forget(payload);
            LICENTIA_INTERNAL
        }
    }
}

/// Runs the body of a function that gives a plain value, or `otherwise` after a panic or a refusal.
pub(crate) fn value<T>(otherwise: T, body: impl FnOnce() -> Result<T, Refusal>) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => value,
        Ok(Err(_)) => otherwise,
        Err(payload) => {
            std::mem::forget(payload);
            otherwise
        }
    }
}

/// A place for an output. It is emptied on entry, and written only on success.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// Takes the place and empties it.
    ///
    /// # Safety
    /// A pointer that is neither NULL nor misaligned can be written until the call ends.
    pub(crate) unsafe fn new(place: *mut T, empty: T) -> Result<Self, Refusal> {
        if place.is_null() || !place.is_aligned() {
            return Err(Refusal::ARGUMENT);
        }
        // SAFETY: it is not NULL, it is aligned, and the caller says that it can be written.
        unsafe { place.write(empty) };
        Ok(Self(place))
    }

    /// Writes the output.
    pub(crate) fn set(self, value: T) {
        // SAFETY: `new` has written here before, in the same call.
        unsafe { self.0.write(value) }
    }
}

impl<T> Out<*mut T> {
    /// Takes the place of a new handle, which is NULL until it is written.
    ///
    /// # Safety
    /// As [`Out::new`].
    pub(crate) unsafe fn handle(place: *mut *mut T) -> Result<Self, Refusal> {
        // SAFETY: as the caller says.
        unsafe { Self::new(place, ptr::null_mut()) }
    }

    /// Gives away a new handle.
    pub(crate) fn give(self, value: T) {
        self.set(Box::into_raw(Box::new(value)));
    }
}

/// Places for text or bytes that go on to belong to something else.
pub(crate) struct Lent<T>(Out<*const T>, Out<usize>);

impl<T> Lent<T> {
    /// Takes the places of a pointer and a length.
    ///
    /// # Safety
    /// As [`Out::new`].
    pub(crate) unsafe fn new(data: *mut *const T, length: *mut usize) -> Result<Self, Refusal> {
        // SAFETY: as the caller says.
        let (data, length) = unsafe { (Out::new(data, ptr::null()), Out::new(length, 0)) };
        Ok(Self(data?, length?))
    }

    /// Lends bytes.
    pub(crate) fn lend(self, bytes: &[u8]) {
        self.0.set(bytes.as_ptr().cast());
        self.1.set(bytes.len());
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_stops_at_the_border() {
        assert_eq!(enter(|| panic!("on purpose")), LICENTIA_INTERNAL);
        assert_eq!(value(7, || panic!("on purpose")), 7);
        let mut place = 5_u32;
        let status = enter(|| {
            // SAFETY: the place is a variable.
            let _out = unsafe { Out::new(&raw mut place, 0) }?;
            panic!("on purpose")
        });
        assert_eq!((status, place), (LICENTIA_INTERNAL, 0));
    }

    #[test]
    fn a_panic_whose_drop_panics_stops_too() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("on purpose, again");
            }
        }
        assert_eq!(enter(|| std::panic::panic_any(Bomb)), LICENTIA_INTERNAL);
    }

    #[test]
    fn lengths_and_pointers_are_checked() {
        let some = b"text".as_ptr();
        // SAFETY: what is not refused is within the text.
        unsafe {
            assert!(bytes(ptr::null(), 0).is_ok_and(<[u8]>::is_empty));
            assert!(bytes(ptr::null(), 1).is_err());
            assert!(bytes(some, isize::MAX.unsigned_abs() + 1).is_err());
            assert!(bytes(some, 4).is_ok_and(|bytes| bytes == b"text"));
            assert!(text(b"\xff".as_ptr().cast(), 1).is_err());
            assert!(foreign(b"\xff".as_ptr().cast(), 1).is_ok_and(|text| text == "\u{fffd}"));
            assert!(shared::<u64>(ptr::without_provenance(9)).is_err());
            assert!(Out::<u64>::new(ptr::without_provenance_mut(9), 0).is_err());
        }
    }
}
