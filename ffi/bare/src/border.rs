//! What crosses the border: pointers, lengths, texts, and values that the caller's memory keeps.

use core::{ffi::c_char, mem::MaybeUninit, ptr};

use licentia_core::Code;

/// A text: UTF-8, without need of a NUL. NULL means none.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct BareText {
    /// The text.
    pub data: *const c_char,
    /// Its length, in bytes.
    pub len: usize,
}

/// Stands for a number that is absent.
pub(crate) const NONE: u64 = u64::MAX;
/// No text.
pub(crate) const NO_TEXT: BareText = BareText { data: ptr::null(), len: 0 };

/// The call succeeded.
const OK: u32 = 1;
/// What was asked for is not there.
const ABSENT: u32 = 2;

pub(crate) fn status(result: Result<(), Code>) -> u32 {
    result.map_or_else(|code| code as u32, |()| OK)
}

/// The status of a look-up that may find nothing.
pub(crate) fn found(result: Result<Option<()>, Code>) -> u32 {
    result.map_or_else(|code| code as u32, |found| if found.is_some() { OK } else { ABSENT })
}

/// Memory of the caller that keeps a value of Rust: words whose first one says that it does.
///
/// # Safety
/// The implementing type is `repr(C)`, aligned as `Kept<Self::Value>`, at least as large, and nothing else writes to
/// it; [`fits`] checks the sizes. The value needs no drop.
pub(crate) unsafe trait Memory: Sized {
    type Value;
    const TAG: u64;
}

#[repr(C)]
struct Kept<T> {
    tag: u64,
    value: MaybeUninit<T>,
}

/// Whether the memory is large enough and aligned.
pub(crate) const fn fits<M: Memory>() -> bool {
    size_of::<Kept<M::Value>>() <= size_of::<M>()
        && align_of::<Kept<M::Value>>() <= align_of::<M>()
        && !core::mem::needs_drop::<M::Value>()
}

/// Empties memory of the caller, as outputs are when a function is entered.
pub(crate) unsafe fn empty<M: Memory>(memory: *mut M) -> Result<(), Code> {
    if memory.is_null() || !memory.is_aligned() {
        return Err(Code::InvalidArgument);
    }
    // SAFETY: the memory is the caller's and aligned; a tag is its first word.
    unsafe { memory.cast::<u64>().write(0) };
    Ok(())
}

/// Keeps a value.
pub(crate) unsafe fn keep<M: Memory>(memory: *mut M, value: M::Value) {
    const { assert!(fits::<M>()) };
    let kept = Kept { tag: M::TAG, value: MaybeUninit::new(value) };
    // SAFETY: it was emptied before, so that it is aligned, and it is large enough.
    unsafe { memory.cast::<Kept<M::Value>>().write(kept) };
}

/// The value that is kept.
pub(crate) unsafe fn kept<'a, M: Memory>(memory: *const M) -> Result<&'a M::Value, Code> {
    if memory.is_null() || !memory.is_aligned() {
        return Err(Code::InvalidArgument);
    }
    // SAFETY: memory with another tag is not read any further, and one with it was written by `keep`.
    unsafe {
        if memory.cast::<u64>().read() != M::TAG {
            return Err(Code::InvalidArgument);
        }
        Ok((*memory.cast::<Kept<M::Value>>()).value.assume_init_ref())
    }
}

/// Whether two ranges of memory have no byte in common.
pub(crate) fn disjoint(one: usize, one_len: usize, other: usize, other_len: usize) -> bool {
    one >= other.saturating_add(other_len) || other >= one.saturating_add(one_len)
}

/// An output, which is emptied.
pub(crate) unsafe fn place<T>(to: *mut T, empty: T) -> Result<*mut T, Code> {
    if to.is_null() || !to.is_aligned() {
        return Err(Code::InvalidArgument);
    }
    // SAFETY: it is aligned, and the caller keeps to the header's rules.
    unsafe { to.write(empty) };
    Ok(to)
}

pub(crate) unsafe fn one<'a, T>(from: *const T) -> Result<&'a T, Code> {
    if from.is_null() || !from.is_aligned() {
        return Err(Code::InvalidArgument);
    }
    // SAFETY: it is aligned, and the caller keeps to the header's rules.
    Ok(unsafe { &*from })
}

pub(crate) unsafe fn one_or_none<'a, T>(from: *const T) -> Result<Option<&'a T>, Code> {
    // SAFETY: as the caller says.
    if from.is_null() { Ok(None) } else { unsafe { one(from) }.map(Some) }
}

pub(crate) unsafe fn list<'a, T>(from: *const T, length: usize) -> Result<&'a [T], Code> {
    if length == 0 {
        return Ok(&[]);
    }
    let fits = length.checked_mul(size_of::<T>()).is_some_and(|size| isize::try_from(size).is_ok());
    if from.is_null() || !from.is_aligned() || !fits {
        return Err(Code::InvalidArgument);
    }
    // SAFETY: it is aligned, no object is longer, and the caller keeps to the header's rules.
    Ok(unsafe { core::slice::from_raw_parts(from, length) })
}

pub(crate) unsafe fn bytes<'a>(from: *const u8, length: usize) -> Result<&'a [u8], Code> {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { list(from, length) }
}

pub(crate) unsafe fn array<'a>(from: *const u8) -> Result<Option<&'a [u8; 32]>, Code> {
    // SAFETY: the caller keeps to the header's rules.
    if from.is_null() { Ok(None) } else { unsafe { one(from.cast()) }.map(Some) }
}

pub(crate) unsafe fn text<'a>(from: BareText) -> Result<Option<&'a str>, Code> {
    if from.data.is_null() {
        return if from.len == 0 { Ok(None) } else { Err(Code::InvalidArgument) };
    }
    // SAFETY: the caller keeps to the header's rules.
    let bytes = unsafe { bytes(from.data.cast(), from.len) }?;
    core::str::from_utf8(bytes).map(Some).map_err(|_| Code::InvalidArgument)
}
