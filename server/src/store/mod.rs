//! The ledger and the service's own tables: one thread writes in batches, others read.

mod clerk;
mod readers;
mod tables;

pub use clerk::Clerk;
pub use readers::Readers;
pub use tables::TABLES;

use licentia_issuer::{GuestTables, Ledger};

use crate::{stripe, webhooks};

/// All tables that the service has in a ledger's database.
pub(crate) const ALL: [&GuestTables; 3] = [&TABLES, &webhooks::outbox::TABLES, &stripe::tables::TABLES];

/// Lets backups of a ledger copy the service's tables, if it has them.
///
/// # Errors
/// [`licentia_issuer::Error::Ledger`].
pub fn copy_too(ledger: &mut Ledger) -> licentia_issuer::Result<()> {
    ALL.into_iter().try_for_each(|tables| ledger.host_if_there(tables).map(drop))
}

/// Prepares a ledger for being restored from a backup, which is prepared too: it gets the service's tables if the backup
/// has them.
///
/// # Errors
/// [`licentia_issuer::Error::Ledger`].
pub fn restore_too(ledger: &mut Ledger, backup: &mut Ledger) -> licentia_issuer::Result<()> {
    for tables in ALL {
        if backup.host_if_there(tables)? {
            ledger.host(tables)?;
        } else {
            ledger.host_if_there(tables)?;
        }
    }
    Ok(())
}

/// The parameters of a statement, from anything that becomes a [`licentia_issuer::sql::Value`].
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$(licentia_issuer::sql::Value::from($value)),*] };
}
pub(crate) use values;
