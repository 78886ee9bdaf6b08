//! The ledger: looked into, and changed by revocations.

pub(crate) mod lookup;
pub(crate) mod open;
pub(crate) mod revoke;
