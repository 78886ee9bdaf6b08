//! What gateways trust: the keyset, bundles and deltas, and a stream of what is new.

mod feed;
mod keyset;
mod publisher;
mod routes;
mod shelf;

pub(crate) use feed::Feed;
pub(crate) use keyset::KeysetFile;
pub(crate) use publisher::{Press, Publisher, mark};
pub(crate) use routes::routes;
pub(crate) use shelf::Shelf;
