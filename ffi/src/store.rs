//! Stores of counters and marks.

use std::{ffi::c_char, sync::Arc};

use crate::{
    background::fork,
    border::{Out, end, enter, text},
    status::Status,
};

/// A store of counters and marks. Threads and gates may share it; a gate keeps it open.
pub struct Store(pub(crate) Arc<dyn licentia::store::Store>);

/// Opens the store that a URL names, of a kind that the library was built with:
///
/// - `memory:`, for this process alone, and gone with it;
/// - `sqlite:PATH`, a file that processes of one machine share;
/// - `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]` and `unix:///PATH`, a Redis or Valkey server that machines share, or
///   `rediss://` for TLS.
///
/// Errors: INVALID_ARGUMENT for a kind of store that this build does not know, STORE_UNREACHABLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_store_open(
    url: *const c_char,
    url_len: usize,
    store: *mut *mut Store,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let store = Out::handle(store)?;
        fork::register();
        store.give(Store(licentia::store::open(text(url, url_len)?).map_err(|error| error.code())?));
        Ok(())
    })
}

/// Frees a store; gates that use it keep it open. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_store_free(store: *mut Store) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(store) }
}
