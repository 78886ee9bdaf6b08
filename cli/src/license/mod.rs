//! Licences and proofs: issued, read and verified.

mod bulk;
pub(crate) mod explain;
pub(crate) mod inspect;
pub(crate) mod issue;
pub(crate) mod print;
pub(crate) mod prove;
pub(crate) mod record;
pub(crate) mod renew;
mod sink;
pub(crate) mod verify;
mod wanted;
