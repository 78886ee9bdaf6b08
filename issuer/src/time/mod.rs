//! Times and durations as people write them. A time is a number of whole UTC seconds since 1970.

mod moment;
mod span;

pub(crate) use moment::moment;
pub use moment::{parse, show};
pub use span::Span;
