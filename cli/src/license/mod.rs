//! Licences and proofs: issued, read and verified.

mod explain;
pub(crate) mod inspect;
pub(crate) mod issue;
pub(crate) mod prove;
pub(crate) mod record;
pub(crate) mod verify;
