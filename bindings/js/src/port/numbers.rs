//! The numbers that Rust and TypeScript agree on. This file is their only source: `build.mjs` reads it and writes
//! `ts/generated/port.js`, with one object for each module here. Every line is a comment, a module or a constant.

#![allow(dead_code, reason = "each module of the package uses its own part")]

/// Operations, the first argument of every call.
pub(crate) mod operation {
    // Verify one token.
    pub(crate) const VERIFY: u32 = 0;
    pub(crate) const INSPECT: u32 = 1;

    // Need no gate.
    pub(crate) const CODES: u32 = 2;
    pub(crate) const DECODE_LICENSE: u32 = 3;
    pub(crate) const ENCODE_LICENSE: u32 = 4;
    pub(crate) const READ_KEY: u32 = 5;
    pub(crate) const PERIOD_WINDOW: u32 = 6;
    pub(crate) const PROVE: u32 = 7;
    pub(crate) const HOLDER_KEY: u32 = 8;
    pub(crate) const HTTP_STATUS: u32 = 9;
    pub(crate) const HTTP_FIELDS: u32 = 10;
    pub(crate) const BEARER: u32 = 11;
    pub(crate) const PROOF_FIELD: u32 = 12;
    pub(crate) const BUNDLE_MARK: u32 = 13;

    // Use the gate of the instance.
    pub(crate) const CHECK: u32 = 20;
    pub(crate) const WISHES: u32 = 21;
    pub(crate) const OPEN: u32 = 22;
    pub(crate) const BUILD: u32 = 23;
    pub(crate) const LOAD_KEYSET: u32 = 24;
    pub(crate) const LOAD_REVOCATION: u32 = 25;
    pub(crate) const GRANTED: u32 = 26;
    pub(crate) const LOST: u32 = 27;
    pub(crate) const DRAIN: u32 = 28;
    pub(crate) const IDLE: u32 = 29;
    pub(crate) const CHANGED_MARKS: u32 = 30;
    pub(crate) const MARK: u32 = 31;
    pub(crate) const SET_MARK: u32 = 32;
}

/// Bits of [`needs::FLAGS`]: which optional parts a request has.
pub(crate) mod needs_flag {
    pub(crate) const AUDIENCE: u32 = 1;
    pub(crate) const ISSUER: u32 = 2;
    pub(crate) const NODE: u32 = 4;
    pub(crate) const RELEASE: u32 = 8;
    pub(crate) const PROOF: u32 = 16;
    pub(crate) const BODY: u32 = 32;
    /// The caller wants the explanation of a plain yes too.
    pub(crate) const EXPLAIN: u32 = 64;
    /// The proof is in base64url, as its header field carries it.
    pub(crate) const PROOF_TEXT: u32 = 128;
    pub(crate) const SKEW: u32 = 256;
    pub(crate) const PROOF_AGE: u32 = 512;
}

/// Places in the numbers of a request; the costs of its rates, then of its meters, follow.
pub(crate) mod needs {
    pub(crate) const FLAGS: usize = 0;
    pub(crate) const RELEASE: usize = 1;
    pub(crate) const SKEW: usize = 2;
    pub(crate) const PROOF_AGE: usize = 3;
    /// How many features, rates and meters there are.
    pub(crate) const FEATURES: usize = 4;
    pub(crate) const RATES: usize = 5;
    pub(crate) const METERS: usize = 6;
    pub(crate) const COSTS: usize = 7;
}

/// Bits of [`settings::FLAGS`]: which optional parts a gate has.
pub(crate) mod settings_flag {
    pub(crate) const ADVISORY: u32 = 1;
    pub(crate) const ISSUER: u32 = 2;
    pub(crate) const AUDIENCE: u32 = 4;
    pub(crate) const KEYSET: u32 = 8;
    pub(crate) const REQUIRE_REVOCATION: u32 = 16;
    pub(crate) const SKEW: u32 = 32;
    pub(crate) const PROOF_AGE: u32 = 64;
    pub(crate) const REPLAY_CAPACITY: u32 = 128;
    pub(crate) const CACHE_CAPACITY: u32 = 256;
    pub(crate) const KEY_TABLE_BYTES: u32 = 512;
}

/// Places in the numbers that a gate is built from.
pub(crate) mod settings {
    pub(crate) const FLAGS: usize = 0;
    /// How many keys there are.
    pub(crate) const KEYS: usize = 1;
    pub(crate) const SKEW: usize = 2;
    pub(crate) const PROOF_AGE: usize = 3;
    pub(crate) const REPLAY_CAPACITY: usize = 4;
    pub(crate) const CACHE_CAPACITY: usize = 5;
    pub(crate) const KEY_TABLE_BYTES: usize = 6;
    pub(crate) const LENGTH: usize = 7;
}

/// Bits of [`decision::BITS`].
pub(crate) mod decision_bit {
    pub(crate) const ALLOWED: u32 = 1;
    /// The signature is good, so that the token's claims may be shown.
    pub(crate) const AUTHENTIC: u32 = 2;
    /// The explanation follows in words.
    pub(crate) const EXPLAINED: u32 = 4;
}

/// Places in the answer to a check; the charges follow. -1 stands for a value that is absent.
pub(crate) mod decision {
    pub(crate) const BITS: usize = 0;
    pub(crate) const CODE: usize = 1;
    pub(crate) const STATE: usize = 2;
    pub(crate) const WARNING: usize = 3;
    pub(crate) const RETRY_AFTER_MS: usize = 4;
    pub(crate) const CHARGES: usize = 5;
}

/// Places in each charge of an answer.
pub(crate) mod charge {
    /// Index among the rates and meters that the request names.
    pub(crate) const INDEX: usize = 0;
    pub(crate) const LIMIT: usize = 1;
    pub(crate) const WINDOW: usize = 2;
    pub(crate) const REMAINING: usize = 3;
    pub(crate) const RESET_MS: usize = 4;
    pub(crate) const LENGTH: usize = 5;
}

/// The states of a decision.
pub(crate) mod state {
    pub(crate) const ACTIVE: u32 = 0;
    pub(crate) const GRACE: u32 = 1;
    pub(crate) const OVERAGE: u32 = 2;
    pub(crate) const ADVISORY: u32 = 3;
}

/// What loading a revocation bundle answers.
pub(crate) mod loaded {
    /// It is the one in use.
    pub(crate) const UNCHANGED: u32 = 0;
    pub(crate) const WHOLE: u32 = 1;
    pub(crate) const DELTA: u32 = 2;
}

/// Lengths beyond which JavaScript does not copy a text into the module.
pub(crate) mod limit {
    /// The longest token in its text form.
    pub(crate) const TOKEN_TEXT: u32 = 5467;
    /// More than any proof, method or URI has.
    pub(crate) const PROOF_TEXT: u32 = 8192;
}
