//! Where a test's ledgers are.

use std::{
    fmt,
    sync::atomic::{AtomicU32, Ordering},
};

use licentia_issuer::{Draft, Issuer, Ledger, LedgerAccess, LedgerLocation, SigningKey, Timestamp};

use crate::postgres::Postgres;

pub(crate) enum Engine {
    Sqlite(tempfile::TempDir, AtomicU32),
    Postgres(Postgres),
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite(..) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        })
    }
}

impl std::panic::RefUnwindSafe for Engine {}

impl Engine {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap(), AtomicU32::new(0))
    }

    pub(crate) fn postgres() -> Option<Self> {
        Postgres::start().map(Self::Postgres)
    }

    /// A place where nothing is.
    pub(crate) fn place(&self) -> LedgerLocation {
        let text = match self {
            Self::Sqlite(folder, count) => {
                let name = format!("{}.db", count.fetch_add(1, Ordering::Relaxed));
                folder.path().join(name).display().to_string()
            }
            Self::Postgres(server) => server.database(),
        };
        text.parse().unwrap()
    }

    /// An empty ledger, and its place.
    pub(crate) fn fresh(&self) -> (Ledger, LedgerLocation) {
        let place = self.place();
        (Ledger::connect(&place, LedgerAccess::Create).unwrap(), place)
    }
}

pub(crate) fn open(place: &LedgerLocation) -> Ledger {
    Ledger::connect(place, LedgerAccess::Write).unwrap()
}

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

pub(crate) fn issuer() -> Issuer {
    Issuer::new("acme", SigningKey::from_seed(&[1; 32]).unwrap())
}

pub(crate) fn revocation_key() -> SigningKey {
    SigningKey::from_seed(&[5; 32]).unwrap()
}

pub(crate) fn draft(subject: &str) -> Draft {
    Draft::new(subject, "pro", 3, NOW, 1_900_000_000)
}
