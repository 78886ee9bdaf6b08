//! Licences, keysets and counters in memory of the caller: what they say, and that junk in their place is refused.

use std::ptr;

use licentia_bare::{
    BareKey, BareRequest, BareText, BareVerdict,
    counters::{
        BareCharge, BareCharged, BareCounters, BareMoment, LICENTIA_BARE_COUNTER,
        LICENTIA_BARE_COUNTERS_HEAD, licentia_bare_counters_charge, licentia_bare_counters_give_back,
        licentia_bare_counters_open, licentia_bare_counters_place,
    },
    feature::{BareFeature, BareLicense, licentia_bare_license_feature},
    trust::{BareBundle, BareKeyset, BareMark, BareTrust, licentia_bare_check, licentia_bare_keyset_open},
};
use licentia_core::{Code, Key, text};
use licentia_vectors::Step;

const OK: u32 = 1;
const ABSENT: u32 = 2;
const ARGUMENT: u32 = Code::InvalidArgument as u32;
const NOW: u64 = 1_800_000_000;
const NO_TEXT: BareText = BareText { data: ptr::null(), len: 0 };
const NOBODY: BareLicense = BareLicense { private_words: [0; 64] };

fn text(text: &str) -> BareText {
    BareText { data: text.as_ptr().cast(), len: text.len() }
}

fn decode(token: &str) -> Vec<u8> {
    let mut space = vec![0; 4096];
    text::decode_license_into(token, &mut space).expect("a token of the vectors").to_vec()
}

/// Checks a token with one key, and keeps the licence.
fn check(token: &[u8], key: &Key, license: &mut BareLicense) -> (u32, u32) {
    let (kid, public) = (key.kid().as_bytes(), key.public().as_bytes());
    let keys = [BareKey { kid: kid.as_ptr(), kid_len: kid.len(), public_key: public.as_ptr() }];
    let trust = BareTrust {
        keys: keys.as_ptr(),
        keys_len: 1,
        keyset: ptr::null(),
        bundle: ptr::null(),
        require_revocations: 0,
        reserved: 0,
    };
    let request = BareRequest {
        now: NOW,
        skew: 60,
        release: u64::MAX,
        issuer: NO_TEXT,
        audience: NO_TEXT,
        features: ptr::null(),
        features_len: 0,
        node: ptr::null(),
        proof: ptr::null(),
    };
    let mut verdict = BareVerdict {
        code: 0,
        state: 0,
        authentic: 0,
        reserved: 0,
        expires: 0,
        tier_version: 0,
        tier: NO_TEXT,
        subject: NO_TEXT,
        lineage: [0; 16],
    };
    // SAFETY: all pointers are of what is lent.
    let status = unsafe {
        licentia_bare_check(
            &raw const trust,
            token.as_ptr(),
            token.len(),
            &raw const request,
            &raw mut verdict,
            license,
        )
    };
    (status, verdict.code)
}

/// The vectors' token with a quota of 3 calls a day, and its key.
fn counted() -> (Vec<u8>, Key) {
    let file = licentia_vectors::gate();
    let mut tests = file.test_groups.iter().flat_map(|group| &group.tests);
    let test = tests.find(|test| test.comment == "just the limit").expect("a test of a quota");
    let token = test.steps.iter().find_map(|step| match step {
        Step::Check { token, .. } => Some(decode(token)),
        _ => None,
    });
    (token.expect("a check"), Key::from_text(&test.keys[0]).expect("a good key"))
}

#[test]
fn features_have_the_values_of_the_vectors() {
    let (mut found, file) = (0, licentia_vectors::license());
    for group in file.test_groups.iter().filter(|group| group.keys.len() == 1) {
        for test in &group.tests {
            let (Some(token), Some(claims)) = (&test.token, &test.claims) else { continue };
            let Some(features) = claims["features"].as_object() else { continue };
            let (token, key) = (decode(token), Key::from_text(&group.keys[0]).expect("a good key"));
            let mut license = NOBODY;
            if check(&token, &key, &mut license) != (OK, 0) {
                continue;
            }
            for (name, value) in features {
                let mut feature = BareFeature { kind: 9, ended: 9, number: 9, expires: 9, text: NO_TEXT };
                // SAFETY: all pointers are of what is lent.
                let status = unsafe {
                    licentia_bare_license_feature(&raw const license, text(name), NOW, &raw mut feature)
                };
                assert_eq!(status, OK, "{name}");
                let plain = value.get("value").unwrap_or(value);
                let (kind, number) = match plain {
                    serde_json::Value::Bool(_) => (1, 0),
                    serde_json::Value::Number(number) => (2, number.as_i64().expect("a number")),
                    _ => (3, 0),
                };
                assert_eq!((feature.kind, feature.number), (kind, number), "{} {name}", test.tc_id);
                if let Some(expected) = plain.as_str() {
                    // SAFETY: it points into the token.
                    let bytes = unsafe {
                        std::slice::from_raw_parts(feature.text.data.cast::<u8>(), feature.text.len)
                    };
                    assert_eq!(bytes, expected.as_bytes());
                }
                found += 1;
            }
            let mut feature = BareFeature { kind: 9, ended: 9, number: 9, expires: 9, text: NO_TEXT };
            // SAFETY: all pointers are of what is lent.
            let status = unsafe {
                licentia_bare_license_feature(&raw const license, text("no.such"), NOW, &raw mut feature)
            };
            assert_eq!((status, feature.kind), (ABSENT, 0));
        }
    }
    assert!(found > 50, "{found}");
}

#[test]
fn a_block_counts_and_is_refused_when_others_change_it() {
    let (token, key) = counted();
    let mut license = NOBODY;
    assert_eq!(check(&token, &key, &mut license), (OK, 0));
    let mut block = [0; LICENTIA_BARE_COUNTERS_HEAD + LICENTIA_BARE_COUNTER];
    let counters = BareCounters { bytes: block.as_mut_ptr(), len: block.len() };
    let moment = BareMoment { now_nanos: NOW * 1_000_000_000, mark: NOW };
    let charge = |license: &BareLicense, cost| {
        let charges = [BareCharge { name: text("calls"), is_rate: 0, reserved: 0, cost }];
        let mut outcome =
            BareCharged { code: 9, changed: 9, overage: 9, reserved: 9, remaining: 9, retry_after: 9 };
        // SAFETY: all pointers are of what is lent.
        let status = unsafe {
            licentia_bare_counters_charge(counters, license, charges.as_ptr(), 1, moment, &raw mut outcome)
        };
        (status, outcome.code, outcome.changed, outcome.remaining)
    };
    assert_eq!(charge(&license, 1).0, ARGUMENT, "nothing was opened");
    // SAFETY: all pointers are of what is lent.
    unsafe {
        assert_eq!(licentia_bare_counters_open(ptr::null(), 0, ptr::null(), 0, counters), OK);
        assert_eq!(charge(&license, 2), (OK, 0, 1, 1));
        assert_eq!(charge(&NOBODY, 1), (ARGUMENT, ARGUMENT, 0, 0), "no licence");
        let (mut place, mut changed) = (9, 9);
        assert_eq!((licentia_bare_counters_place(counters, &raw mut place), place), (OK, 1));
        let back = licentia_bare_counters_give_back(
            counters,
            &raw const license,
            text("calls"),
            1,
            moment,
            &raw mut changed,
        );
        assert_eq!((back, changed), (OK, 1));
        assert_eq!(charge(&license, 2), (OK, 0, 1, 0));
        assert_eq!(charge(&license, 1).1, Code::QuotaExceeded as u32);
        let here = counters.bytes.cast_const();
        assert_eq!(
            licentia_bare_counters_open(here, counters.len, ptr::null(), 0, counters),
            ARGUMENT,
            "overlap"
        );
        *counters.bytes.add(30) ^= 1;
    }
    assert_eq!(charge(&license, 0).0, ARGUMENT, "it was changed");
}

#[test]
fn memory_that_holds_nothing_is_no_keyset_bundle_or_license() {
    let (token, key) = counted();
    let mut license = BareLicense { private_words: [7; 64] };
    let mut feature = BareFeature { kind: 9, ended: 9, number: 9, expires: 9, text: NO_TEXT };
    // SAFETY: all pointers are of what is lent.
    unsafe {
        for junk in [ptr::null(), &raw const license] {
            assert_eq!(licentia_bare_license_feature(junk, text("export"), NOW, &raw mut feature), ARGUMENT);
        }
        let mut verdict: BareVerdict = std::mem::zeroed();
        let request = BareRequest { skew: 60, release: u64::MAX, now: NOW, ..std::mem::zeroed() };
        let (keyset, bundle) = (BareKeyset { private_words: [7; 16] }, BareBundle { private_words: [7; 32] });
        for trust in [
            BareTrust { keyset: &raw const keyset, ..std::mem::zeroed() },
            BareTrust { bundle: &raw const bundle, ..std::mem::zeroed() },
            BareTrust { keys_len: 5, ..std::mem::zeroed() },
        ] {
            let status = licentia_bare_check(
                &raw const trust,
                token.as_ptr(),
                token.len(),
                &raw const request,
                &raw mut verdict,
                &raw mut license,
            );
            assert_eq!((status, verdict.code, license.private_words[0]), (ARGUMENT, ARGUMENT, 0));
        }
        // A licence that is refused leaves the memory empty.
        let mut other = NOBODY;
        assert_eq!(check(&token, &key, &mut other), (OK, 0));
        assert_ne!(other.private_words[0], 0);
        assert_eq!(check(&token[1..], &key, &mut other).0, OK);
        assert_eq!(other.private_words[0], 0);
        let (mut opened, mut mark) = (BareKeyset { private_words: [7; 16] }, std::mem::zeroed::<BareMark>());
        let (kid, public) = (key.kid().as_bytes(), key.public().as_bytes());
        let root = BareKey { kid: kid.as_ptr(), kid_len: kid.len(), public_key: public.as_ptr() };
        let status = licentia_bare_keyset_open(
            &raw const root,
            token.as_ptr(),
            token.len(),
            ptr::null(),
            &raw mut opened,
            &raw mut mark,
        );
        assert_eq!((status, opened.private_words[0]), (Code::WrongTyp as u32, 0), "a licence is no keyset");
    }
}
