//! The test vectors of Licentia, with typed access.
//!
//! The JSON files beside this crate are the contract that every
//! implementation and every binding is held to. They have the shape of
//! Wycheproof's: groups of tests, each test with a number, a comment, flags
//! that the notes explain, and the result. `cargo run -p licentia-vectors
//! --bin generate` makes them, always the same; the expected results in it
//! are written by hand from the specification and never asked of an
//! implementation.
//!
//! | file | what is tested |
//! |---|---|
//! | `license.json` | tokens: the code, the state and the claims |
//! | `text.json` | the text form of tokens |
//! | `key.json` | loading of public keys |
//! | `period.json` | windows of quota periods |
//! | `gate.json` | a gate, step by step: keysets, the clock guard, rates and quotas |
//! | `store.json` | counting, step by step: quotas, takers, jobs, rates, seats |
//! | `nonce.json` | proofs with nonces that the service has handed out |
//! | `codes.json` | the table of codes |

#![forbid(unsafe_code)]

mod codes;
mod file;
mod gate;
mod key;
mod license;
mod nonce;
mod period;
pub mod store;
mod text;

pub use codes::{CodeEntry, CodesFile};
pub use file::{File, Group, Verdict};
pub use gate::{GateGroup, GateTest, Step};
pub use key::{KeyGroup, KeyTest};
pub use license::{Expect, LicenseGroup, LicenseTest, Proof};
pub use nonce::{NonceGroup, NonceTest};
pub use period::{PeriodGroup, PeriodTest};
pub use store::{StoreGroup, StoreStep, StoreTest};
pub use text::{TextGroup, TextTest};

/// Reads `license.json`.
///
/// # Panics
/// Where the file is damaged: it is part of this crate.
pub fn license() -> File<LicenseGroup> {
    parse(include_str!("../license.json"))
}

/// Reads `text.json`.
///
/// # Panics
/// Where the file is damaged: it is part of this crate.
pub fn text() -> File<TextGroup> {
    parse(include_str!("../text.json"))
}

/// Reads `key.json`.
///
/// # Panics
/// Where the file is damaged: it is part of this crate.
pub fn key() -> File<KeyGroup> {
    parse(include_str!("../key.json"))
}

/// Reads `period.json`.
///
/// # Panics
/// Where the file is damaged: it is part of this crate.
pub fn period() -> File<PeriodGroup> {
    parse(include_str!("../period.json"))
}

/// Reads `gate.json`.
///
/// # Panics
/// Where the file is damaged: it is part of this crate.
pub fn gate() -> File<GateGroup> {
    parse(include_str!("../gate.json"))
}

/// Reads `store.json`.
///
/// # Panics
/// Where the file is damaged: it is part of this crate.
pub fn store() -> File<StoreGroup> {
    parse(include_str!("../store.json"))
}

/// Reads `nonce.json`.
///
/// # Panics
/// Where the file is damaged: it is part of this crate.
pub fn nonce() -> File<NonceGroup> {
    parse(include_str!("../nonce.json"))
}

/// Reads `codes.json`.
///
/// # Panics
/// Where the file is damaged: it is part of this crate.
pub fn codes() -> CodesFile {
    parse(include_str!("../codes.json"))
}

fn parse<T: serde::de::DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("a vector file is damaged: {error}"))
}
