//! Whose licences are accepted, and what is revoked: keysets and bundles from files and URLs, with the last good ones on
//! disk.

mod cache;
mod events;
mod fetch;
mod follower;
mod gate;
mod source;
mod trusted;

pub(crate) use follower::Follower;
pub use trusted::Trusted;
