//! Keysets: which keys sign, for what and until when. The vendor's root key signs them.
//!
//! The root key signs nothing else and stays off line. A draft is a TOML
//! file, which is changed and signed again with the next sequence number:
//!
//! ```toml
//! sequence = 4
//!
//! [[key]]
//! key = "licpub1_..."
//! state = "retired"                 # active (the default), retired or revoked
//! not_after = "2027-01-31"          # the last `iat` of what it signed
//!
//! [[key]]
//! key = "licpub1_..."
//! scope = { tiers = ["free"], longest_term = "30 days" }
//! ```

mod draft;
mod entry;
mod scope;

pub use draft::KeysetDraft;
pub use entry::KeysetEntry;
pub use scope::KeyScope;
