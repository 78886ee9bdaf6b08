//! Receipts of what was counted, and the vendor's acknowledgements of them.

mod acknowledgement;
#[allow(clippy::module_inception, reason = "the folder is the subject, and the file its first noun")]
mod receipt;

pub use acknowledgement::Acknowledgement;
#[cfg(feature = "alloc")]
pub use receipt::UnsignedReceipt;
pub use receipt::{Digest, Instance, Receipt, ReceiptEntry, ReceiptLink};
