//! HTTP: the status and header fields of a decision, and a `tower` layer.

mod headers;
#[cfg(feature = "tower")]
mod middleware;

pub use headers::headers;
pub use licentia_core::http::*;
#[cfg(feature = "tower")]
pub use middleware::{Admitted, Cost, LicenseLayer, Licensing, PROOF};
