//! All tables of the service.

use licentia_issuer::{GuestTables, Ledger};

use super::tables::TABLES;
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
