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

/// A file that somebody names by mistake keeps its content.
#[test]
fn what_is_no_ledger_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("usage.db");
    let database = rusqlite::Connection::open(&other).unwrap();
    database.execute_batch("CREATE TABLE usage (id INTEGER); PRAGMA user_version = 5").unwrap();
    drop(database);
    let text = folder.path().join("tiers.toml");
    std::fs::write(&text, "name = \"pro\"").unwrap();
    for path in [&other, &text] {
        let before = std::fs::read(path).unwrap();
        for access in [LedgerAccess::Read, LedgerAccess::Write] {
            let refused = Ledger::connect(&(&**path).into(), access).unwrap_err();
            assert!(matches!(refused, Error::Ledger(LedgerError::NoLedger(_))), "{refused}");
        }
        assert_eq!(std::fs::read(path).unwrap(), before);
    }
    assert!(Ledger::beside(&(&*folder.path().join("ledger.db")).into()).is_empty());
    drop(Ledger::open(&folder.path().join("acme.db")).unwrap());
    assert_eq!(Ledger::beside(&(&*folder.path().join("ledger.db")).into()), [folder.path().join("acme.db")]);
}
