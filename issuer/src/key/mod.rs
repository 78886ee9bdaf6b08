//! Keys, and the signature over everything that a vendor signs.

mod public_key;
mod sign1;
mod signing_key;

pub use public_key::read_public_key;
pub(crate) use sign1::sign;
#[cfg(feature = "ledger")]
pub(crate) use sign1::unsigned;
pub use signing_key::SigningKey;
