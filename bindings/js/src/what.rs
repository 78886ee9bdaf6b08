//! What JavaScript asks for, by number: `ts/raw.ts` has the same.

// Of a verifier.
pub(crate) const VERIFY: u32 = 0;
pub(crate) const INSPECT: u32 = 1;

#[cfg(feature = "gate")]
pub(crate) use gate::*;

#[cfg(feature = "gate")]
mod gate {
    // What needs no gate.
    pub(crate) const CODES: u32 = 2;
    pub(crate) const DECODE_LICENSE: u32 = 3;
    pub(crate) const ENCODE_LICENSE: u32 = 4;
    pub(crate) const READ_KEY: u32 = 5;
    pub(crate) const WINDOW: u32 = 6;
    pub(crate) const PROVE: u32 = 7;
    pub(crate) const HOLDER_KEY: u32 = 8;
    pub(crate) const HTTP_STATUS: u32 = 9;
    pub(crate) const HTTP_FIELDS: u32 = 10;
    pub(crate) const BEARER: u32 = 11;
    pub(crate) const PROOF_FIELD: u32 = 12;
    pub(crate) const BUNDLE_MARK: u32 = 13;

    // Of the gate, and all that follows.
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
    pub(crate) const CHANGED: u32 = 30;
    pub(crate) const MARK: u32 = 31;
    pub(crate) const SET_MARK: u32 = 32;
}
