//! The ledger and the service's own tables: one thread writes in batches, others read.

mod clerk;
mod guests;
mod readers;
mod tables;
mod values;

pub use clerk::Clerk;
pub use guests::{copy_too, restore_too};
pub use readers::Readers;
pub use tables::TABLES;
pub(crate) use values::values;
