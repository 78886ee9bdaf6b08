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

    /// Takes the place of a struct that the caller says has `size` bytes, and empties as much of it as both know of.
    ///
    /// # Safety
    /// A place that is neither NULL nor misaligned has `size` bytes that can be written until the call ends, and a
    /// `T` of zeros is a good one.
    pub(crate) unsafe fn sized(place: *mut T, size: usize) -> Result<Self, Refusal> {
        if place.is_null() || !place.is_aligned() {
            return Err(Refusal::ARGUMENT);
        }
        // SAFETY: it is not NULL, and the caller says that so much can be written.
        unsafe { place.cast::<u8>().write_bytes(0, size.min(size_of::<T>())) };
        if size == size_of::<T>() { Ok(Self(place)) } else { Err(Refusal::ARGUMENT) }
    }

    /// Writes the output.
    pub(crate) fn set(self, value: T) {
        // SAFETY: `new` or `sized` has written here before, in the same call.
        unsafe { self.0.write(value) }
    }
}

impl<T: Copy> Out<T> {
    /// Takes several places, and empties each of them before one is refused.
    ///
    /// # Safety
    /// As [`Out::new`].
    pub(crate) unsafe fn all<const N: usize>(places: [*mut T; N], empty: T) -> Result<[Self; N], Refusal> {
        // SAFETY: as the caller says.
        let outs = places.map(|place| unsafe { Self::new(place, empty) });
        if outs.iter().any(Result::is_err) { Err(Refusal::ARGUMENT) } else { Ok(places.map(Self)) }
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

    #[test]
    fn every_output_is_emptied_before_one_is_refused() {
        let mut places = [7_u64; 3];
        let [first, _, last] = places.each_mut().map(ptr::from_mut);
        // SAFETY: the places are of the array.
        assert!(unsafe { Out::all([first, ptr::null_mut(), last], 0) }.is_err());
        assert_eq!(places, [0, 7, 0]);
    }

    #[test]
    fn of_a_struct_of_another_size_no_more_is_emptied_than_there_is() {
        for (size, expected) in [(8, [0, 7]), (0, [7, 7]), (usize::MAX, [0, 0])] {
            let mut place = [7_u64; 2];
            // SAFETY: no more is written than the place has.
            assert!(unsafe { Out::sized(&raw mut place, size) }.is_err());
            assert_eq!(place, expected, "{size}");
        }
        let mut place = [7_u64; 2];
        // SAFETY: this is its size.
        assert!(unsafe { Out::sized(&raw mut place, 16) }.is_ok());
        assert_eq!(place, [0, 0]);
    }

    #[cfg(feature = "issuer")]
    #[test]
    fn a_passphrase_is_there_whole_or_not_at_all() {
        let some = b"horse".as_ptr().cast();
        // SAFETY: what is not refused is within the text.
        unsafe {
            assert!(passphrase(ptr::null(), 0).is_ok_and(|phrase| phrase.is_none()));
            assert!(passphrase(some, 5).is_ok_and(|phrase| phrase == Some("horse")));
            assert!(passphrase(ptr::null(), 5).is_err());
            assert!(passphrase(some, 0).is_err());
        }
    }

    #[cfg(feature = "issuer")]
    #[test]
    fn overlaps_are_told() {
        let at = ptr::without_provenance::<u8>;
        assert!(overlap(at(100), 10, at(100), 10) && overlap(at(100), 10, at(109), 64));
        assert!(overlap(at(100), 10, at(50), 51) && overlap(at(100), 10, at(104), 1));
        assert!(!overlap(at(100), 10, at(110), 64) && !overlap(at(100), 10, at(36), 64));
        assert!(!overlap(at(100), 0, at(100), 64));
        assert!(overlap(at(usize::MAX - 1), usize::MAX, at(usize::MAX - 1), 64));
    }
}
