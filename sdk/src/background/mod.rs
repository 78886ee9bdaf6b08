//! What may wait, in threads of its own.

mod error;
mod feed;
mod refiller;
mod watch;
mod worker;

pub use error::{FeedError, StartError};
pub use feed::Feed;
pub use refiller::Refiller;
pub use watch::Watch;
