//! The C ABI of core alone, for microcontrollers: no standard library, no heap, no state between calls.
//!
//! `include/licentia_bare.h` is generated from this crate. A function here converts types and calls core.

#![no_std]
#![deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod border;
pub mod counters;
pub mod feature;
pub mod trust;
mod verify;

pub use border::BareText;
pub use verify::{
    BareKey, BareProof, BareRequest, BareVerdict, LICENTIA_BARE_FEATURES, LICENTIA_BARE_KEYS,
    licentia_bare_decode, licentia_bare_verify,
};

/// Nothing here panics on purpose. After a panic the device waits for its watchdog.
#[cfg(target_os = "none")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
