//! What a ledger is opened for.

/// What a ledger is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LedgerAccess {
    /// To create it. It must not exist.
    Create,
    /// To change it. It must exist.
    Write,
    /// To read it. It must exist, and may be a file that nobody can write.
    Read,
}
