//! Keysets, to inspect. A gate reads keysets itself.

use crate::{
    border::{Out, bytes, end, enter, shared},
    key::public_key::Key,
    status::Status,
};

/// A keyset that the root key signed, to inspect. It does not change: threads may share it.
pub struct Keyset {
    sequence: u64,
    issued_at: u64,
    expires: u64,
    keys: Vec<licentia::Key>,
}

/// Verifies a keyset with the root key, and reads it; free it with licentia_keyset_free.
///
/// Errors: a code of group 1xx or 2xx.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_keyset_read(
    root: *const Key,
    signed_keyset: *const u8,
    signed_keyset_len: usize,
    keyset: *mut *mut Keyset,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let keyset = Out::handle(keyset)?;
        let read = licentia::Keyset::read(bytes(signed_keyset, signed_keyset_len)?, &shared(root)?.0)?;
        keyset.give(Keyset {
            sequence: read.sequence(),
            issued_at: read.issued_at().as_seconds(),
            expires: read.expires().as_seconds(),
            keys: read.keys().collect::<Result<_, _>>()?,
        });
        Ok(())
    })
}

/// Frees a keyset. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_keyset_free(keyset: *mut Keyset) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(keyset) }
}

/// Returns the sequence number, when the keyset was issued, and when it expires, in seconds since 1970.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_keyset_times(
    keyset: *const Keyset,
    sequence: *mut u64,
    issued_at: *mut u64,
    expires: *mut u64,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let [sequence, issued_at, expires] = Out::all([sequence, issued_at, expires], 0)?;
        let keyset = shared(keyset)?;
        sequence.set(keyset.sequence);
        issued_at.set(keyset.issued_at);
        expires.set(keyset.expires);
        Ok(())
    })
}

/// Returns a copy of the key at an index, from 0; free it with licentia_key_free. ABSENT ends the list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_keyset_key(
    keyset: *const Keyset,
    index: usize,
    key: *mut *mut Key,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let key = Out::handle(key)?;
        let found = shared(keyset)?.keys.get(index).ok_or(crate::border::Refusal::ABSENT)?;
        key.give(Key(found.clone()));
        Ok(())
    })
}
