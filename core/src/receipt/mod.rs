//! Receipts of what was counted, and the vendor's acknowledgements of them.

mod acknowledgement;
pub(crate) mod receipt;

pub use acknowledgement::Acknowledgement;
#[cfg(feature = "alloc")]
pub use receipt::UnsignedReceipt;
pub use receipt::{Digest, Instance, Receipt, ReceiptEntry, ReceiptLink};
