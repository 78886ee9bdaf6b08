//! Whose licences are accepted, and what is revoked: keysets and bundles from files and URLs, with the last good ones on
//! disk.

mod cache;
mod fetch;
mod gate;
mod source;
mod trusted;

pub(crate) use trusted::Follower;
pub use trusted::Trusted;
