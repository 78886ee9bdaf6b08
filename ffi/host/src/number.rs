//! Numbers that the module and its hosts agree on. Every line is a comment, a module or a constant: the hosts' tables
//! are made from this file.

/// Operations.
pub mod operation {
    /// Mixes 32 random bytes into the module's own: call it first, with bytes of the host's secure source.
    pub const SEED: u32 = 0;

    // Need no gate.
    /// The table of codes as JSON.
    pub const CODES: u32 = 1;
    /// Bytes of a licence's text form.
    pub const DECODE_LICENSE: u32 = 2;
    /// Text form of a licence's bytes.
    pub const ENCODE_LICENSE: u32 = 3;
    /// Key identifier and bytes of a public key's text form.
    pub const READ_KEY: u32 = 4;
    /// Start and end of the period that contains a time.
    pub const PERIOD_WINDOW: u32 = 5;
    /// Verifies a token against a request, with keys: nothing is counted or remembered.
    pub const VERIFY: u32 = 6;
    /// Claims of a token as JSON; its signature is not checked.
    pub const INSPECT: u32 = 7;
    /// A proof of possession.
    pub const PROVE: u32 = 8;
    /// Public key and thumbprint of a holder's seed.
    pub const HOLDER_KEY: u32 = 9;
    /// Token of an `Authorization` field.
    pub const BEARER: u32 = 10;
    /// Name of the mark that a bundle's issuer has.
    pub const BUNDLE_MARK: u32 = 11;
    /// Lineage of a token, which may be a forged one.
    pub const LINEAGE: u32 = 12;

    // Use the gate of the instance.
    /// Builds the gate.
    pub const BUILD: u32 = 20;
    /// Decides on a request.
    pub const CHECK: u32 = 21;
    /// Decides, and reserves what the meters may cost.
    pub const RESERVE: u32 = 22;
    /// Decides, and takes a seat.
    pub const SEAT: u32 = 23;
    /// Loads a keyset.
    pub const LOAD_KEYSET: u32 = 24;
    /// Loads a revocation bundle or delta.
    pub const LOAD_REVOCATION: u32 = 25;
    /// Commits a reservation.
    pub const COMMIT: u32 = 26;
    /// Takes a reservation back.
    pub const CANCEL_RESERVATION: u32 = 27;
    /// Gives a decision up that waits for the store.
    pub const CANCEL: u32 = 28;
    /// Gives back what was taken ahead.
    pub const SETTLE: u32 = 29;
    /// The bundle in use for an issuer.
    pub const BUNDLE_IN_USE: u32 = 30;

    // The store, which the host asks.
    /// Questions that came up.
    pub const QUESTIONS: u32 = 40;
    /// Brings answers, and returns decisions that were waiting for them.
    pub const ANSWERS: u32 = 41;
    /// The question that a seat needs answered.
    pub const ASK_SEAT: u32 = 42;
    /// Brings the answer to it.
    pub const BRING_SEAT: u32 = 43;
    /// Marks that changed.
    pub const CHANGED_MARKS: u32 = 44;
    /// Sets a mark.
    pub const BRING_MARK: u32 = 45;

    // The store in the module's memory.
    /// Does one operation of a store.
    pub const STORE: u32 = 50;
}

/// Bits of a gate's flags: which parts follow, in this order.
pub mod gate_flag {
    /// Refused requests are allowed, and flagged.
    pub const ADVISORY: u32 = 1;
    /// A text.
    pub const ISSUER: u32 = 2;
    /// A text.
    pub const AUDIENCE: u32 = 4;
    /// The root key's text, and the keyset's bytes.
    pub const KEYSET: u32 = 8;
    /// A licence without a fresh bundle is refused.
    pub const REQUIRE_REVOCATION: u32 = 16;
    /// Seconds.
    pub const SKEW: u32 = 32;
    /// Seconds.
    pub const PROOF_AGE: u32 = 64;
    /// Proofs.
    pub const REPLAY_CAPACITY: u32 = 128;
    /// Tokens.
    pub const CACHE_CAPACITY: u32 = 256;
    /// Bytes.
    pub const KEY_TABLE_BYTES: u32 = 512;
    /// 32 bytes.
    pub const NONCE_SECRET: u32 = 1024;
    /// Proofs without a nonce of the service are refused.
    pub const REQUIRE_PROOF_NONCE: u32 = 2048;
    /// The host asks the store; else it is in the module's memory.
    pub const HOSTED: u32 = 4096;
    /// Rates are counted in the store.
    pub const SHARE_RATES: u32 = 8192;
    /// Units are taken only when a request needs them.
    pub const NO_PREFETCH: u32 = 16384;
}

/// Bits of a request's flags: which parts follow, in this order.
pub mod request_flag {
    /// A text.
    pub const AUDIENCE: u32 = 1;
    /// A text.
    pub const JOB: u32 = 2;
    /// 32 bytes.
    pub const NODE: u32 = 4;
    /// Seconds since 1970.
    pub const RELEASE: u32 = 8;
    /// Bytes of the proof, method, and URI.
    pub const PROOF: u32 = 16;
    /// SHA-256 of the body.
    pub const BODY: u32 = 32;
    /// The proof's bytes are base64url, as the header field has them.
    pub const PROOF_TEXT: u32 = 64;
    /// The answer has the explanation also of a plain yes.
    pub const EXPLAIN: u32 = 128;
    /// The answer has header fields and the body of a refusal.
    pub const HTTP: u32 = 256;
}

/// Bits of a decision.
pub mod decision_bit {
    /// The request may proceed.
    pub const ALLOWED: u32 = 1;
    /// The signature is good, and the licence's claims follow.
    pub const LICENSED: u32 = 2;
    /// The explanation follows.
    pub const EXPLAINED: u32 = 4;
    /// The header fields follow.
    pub const HTTP: u32 = 8;
}

/// Kinds of operations of a store.
pub mod question {
    /// Takes units.
    pub const TAKE: u32 = 1;
    /// Gives units back.
    pub const GIVE_BACK: u32 = 2;
    /// Says what became of a turn.
    pub const RESOLVE: u32 = 3;
    /// Charges a job.
    pub const CHARGE_JOB: u32 = 4;
    /// Ends a job.
    pub const FINISH_JOB: u32 = 5;
    /// Takes a slice of a rate.
    pub const RATE: u32 = 6;
    /// Takes a seat.
    pub const SEAT: u32 = 7;
    /// Gives a seat back.
    pub const RELEASE_SEAT: u32 = 8;
}

/// Kinds of a store's answers.
pub mod answer {
    /// The operation failed.
    pub const FAILED: u32 = 0;
    /// To a take.
    pub const TAKEN: u32 = 1;
    /// To giving back, and to releasing a seat.
    pub const DONE: u32 = 2;
    /// To resolving.
    pub const BECAME: u32 = 3;
    /// To charging a job.
    pub const CHARGED: u32 = 4;
    /// To ending a job.
    pub const FINISHED: u32 = 5;
    /// To a slice of a rate.
    pub const RATE: u32 = 6;
    /// To a seat.
    pub const SEATS: u32 = 7;
}
