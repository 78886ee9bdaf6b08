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

#[path = "metering/account.rs"]
mod account;
#[cfg(feature = "tower")]
#[path = "http/off_thread.rs"]
mod aside;
#[path = "gate/builder.rs"]
pub mod builder;
#[path = "license/cache.rs"]
mod cache;
#[path = "metering/charges.rs"]
mod charges;
#[path = "license/interner.rs"]
mod copies;
#[path = "metering/counter.rs"]
pub mod counter;
#[path = "gate/decision.rs"]
pub mod decision;
pub mod event;
#[path = "gate/gate.rs"]
pub mod gate;
#[path = "gate/clock_guard.rs"]
mod guard;
#[cfg(feature = "holder")]
#[path = "license/holder_key.rs"]
pub mod holder;
#[path = "metering/refiller.rs"]
mod keeper;
#[path = "platform/clock_reading.rs"]
mod latest;
#[path = "metering/leased.rs"]
pub mod leased;
#[path = "license/licensed.rs"]
mod licensed;
#[path = "metering/meter.rs"]
mod meter;
#[cfg(feature = "tower")]
#[path = "http/middleware.rs"]
pub mod middleware;
#[path = "platform/now.rs"]
pub mod now;
#[cfg_attr(not(target_family = "wasm"), path = "platform/per_process/native.rs")]
#[cfg_attr(target_family = "wasm", path = "platform/per_process/wasm.rs")]
mod own;
#[cfg(feature = "receipts")]
pub mod receipt;
#[path = "gate/replay.rs"]
mod replay;
#[path = "gate/request.rs"]
pub mod request;
#[path = "gate/reservation.rs"]
mod reservation;
#[path = "license/revocations.rs"]
pub mod revocation;
#[path = "metering/seat.rs"]
pub mod seat;
#[cfg_attr(not(target_family = "wasm"), path = "metering/shared_rate/native.rs")]
#[cfg_attr(target_family = "wasm", path = "metering/shared_rate/wasm.rs")]
mod slice;
pub mod store;
#[path = "platform/swap/mod.rs"]
mod swap;
#[cfg_attr(not(target_family = "wasm"), path = "platform/table/native.rs")]
#[cfg_attr(target_family = "wasm", path = "platform/table/wasm.rs")]
mod table;
#[path = "metering/terms.rs"]
mod terms;
#[path = "license/trust.rs"]
mod trust;
#[cfg(all(test, not(target_family = "wasm")))]
#[path = "platform/table/wasm.rs"]
mod wasm_table;
#[path = "background/worker.rs"]
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
    Check, Code, Explanation, Key, Keyset, State, Unverified, clock, http, limits, period, policy,
};
pub use now::Now;
pub use request::Request;
pub use reservation::Reservation;
pub use revocation::Watch;
pub use seat::Seat;
pub use store::{Memory, Store};
