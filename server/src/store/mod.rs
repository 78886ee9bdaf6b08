//! The ledger and the service's own tables: one thread writes in batches, others read.

mod clerk;
mod readers;
mod tables;

pub use clerk::Clerk;
pub use readers::Readers;
pub use tables::TABLES;

/// All tables that the service keeps beside the ledger's own.
pub static GUESTS: [&licentia_issuer::GuestTables; 3] =
    [&TABLES, &crate::webhooks::outbox::TABLES, &crate::stripe::tables::TABLES];

/// The parameters of a statement, from anything that becomes a [`licentia_issuer::sql::Value`].
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$(licentia_issuer::sql::Value::from($value)),*] };
}
pub(crate) use values;
