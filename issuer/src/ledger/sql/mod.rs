//! The database of a ledger: SQLite or PostgreSQL, behind the same calls.
//!
//! Statements are written once, in the SQL that both understand, with parameters `?1`, `?2` and so on. Only
//! `sqlite.rs`, `postgres.rs` and the tables themselves (`schema.rs`) know which one it is.

mod database;
#[cfg(feature = "postgres")]
mod postgres;
mod row;
mod sqlite;
#[cfg(feature = "postgres")]
mod tls;
mod value;

pub use database::LedgerAccess;
pub(super) use database::{Database, Lock, Transaction};
pub(super) use row::Row;
pub(super) use value::{Value, values};
