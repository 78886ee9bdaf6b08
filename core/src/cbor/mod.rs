//! Deterministic CBOR (RFC 8949, section 4.2.1): a strict reader, and a writer that needs no heap.

mod read;
pub(crate) mod write;

pub(crate) use read::Result;
pub use read::{Malformed, Map, MapKey, Reader, Span};
