//! A vendor with a key, and licences as the tests need them.
#![allow(dead_code, unreachable_pub, reason = "each suite uses a part of it")]

use licentia::{Gate, GateBuilder};
use licentia_issuer::{Draft, Feature, FeatureValue, Issuer, KeysetDraft, KeysetEntry, SigningKey};

/// What a gate said when it loaded something, by its code.
#[allow(dead_code, reason = "not every test loads")]
pub fn loaded(result: Result<bool, licentia::LoadError>) -> Result<bool, licentia::Code> {
    result.map_err(|error| error.code())
}

/// The server that tests of Redis start: `LICENTIA_SERVER` may name another program that speaks its protocol.
pub fn server_program() -> std::ffi::OsString {
    std::env::var_os("LICENTIA_SERVER").unwrap_or_else(|| "redis-server".into())
}

/// The time of the tests: 2027-01-15T08:00:00Z.
pub const NOW: licentia::Timestamp = licentia::Timestamp::from_seconds(1_800_000_000);
pub const DAY: u64 = 86_400;
pub const YEAR: u64 = 365 * DAY;

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

pub fn issuer(seed: u8) -> Issuer {
    Issuer::new("acme", key(seed))
}

/// A licence of a year with a feature, a quota of 100 a day and a rate of 10 a second.
pub fn draft() -> Draft {
    let mut draft = Draft::new("customer-42", "pro", 3, NOW - DAY, NOW + YEAR);
    draft.grant.features.insert("export".into(), Feature { value: FeatureValue::True, expires: None });
    draft.grant.quotas.insert("calls".into(), "100/day".parse().unwrap());
    draft.grant.quotas.insert("mails".into(), "5/day".parse().unwrap());
    draft.grant.rates.insert("api".into(), "10/1s".parse().unwrap());
    draft
}

pub fn licence(change: impl FnOnce(&mut Draft)) -> String {
    let mut draft = draft();
    change(&mut draft);
    issuer(1).issue(&draft).unwrap().text()
}

pub fn builder() -> GateBuilder {
    GateBuilder::new().key(key(1).public())
}

pub fn gate() -> Gate {
    builder().build().unwrap()
}

/// A keyset with the public keys of these seeds, signed by the root key of seed 9.
pub fn keyset(seeds: &[u8]) -> KeysetDraft {
    let mut draft = KeysetDraft::default();
    for seed in seeds {
        draft.add(KeysetEntry::new(&key(*seed).public())).unwrap();
    }
    draft
}

pub fn sign(draft: &mut KeysetDraft) -> Vec<u8> {
    draft.sign(&key(9), NOW - DAY, NOW + YEAR).unwrap()
}
