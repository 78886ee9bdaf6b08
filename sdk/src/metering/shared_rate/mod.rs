//! A rate that processes share.

#[cfg(not(target_family = "wasm"))]
mod native;
#[cfg(target_family = "wasm")]
mod wasm;

#[cfg(not(target_family = "wasm"))]
pub(crate) use native::SharedRate;
#[cfg(target_family = "wasm")]
pub(crate) use wasm::SharedRate;
