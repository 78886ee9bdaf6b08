//! The database of a ledger: SQLite or PostgreSQL, behind the same calls.
//!
//! Statements are written once, in the SQL that both understand, with parameters `?1`, `?2` and so on. Only
//! `sqlite.rs`, `postgres.rs` and the tables themselves (`schema.rs`) know which one it is.

mod access;
mod database;
mod lock;
#[cfg(feature = "postgres")]
mod postgres;
mod row;
mod sqlite;
#[cfg(feature = "postgres")]
mod tls;
mod value;

pub use access::LedgerAccess;
pub use database::Database;
pub(super) use database::Transaction;
pub(super) use lock::Lock;
pub use row::Row;
pub(super) use sqlite::is_ledger;
pub use value::Value;
pub(super) use value::values;
