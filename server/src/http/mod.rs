//! HTTP: what requests and responses are made of.

mod body;
mod idempotency;
mod listen;
mod path;
mod problem;
mod query;
mod router;

pub use body::Json;
pub(crate) use body::{Nothing, needs_type, read as read_body};
pub(crate) use idempotency::IdempotencyKey;
pub use idempotency::{Acting, Answer, Post, Secret};
pub(crate) use listen::serve;
pub use path::Segment;
pub(crate) use path::hex;
pub use problem::Problem;
pub(crate) use problem::ProblemBody;
pub use query::Query;
pub(crate) use query::page_limit;
pub use router::openapi;
pub(crate) use router::router;
