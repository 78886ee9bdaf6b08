//! Follows keysets and bundles at URLs and in files, in a thread of its own: polled and pushed, with the last good ones on
//! disk.
//!
//! ```no_run
//! use licentia::{GateBuilder, Key, follow::Follow};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let root = Key::from_text("licpub1_…")?;
//! let following = Follow::new()
//!     .keyset(root, "https://acme.example/.well-known/licentia/keyset".parse()?)
//!     .bundle("https://acme.example/.well-known/licentia/bundle".parse()?)
//!     .cache("/var/lib/service/licentia")
//!     .report(|problem| eprintln!("{problem}"))
//!     .start(GateBuilder::new().audience("api.acme.example"))?;
//! let gate = following.gate();
//! # Ok(())
//! # }
//! ```
//!
//! A URL is asked with its last entity tag. A fetch takes at most 20 seconds and 3 redirects, never from `https` to `http`,
//! and no more bytes than a bundle may have. What is fetched is verified before it is used, and a bad or older one never
//! replaces a good one. The root key is given, and never fetched.

mod cache;
mod client;
mod error;
mod events;
mod fetch;
mod follower;
mod place;
mod settings;
mod source;
mod trusted;

pub use crate::platform::FileVersion;
pub use error::FollowError;
pub use follower::Following;
pub use place::{InvalidPlace, Place};
pub use settings::Follow;
pub use trusted::Trusted;
