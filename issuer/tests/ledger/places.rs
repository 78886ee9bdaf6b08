//! Where ledgers are, and how they are opened.

use licentia_issuer::{Error, Ledger, LedgerAccess, LedgerError, Order};

use crate::engine::{Engine, draft, issuer};

pub(crate) fn a_ledger_is_created_once_and_never_by_mistake(engine: &Engine) {
    let place = engine.place();
    for access in [LedgerAccess::Read, LedgerAccess::Write] {
        let missing = Ledger::connect(&place, access).unwrap_err();
        assert!(matches!(missing, Error::Ledger(LedgerError::Missing(_))), "{missing}");
        assert!(missing.to_string().contains("ledger init"), "{missing}");
    }
    drop(Ledger::connect(&place, LedgerAccess::Create).unwrap());
    let exists = Ledger::connect(&place, LedgerAccess::Create).unwrap_err();
    assert!(matches!(exists, Error::Ledger(LedgerError::Exists(_))), "{exists}");
    assert_eq!(Ledger::connect(&place, LedgerAccess::Write).unwrap().count().unwrap(), 0);
}

pub(crate) fn a_reader_changes_nothing(engine: &Engine) {
    let (mut ledger, place) = engine.fresh();
    ledger.issue(&issuer(), Order::new(draft("ann"))).unwrap();
    let mut reader = Ledger::connect(&place, LedgerAccess::Read).unwrap();
    assert_eq!(reader.of_subject("ann").unwrap().len(), 1);
    ledger.issue(&issuer(), Order::new(draft("ann"))).unwrap();
    assert_eq!(reader.of_subject("ann").unwrap().len(), 2, "it sees what others write");
    assert!(reader.issue(&issuer(), Order::new(draft("ann"))).is_err());
    assert_eq!(ledger.count().unwrap(), 2);
}

#[cfg(unix)]
#[test]
fn a_file_is_its_owners_own() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut ledger = Ledger::open(&path).unwrap();
    ledger.issue(&issuer(), Order::new(draft("ann"))).unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", entry.file_name());
    }
}

/// A copy on a medium that nobody can write.
#[cfg(unix)]
#[test]
fn a_file_that_nobody_can_write_is_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut ledger = Ledger::open(&path).unwrap();
    ledger.issue(&issuer(), Order::new(draft("ann"))).unwrap();
    drop(ledger);
    let permit = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    permit(&path, 0o400);
    permit(folder.path(), 0o500);
    let reader = Ledger::connect(&(&*path).into(), LedgerAccess::Read).unwrap();
    assert_eq!(reader.of_subject("ann").unwrap().len(), 1);
    permit(folder.path(), 0o700);
}
