//! Times and durations as people write them. A time is in whole UTC seconds since 1970.
//!
//! A date means a whole day. As a start it is the day's first second
//! ([`parse_start`]), as a last moment the day's last second ([`parse_last`]),
//! and as an end the first second after it ([`parse_end`]).
//!
//! A number is checked before it is signed ([`plausible`]): 20270131 is a date
//! and not a time of 1970, and milliseconds are not seconds.

mod civil;
mod moment;
mod plausible;
mod show;
mod span;

pub(crate) use moment::{end, written};
pub use moment::{parse, parse_end, parse_last, parse_start};
pub use plausible::plausible;
pub use show::{show, stamp};
pub use span::Span;
