//! Outputs: emptied on entry, and written once.

use std::ptr;

use super::call::Refusal;

/// An output. It is emptied on entry, and written only on success.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// Takes the pointer and empties the output.
    ///
    /// # Safety
    ///
    /// A pointer that is neither NULL nor misaligned is writable until the call ends.
    pub(crate) unsafe fn new(place: *mut T, empty: T) -> Result<Self, Refusal> {
        if place.is_null() || !place.is_aligned() {
            return Err(Refusal::ARGUMENT);
        }
        // SAFETY: it is not NULL, it is aligned, and the caller says that it can be written.
        unsafe { place.write(empty) };
        Ok(Self(place))
    }

    /// Takes the pointer to a struct of `size` bytes, and empties the part that both sides know.
    ///
    /// # Safety
    ///
    /// A pointer that is neither NULL nor misaligned has `size` bytes that are writable until the call ends, and a `T`
    /// of zeros is valid.
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
    /// Takes several pointers, and empties every output before it refuses one.
    ///
    /// # Safety
    ///
    /// As [`Out::new`].
    pub(crate) unsafe fn all<const N: usize>(places: [*mut T; N], empty: T) -> Result<[Self; N], Refusal> {
        // SAFETY: as the caller says.
        let outs = places.map(|place| unsafe { Self::new(place, empty) });
        if outs.iter().any(Result::is_err) { Err(Refusal::ARGUMENT) } else { Ok(places.map(Self)) }
    }
}

impl<T> Out<*mut T> {
    /// Takes the pointer to a new handle, which is NULL until it is written.
    ///
    /// # Safety
    ///
    /// As [`Out::new`].
    pub(crate) unsafe fn handle(place: *mut *mut T) -> Result<Self, Refusal> {
        // SAFETY: as the caller says.
        unsafe { Self::new(place, ptr::null_mut()) }
    }

    /// Writes a new handle, which the caller frees.
    pub(crate) fn give(self, value: T) {
        self.set(Box::into_raw(Box::new(value)));
    }
}

/// Outputs for text or bytes that belong to another object.
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

    /// Writes the pointer and the length of bytes.
    pub(crate) fn lend(self, bytes: &[u8]) {
        self.0.set(bytes.as_ptr().cast());
        self.1.set(bytes.len());
    }
}
