//! The lock that one process at a time has.

/// A lock that one process at a time has.
#[derive(Debug)]
pub(in crate::ledger) enum Lock {
    /// The locked file beside a ledger in SQLite.
    File(#[allow(dead_code, reason = "closing it releases the lock")] std::fs::File),
    /// PostgreSQL holds the lock until the connection ends.
    #[cfg(feature = "postgres")]
    Session,
}
