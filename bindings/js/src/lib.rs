//! The WebAssembly module of the npm package `licentia`. It converts types and decides nothing.
//!
//! Numbers cross as doubles, which hold every integer of a licence exactly. Texts that belong together cross as one,
//! separated by U+0000, since a crossing costs more than a split. A refusal to run an operation returns number, name and
//! message of its [`licentia_core::Code`]; a denied request is a decision.

#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]
#![allow(unreachable_pub, reason = "JavaScript reaches it")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "integers are at most 2^53 - 1, and a cast from a double saturates"
)]

#[cfg(feature = "verify")]
mod exports;
#[cfg(feature = "gate")]
mod gate;
#[cfg(feature = "gate")]
mod holder;
#[cfg(feature = "gate")]
mod http;
#[cfg(feature = "issuer")]
mod issuer;
#[cfg(feature = "verify")]
mod needs;
#[cfg(feature = "verify")]
mod port;
#[cfg(feature = "gate")]
mod text;
#[cfg(feature = "verify")]
mod verify;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();
