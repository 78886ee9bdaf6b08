//! HTTP: the status and header fields of a decision, how a gate is asked about a request, and a `tower` layer.

#[cfg(feature = "tower")]
mod admitted;
#[cfg(feature = "http")]
mod call;
#[cfg(feature = "tower")]
mod grpc;
mod headers;
#[cfg(feature = "tower")]
mod middleware;
#[cfg(feature = "http")]
mod needs;
#[cfg(feature = "http")]
mod presented;
#[cfg(feature = "http")]
mod token_source;

#[cfg(feature = "tower")]
pub use admitted::{Admitted, Cost};
#[cfg(feature = "http")]
pub use call::{Call, fields};
pub use headers::headers;
pub use licentia_core::http::*;
#[cfg(feature = "tower")]
pub use middleware::{EmptyBody, LicenseLayer, Licensing, RefusalBody, TextBody};
#[cfg(feature = "http")]
pub use needs::Needs;
#[cfg(feature = "http")]
pub use presented::{PROOF, Presented, SUBPROTOCOL, offers_subprotocol, select_subprotocol};
#[cfg(feature = "http")]
pub use token_source::TokenSource;
