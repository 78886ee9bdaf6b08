//! Decides offline whether a request to an API may go on.
//!
//! Build a [`Gate`] once, with the keys that licences are signed with, and ask
//! it for each request. It makes one explainable [`Decision`] of identity,
//! entitlement, rate and quota from the licence alone, with no network call.
//!
//! ```
//! use licentia::{Gate, Key, Now, Request};
//!
//! # let (issuer_key, token) = (
//! #     include_str!("../../core/tests/data/example.pub").trim(),
//! #     include_str!("../../core/tests/data/example.lic").trim(),
//! # );
//! let gate = Gate::builder().key(Key::from_text(issuer_key)?).audience("api.acme.example").build()?;
//!
//! let request = Request::new().features(&["export"]).meters(&[("calls", 1)]).rates(&[("api", 1)]);
//! let decision = gate.check(token, &request, Now::system());
//! if decision.is_allowed() {
//!     println!("go on; {} calls left", decision.charge("calls").unwrap().remaining);
//! } else {
//!     println!("{} {}\n{}", decision.http_status(), decision.code(), decision.explanation());
//! }
//! # assert!(decision.is_allowed(), "{}", decision.explanation());
//! # Ok::<(), licentia::Code>(())
//! ```

#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]

mod account;
#[cfg(feature = "tower")]
mod aside;
pub mod builder;
mod cache;
mod charges;
mod copies;
pub mod counter;
pub mod decision;
pub mod event;
pub mod gate;
mod guard;
#[cfg(feature = "holder")]
pub mod holder;
mod keeper;
mod latest;
pub mod leased;
mod licensed;
mod meter;
#[cfg(feature = "tower")]
pub mod middleware;
pub mod now;
#[cfg_attr(target_family = "wasm", path = "wasm/own.rs")]
mod own;
#[cfg(feature = "receipts")]
pub mod receipt;
mod replay;
pub mod request;
mod reservation;
pub mod revocation;
pub mod seat;
#[cfg_attr(target_family = "wasm", path = "wasm/slice.rs")]
mod slice;
pub mod store;
mod swap;
#[cfg_attr(target_family = "wasm", path = "wasm/table.rs")]
mod table;
mod terms;
mod trust;
#[cfg(all(test, not(target_family = "wasm")))]
#[path = "wasm/table.rs"]
mod wasm_table;
mod worker;

pub use builder::{Builder, Mode};
pub use counter::Counter;
pub use decision::{Charge, Decision, License, Unit};
pub use event::{Event, Sink};
pub use gate::Gate;
#[cfg(feature = "holder")]
pub use holder::Holder;
pub use keeper::Keeper;
pub use leased::Leased;
pub use licentia_core::{
    Action, Check, Code, Explanation, Key, Keyset, Period, State, Unverified, Window, http, limits,
};
pub use now::Now;
pub use request::Request;
pub use reservation::Reservation;
pub use revocation::Watch;
pub use seat::Seat;
pub use store::{Memory, Store};
