//! The ledger: looked into, copied, and changed by revocations.

mod copy;
pub(crate) mod list;
pub(crate) mod lookup;
pub(crate) mod place;
pub(crate) mod revoke;
mod rules;
mod show;
