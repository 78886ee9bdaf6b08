//! The tables of a program that keeps what it knows beside the ledger.

/// The tables of a program that uses the ledger's database too, with a version of their own.
///
/// A table is made by one step in SQLite and one in PostgreSQL. The step at index N leads from version N to N + 1. Steps
/// are never changed once they were released.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "a program makes one")]
pub struct GuestTables {
    /// The program's name.
    pub name: &'static str,
    /// The steps of a ledger in SQLite.
    pub sqlite: &'static [&'static str],
    /// The same in PostgreSQL.
    pub postgres: &'static [&'static str],
    /// The tables that a backup copies, and their columns, in an order in which each one refers to earlier ones only.
    pub copied: &'static [(&'static str, &'static [&'static str])],
}
