//! The C ABI of Licentia. `include/licentia.h` is generated from this crate, and is its documentation.
//!
//! A function here converts types and calls the sdk; it has no rule of its own. Misuse that can be detected, such as NULL
//! or a number that no enumeration has, is answered with a status; see `border`.

#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]

#[cfg(feature = "fault")]
pub mod fault;

// The order is that of the header. Blank lines keep rustfmt from sorting.

pub mod version;

pub mod status;

pub mod code;

pub mod border;

pub mod key;

pub mod token;

pub mod period;

pub mod store;

pub mod gate;

pub mod background;

#[cfg(feature = "holder")]
pub mod receipts;

#[cfg(feature = "issuer")]
pub mod vendor;
