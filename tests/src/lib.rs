//! What the suites share: alterations, reports, work on all processors, canonical CBOR, and an issuer for tests.

mod alter;
mod canonical;
mod issuer;
mod run;
mod samples;
mod verify;

pub use alter::{alter, altered};
pub use canonical::{canonical, decode};
pub use issuer::Issuer;
pub use run::{cases, in_parallel, report};
pub use samples::{Sample, valid_tokens};
pub use verify::verifies;
