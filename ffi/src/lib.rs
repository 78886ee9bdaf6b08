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
pub mod buffer;
pub mod builder;
#[cfg(feature = "issuer")]
pub mod bundle;
#[cfg(feature = "issuer")]
pub mod catalogue;
pub mod decision;
#[cfg(feature = "issuer")]
pub mod draft;
pub mod event;
pub mod gate;
#[cfg(feature = "holder")]
pub mod holder;
#[cfg(feature = "issuer")]
pub mod issuer;
pub mod key;
pub mod keyset;
pub mod license;
pub mod period;
pub mod request;
#[cfg(feature = "issuer")]
pub mod signing_key;
pub mod status;
pub mod store;
pub mod token;
pub mod version;
