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
pub(super) use database::{Database, Transaction};
pub(super) use lock::Lock;
pub(super) use row::Row;
pub(super) use sqlite::is_ledger;
pub(super) use value::{Value, values};
