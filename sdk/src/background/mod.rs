//! Threads beside the requests, for work that may wait.

mod error;
mod feed;
mod refiller;
mod watch;
mod worker;

pub use error::{FeedError, StartError};
pub use feed::Feed;
pub use refiller::Refiller;
pub use watch::Watch;
