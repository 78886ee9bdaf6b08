//! The C ABI of Licentia. `include/licentia.h` is made from this crate, and is its documentation.
//!
//! One file is one noun. A function here converts types and asks the sdk; it holds no rule of its own. What
//! C may hand over wrongly and can be told, such as NULL or a number that no enumeration has, is answered
//! with a status; see `border`.

#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]

mod border;
#[cfg(feature = "fault")]
pub mod fault;

// In the order of the header, which blank lines keep.

pub mod version;

pub mod status;

pub mod buffer;

pub mod key;

pub mod keyset;

pub mod token;

pub mod period;

pub mod store;

pub mod builder;

pub mod gate;

pub mod watch;

pub mod keeper;

pub mod request;

pub mod reservation;

pub mod seat;

pub mod decision;

pub mod license;

pub mod event;

#[cfg(feature = "holder")]
pub mod holder;

#[cfg(feature = "holder")]
pub mod receipts;

#[cfg(feature = "issuer")]
pub mod signing_key;

#[cfg(feature = "issuer")]
pub mod catalogue;

#[cfg(feature = "issuer")]
pub mod draft;

#[cfg(feature = "issuer")]
pub mod issuer;

#[cfg(feature = "issuer")]
pub mod bundle;
