//! Claims: what is read without a key is what is verified with one, every look-up finds what the lists show, and the
//! JSON is JSON.

#![no_main]

use libfuzzer_sys::fuzz_target;
use licentia_core::{Claims, Code, Expect, Timestamp, Unverified, inner::Typ, verify};
use licentia_fuzz::{Bound, KEY, bounded};

/// Reading and verifying need no heap. A look-up by name reads the map again: at most 64 names in 4,096 bytes.
const BOUND: Bound = Bound { heap: (0, 0), nanos: (3_000_000, 500) };

fuzz_target!(|payload: &[u8]| {
    let token = KEY.seal(Typ::License, payload);
    let keys = [KEY.public()];
    let (read, verified) = bounded(payload.len(), BOUND, || {
        let read =
            Unverified::read(&token).map(|claims| look_up(&claims)).map_err(|malformed| malformed.code);
        let now = read.map(|times: [Timestamp; 2]| times[0]).unwrap_or_default();
        (read, verify(&token, &keys, &Expect::new(), now).map(|verified| look_up(&verified.license)))
    });
    match (read, &verified) {
        (Ok(read), Ok(verified)) => assert_eq!(read, *verified),
        (Ok([issued_at, expires]), Err(denial)) => {
            assert!(!matches!(denial.code.number(), 100..=199), "{}", denial.code);
            assert!(denial.code != Code::Expired || issued_at >= expires);
        }
        (Err(code), Err(denial)) => assert_eq!(code, denial.code),
        (Err(code), Ok(_)) => panic!("{code}"),
    }
    if let Ok(claims) = Unverified::read(&token) {
        let json = claims.json().to_string();
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(json["sub"], claims.subject());
        assert_eq!(json["exp"], claims.expires().as_seconds());
    }
});

/// Asks everything that can be asked.
fn look_up(claims: &Claims<'_>) -> [Timestamp; 2] {
    for feature in claims.features() {
        assert_eq!(claims.feature(feature.name).expect("it is listed").value, feature.value);
    }
    for quota in claims.quotas() {
        assert_eq!(claims.quota(quota.meter), Some(quota));
        let window = quota.period.window(claims.issued_at());
        assert!(window.start <= claims.issued_at() && window.end.is_none_or(|end| end > claims.issued_at()));
    }
    for rate in claims.rates() {
        assert_eq!(claims.rate(rate.name), Some(rate));
    }
    let texts = [claims.issuer(), claims.subject(), claims.tier().name];
    assert!(texts.iter().all(|text| !text.is_empty()));
    assert!(claims.audiences().all(|audience| !audience.is_empty()));
    let _ = (claims.confirmation(), claims.node_locks().count(), claims.index(), claims.stream());
    let _ = (claims.lineage(), claims.id(), claims.term_end(), claims.seats(), claims.policy());
    [claims.issued_at(), claims.expires()]
}
