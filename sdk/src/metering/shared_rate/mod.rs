//! A rate that processes share.

#[cfg(any(not(target_family = "wasm"), feature = "hosted"))]
mod native;
#[cfg(all(target_family = "wasm", not(feature = "hosted")))]
mod wasm;

#[cfg(any(not(target_family = "wasm"), feature = "hosted"))]
pub(crate) use native::SharedRate;
#[cfg(all(target_family = "wasm", not(feature = "hosted")))]
pub(crate) use wasm::SharedRate;
