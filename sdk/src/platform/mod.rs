//! What depends on the platform: clocks, processes, and structures that WebAssembly has a smaller twin of.

mod clock_reading;
mod file_version;
#[cfg(target_family = "wasm")]
pub(crate) mod fork;
#[cfg(not(target_family = "wasm"))]
pub mod fork;
mod interner;
mod now;
mod per_process;
mod swap;
mod table;

pub(crate) use clock_reading::{CachedReading, ClockReading};
#[cfg_attr(not(feature = "follow"), allow(unreachable_pub, reason = "`follow` exports it"))]
pub use file_version::FileVersion;
pub(crate) use interner::Interner;
pub use now::Now;
pub(crate) use per_process::{PerProcess, process_id};
pub(crate) use swap::{ArcSwap, ArcSwapOption, Guard};
pub(crate) use table::Table;
