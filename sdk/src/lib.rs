//! Decides offline whether a request to an API may go on.
//!
//! Build a [`Gate`] once with a [`GateBuilder`], with the keys that licences are signed with, and ask
//! it for each request. It makes one explainable [`Decision`] of identity,
//! entitlement, rate and quota from the licence alone, with no network call.
//!
//! ```
//! use licentia::{GateBuilder, Key, Now, Request};
//!
//! # let (issuer_key, token) = (
//! #     include_str!("../../core/tests/data/example.pub").trim(),
//! #     include_str!("../../core/tests/data/example.lic").trim(),
//! # );
//! let gate = GateBuilder::new().key(Key::from_text(issuer_key)?).audience("api.acme.example").build()?;
//!
//! let request = Request::new().features(&["export"]).meters(&[("calls", 1)]).rates(&[("api", 1)]);
//! let decision = gate.check(token, &request, Now::system());
//! if decision.is_allowed() {
//!     println!("go on; {} calls left", decision.quota("calls").unwrap().remaining);
//! } else {
//!     println!("{} {}\n{}", decision.http_status(), decision.code(), decision.explanation());
//! }
//! # assert!(decision.is_allowed(), "{}", decision.explanation());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]
#![warn(missing_debug_implementations)]

mod background;
pub mod event;
#[cfg(feature = "follow")]
pub mod follow;
mod gate;
pub mod http;
mod license;
mod metering;
mod platform;
#[cfg(feature = "receipts")]
pub mod receipt;
pub mod revocation;
#[cfg(feature = "serde")]
mod serialize;
pub mod store;

pub use background::{Feed, FeedError, Refiller, StartError, Watch};
#[cfg(feature = "hosted")]
pub use gate::Question;
pub use gate::{
    BuildError, Counter, Decision, Gate, GateBuilder, Mode, Proof, Request, Reservation, Seat, SettleError,
};
#[cfg(feature = "holder")]
pub use license::{HolderKey, PemError, ProveError};
pub use license::{License, LoadError, Loadable};
pub use licentia_core::{
    Action, Check, Claims, Code, Confirmation, Explanation, Facts, Feature, FeatureValue, Key, Keyset, Kid,
    Kind, Lineage, Overage, Period, Policy, Quota, Rate, State, Step, Tier, Timestamp, TokenId, Unverified,
    Window, limits,
};
pub use metering::{Charge, Unit};
pub use platform::Now;
#[cfg(not(target_family = "wasm"))]
pub use platform::fork;
