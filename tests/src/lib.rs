//! What the suites share: reports, work on all processors, canonical CBOR, and an issuer for tests.

mod canonical;
mod issuer;
mod run;
mod samples;

pub use canonical::{canonical, decode};
pub use issuer::Issuer;
pub use run::{cases, in_parallel, report};
pub use samples::{Sample, valid_tokens};
