//! What may wait, in threads of its own.

mod error;
mod feed;
mod watch;
mod worker;

pub use error::{FeedError, StartError};
pub use feed::Feed;
pub use watch::Watch;
pub(crate) use worker::Worker;
