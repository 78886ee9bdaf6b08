//! The program as scripts use it: pipes, exit codes, JSON, files.

mod catalogue;
mod desk;
mod help;
mod keys;
mod ledger;
mod receipts;
mod revocation;
mod schema;
mod scope;
mod secrets;
mod shell;
mod terminal;
mod vendor;
mod verify;
