//! What the suites share: alterations, reports, work on all processors, canonical CBOR, an issuer for
//! tests, and a gate that is run step by step.

mod alter;
mod canonical;
mod gate;
mod issuer;
mod run;
mod samples;
mod verify;

pub use alter::{alter, altered};
pub use canonical::{canonical, decode};
pub use gate::{Outcome, run_gate};
pub use issuer::Issuer;
pub use run::{cases, in_parallel, report};
pub use samples::{Sample, valid_tokens};
pub use verify::verifies;
