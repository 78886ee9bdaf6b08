//! What the npm package `licentia` calls. It converts types and decides nothing.
//!
//! Numbers cross as doubles, which hold every integer of a licence exactly; texts that belong together cross
//! as one, joined by U+0000, since each crossing costs more than a split. A refusal to do something is told
//! as number, name and message of its [`licentia_core::Code`]; "no" is a decision.

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
mod ask;
#[cfg(feature = "verify")]
mod call;
#[cfg(feature = "gate")]
mod gate;
#[cfg(feature = "issuer")]
mod issuer;
#[cfg(feature = "gate")]
mod table;
#[cfg(feature = "verify")]
mod verify;
#[cfg(feature = "verify")]
mod what;
#[cfg(feature = "verify")]
mod words;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();
