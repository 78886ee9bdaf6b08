//! Verifies Licentia licences offline.
//!
//! A licence is a small signed token: COSE_Sign1 (RFC 9052) over CWT claims
//! (RFC 8392), signed with Ed25519, that says who the customer is, which tier
//! they bought, which features, quotas and rates come with it, and until when.
//! [`verify`] takes a token, the issuer's public keys and the current time. It returns
//! the verified [`License`], or a [`Denial`]: a stable [`Code`] and an [`Explanation`]
//! of every check that ran.
//!
//! The crate is `no_std`, needs no heap, does no I/O, reads no clock, draws no
//! random numbers and has no `unsafe` code. It does not panic on any input.
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
//! Where to find a rule in `core/src`: the encoding in `cbor/`, the envelope in `cose.rs`, the
//! claims in `license/`, keys and keysets in `key/`, the order of the checks in `verify.rs`
//! and `authorize.rs`, the codes in `code.rs`.

#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_debug_implementations)]
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

mod authorize;
mod buffer;
mod cbor;
mod code;
mod cose;
mod crypto;
mod expect;
mod explain;
pub mod http;
mod id;
mod json;
mod key;
mod license;
pub mod limits;
pub mod metering;
pub mod proof;
pub mod receipt;
pub mod revocation;
mod service_nonce;
pub mod text;
mod time;
mod uri;
mod verify;

pub use authorize::{State, authorize};
pub use buffer::Buffer;
pub use cbor::Malformed;
pub use code::{Code, CodeEntry};
pub use cose::Algorithm;
pub use crypto::ed25519::PublicKey;
pub use expect::Expect;
pub use explain::{Check, Explanation, Facts, Step};
pub use id::{AccountId, Lineage, Nonce, Salt, TokenId};
pub use key::key::{Key, KeyPurpose, KeyStatus};
pub use key::keyring::Keyring;
pub use key::keyset::{Keyset, KeysetMark};
pub use key::kid::Kid;
#[cfg(feature = "prepared")]
pub use key::preparation::Preparation;
pub use key::scope::{FeatureBound, KeyScope, ScopeBound, Texts};
pub use license::claims::{Claims, Confirmation, License, OwnedLicense, Unverified};
pub use license::feature::{Feature, FeatureValue};
pub use license::grant::{Kind, Tier};
pub use license::policy::{Action, Policy};
pub use license::quota::{Overage, Quota};
pub use license::rate::Rate;
pub use time::clock::{Clock, Time};
pub use time::period::{Period, Window};
pub use time::timestamp::Timestamp;
pub use verify::{Denial, Verified, authenticate, verify, verify_into, verify_text};

/// Shared with the other crates of this workspace. It is not part of the public API and may change at any time.
#[doc(hidden)]
pub mod inner {
    pub use crate::{
        cbor::{Map, MapKey, Reader, Span},
        cose::{Frame, Typ},
        json::{Optional, Quoted},
        key::keyset::digest,
        license::{json::JsonPart, name::is_valid as is_valid_name},
        revocation::bundle::state_root,
        time::{calendar, clock},
        uri::same as same_uri,
        verify::decode,
    };

    /// Hashes and pre-filters of a bundle.
    pub mod bloom {
        pub use crate::revocation::bloom::{hash, may_contain};
    }

    /// Building the sections of a bundle.
    #[cfg(feature = "alloc")]
    pub mod build {
        pub use crate::revocation::build::{bloom, difference, exact, group_difference, groups, hashes};
    }
}
