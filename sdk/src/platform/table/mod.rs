//! A hash table whose keys others may choose.

#[cfg(not(target_family = "wasm"))]
mod native;
#[cfg(any(test, target_family = "wasm"))]
#[cfg_attr(not(target_family = "wasm"), allow(dead_code, reason = "elsewhere it is only tested"))]
mod wasm;

#[cfg(not(target_family = "wasm"))]
pub(crate) use native::Table;
#[cfg(target_family = "wasm")]
pub(crate) use wasm::Table;
