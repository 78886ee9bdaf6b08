//! A value of which each process has its own, also after `fork`.

#[cfg(not(target_family = "wasm"))]
mod native;
#[cfg(target_family = "wasm")]
mod wasm;

#[cfg(not(target_family = "wasm"))]
pub(crate) use native::{PerProcess, process_id};
#[cfg(target_family = "wasm")]
pub(crate) use wasm::{PerProcess, process_id};
