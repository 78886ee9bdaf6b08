//! Receipts: signed counts of usage.

use std::{
    ffi::{c_char, c_void},
    sync::Arc,
};

use licentia::receipt::{LogError, Receipts as Counted};

use crate::{
    border::{Out, Outcome, Refusal, bytes, end, enter, exclusive, shared, text},
    gate::builder::GateBuilder,
    key::public_key::Key,
    status::Status,
};

/// Counts what gates grant, and writes signed receipts to a log of this instance. Threads may share it; a child process
/// after fork must not use its parent's.
pub struct Receipts(Arc<Counted>);

/// Called with a receipt, which is valid until the callback returns.
pub type ReceiptCallback =
    Option<unsafe extern "C" fn(context: *mut c_void, receipt: *const u8, receipt_len: usize)>;

impl From<LogError> for Refusal {
    fn from(error: LogError) -> Self {
        error.code().into()
    }
}

/// Opens the log of an instance, or creates it; free it with licentia_receipts_free. `path` is UTF-8. `key` is the
/// instance's own Ed25519 key in PKCS#8 PEM, not encrypted; each instance needs another key. One process has a log open
/// at a time.
///
/// Errors: STORE_UNREACHABLE if the file cannot be used; INVALID_KEY; RECEIPT_MALFORMED and the like for a log that was
/// altered or belongs to another instance.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_receipts_open(
    path: *const c_char,
    path_len: usize,
    key: *const c_char,
    key_len: usize,
    receipts: *mut *mut Receipts,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let receipts = Out::handle(receipts)?;
        let key = licentia::HolderKey::from_pem(text(key, key_len)?).map_err(licentia::Code::from)?;
        receipts.give(Receipts(Arc::new(Counted::open(text(path, path_len)?, key)?)));
        Ok(())
    })
}

/// Frees receipts. Gates that use them keep them open; when the last of these is freed too, what was counted since the
/// last receipt is written, with the time of the latest event. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_receipts_free(receipts: *mut Receipts) {
    // SAFETY: the caller keeps to the header's rules.
    unsafe { end(receipts) }
}

/// Counts what the gates of a builder grant.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_gate_builder_add_receipts(
    builder: *mut GateBuilder,
    receipts: *const Receipts,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let counted = Arc::clone(&shared(receipts)?.0);
        exclusive(builder)?.change(|builder| builder.sink(counted))
    })
}

/// Writes the identifier of the instance, which is the thumbprint of its key: 32 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_receipts_instance(receipts: *const Receipts, instance: *mut u8) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let out = Out::new(instance.cast(), [0_u8; 32])?;
        out.set(shared(receipts)?.0.instance());
        Ok(())
    })
}

/// Writes what was counted since the last call durably, at `now` (seconds since 1970), and calls `callback` with each
/// new receipt for the vendor. If nothing was counted there is none.
///
/// Errors: STORE_UNREACHABLE if it cannot be written; the counts are kept for the next receipt. Also what
/// licentia_receipts_acknowledge found, if the log was set back or copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_receipts_write(
    receipts: *const Receipts,
    now: u64,
    callback: ReceiptCallback,
    context: *mut c_void,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        // Checked before anything is written.
        let receipts = shared(receipts)?;
        if callback.is_none() {
            return Err(Refusal::ARGUMENT);
        }
        tell(&receipts.0.write(now)?, callback, context)
    })
}

/// Calls `callback` with each receipt that the vendor has not acknowledged.
///
/// Errors: STORE_UNREACHABLE if the log cannot be read; RECEIPT_MALFORMED and the like if it was altered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_receipts_unacknowledged(
    receipts: *const Receipts,
    callback: ReceiptCallback,
    context: *mut c_void,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe { tell(&shared(receipts)?.0.unacknowledged()?, callback, context) })
}

/// Stores a vendor's acknowledgement that `vendor` signed.
///
/// Errors: RECEIPT_MALFORMED; UNKNOWN_KEY if another key signed it; RECEIPT_FORGED if no key did; RECEIPT_FOREIGN for
/// another instance's; RECEIPT_ROLLBACK if it names a receipt that the log does not have, RECEIPT_FORK if the log has
/// another one in its place: the log was set back or copied, and writes nothing from then on; STORE_UNREACHABLE if it
/// cannot be stored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn licentia_receipts_acknowledge(
    receipts: *const Receipts,
    acknowledgement: *const u8,
    acknowledgement_len: usize,
    vendor: *const Key,
) -> Status {
    // SAFETY: the caller keeps to the header's rules.
    enter(|| unsafe {
        let given = bytes(acknowledgement, acknowledgement_len)?;
        let vendor = [shared(vendor)?.0.clone()];
        Ok(shared(receipts)?.0.acknowledge(given, &vendor)?)
    })
}

/// Calls a function with each receipt.
unsafe fn tell(receipts: &[Vec<u8>], callback: ReceiptCallback, context: *mut c_void) -> Outcome {
    let callback = callback.ok_or(Refusal::ARGUMENT)?;
    for receipt in receipts {
        // SAFETY: as the caller says.
        unsafe { callback(context, receipt.as_ptr(), receipt.len()) }
    }
    Ok(())
}
