//! A read-mostly pointer: every request reads it, and it is replaced now and then.

#[cfg(not(target_family = "wasm"))]
mod native;
#[cfg(target_family = "wasm")]
mod wasm;

#[cfg(not(target_family = "wasm"))]
pub(crate) use native::{ArcSwap, ArcSwapOption, Guard};
#[cfg(target_family = "wasm")]
pub(crate) use wasm::{ArcSwap, ArcSwapOption, Guard};
