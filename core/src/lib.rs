//! Verifies Licentia licences offline.
//!
//! A licence is a small signed token: COSE_Sign1 (RFC 9052) over CWT claims
//! (RFC 8392), signed with Ed25519, that says who the customer is, which tier
//! they bought, which features, quotas and rates come with it, and until when.
//! This crate takes the bytes of one, the issuer's public keys and the present
//! time, and gives back the verified [`License`] or a [`Denial`]: a stable
//! [`Code`] and an [`Explanation`] of every check that ran.
//!
//! The crate is `no_std`, needs no heap, does no I/O, reads no clock, draws no
//! randomness and has no `unsafe` code. Nothing in it panics on any input.
//!
//! ```
//! use licentia_core::{Buffer, Expect, Key, verify_text};
//!
//! # let (issuer_key, token) = (
//! #     include_str!("../tests/data/example.pub").trim(),
//! #     include_str!("../tests/data/example.lic").trim(),
//! # );
//! let keys = [Key::from_text(issuer_key)?];
//! let expect = Expect::new().audience("api.acme.example").features(&["export"]);
//! let now = 1_800_000_000; // from your clock, in seconds since 1970
//!
//! let mut buffer = Buffer::new();
//! match verify_text(token, &mut buffer, &keys, &expect, now) {
//!     Ok(verified) => println!("{} bought {}", verified.license.subject(), verified.license.tier().name),
//!     Err(denial) => println!("{}", denial.explanation),
//! }
//! # assert!(verify_text(token, &mut buffer, &keys, &expect, now).is_ok());
//! # Ok::<(), licentia_core::Code>(())
//! ```
//!
//! Where to find a rule: the encoding in [`cbor`], the envelope in [`cose`],
//! the claims in [`claims`] and [`grant`], the order of the checks in
//! [`verify`](mod@verify) and [`authorize`](mod@authorize), the codes in [`code`].

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod acknowledgement;
pub mod authorize;
pub mod calendar;
pub mod cbor;
pub mod claims;
pub mod clock;
pub mod code;
pub mod cose;
pub mod ed25519;
pub mod explain;
pub mod feature;
pub mod grant;
pub mod http;
pub mod json;
pub mod key;
pub mod keyset;
pub mod limits;
pub mod metering;
pub mod name;
pub mod period;
pub mod policy;
#[cfg(feature = "prepared")]
pub mod prepared;
pub mod proof;
pub mod quota;
pub mod rate;
pub mod receipt;
pub mod revocation;
mod scope;
mod small;
pub mod text;
pub mod verify;
mod write;

pub use acknowledgement::Acknowledgement;
pub use authorize::{Expect, State, authorize};
pub use claims::{Claims, Confirmation, Kept, License, Unverified};
pub use code::Code;
pub use explain::{Check, Explanation, Facts, Step};
pub use feature::{Feature, Value};
pub use grant::{Kind, Tier};
pub use key::{Key, Keyring, Kid, Purpose, Standing};
pub use keyset::Keyset;
pub use period::{Period, Window};
pub use policy::{Action, Policy};
#[cfg(feature = "prepared")]
pub use prepared::Preparation;
pub use quota::{Overage, Quota};
pub use rate::Rate;
pub use receipt::Receipt;
pub use text::Buffer;
pub use verify::{Denial, Verified, authenticate, verify, verify_into, verify_text};
