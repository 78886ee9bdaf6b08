//! A reseller's key can do exactly what its scope says.

use licentia_core::{
    Action, Code, Explanation, Facts, Key, KeyPurpose, Keyring, Keyset, Overage, Period, ScopeBound,
    authenticate, revocation::Bundle,
};
use licentia_issuer::{
    BundleDraft, Draft, Feature, FeatureValue, Issuer, KeyScope, KeysetDraft, KeysetEntry, Kind, Quota, Rate,
    RuleDraft, SigningKey,
};

const NOW: licentia_issuer::Timestamp = licentia_issuer::Timestamp::from_seconds(1_800_000_000);
const DAY: u64 = 86_400;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

/// What the vendor writes for the reseller.
const SCOPE: &str = r#"
    issuers = ["acme"]
    audiences = ["api"]
    tiers = ["free"]
    longest_term = "30 days"
    longest_lead = "7 days"
    seats = 5
    kinds = ["trial"]
    indices = [1000, 1999]
    streams = [2]
    features = { export = true, uploads = 10, region = ["eu", "us"] }
    quotas = { calls = { limit = 1000, per = "month", overage = 1100 } }
    rates = { api = "10/1s" }
    policy = { clock_doubt = { warn = "1 hour" }, max_revocation_age = "7 days" }
"#;

fn entry(key: &SigningKey, scope: &str) -> KeysetEntry {
    let scope: KeyScope = toml::from_str(scope).unwrap();
    KeysetEntry { scope: Some(scope), ..KeysetEntry::new(&key.public()) }
}

fn keyset(entries: Vec<KeysetEntry>) -> Vec<u8> {
    let mut draft = KeysetDraft::default();
    for entry in entries {
        draft.add(entry).unwrap();
    }
    draft.sign(&key(9), NOW, NOW + 365 * DAY).unwrap()
}

fn keys(keyset: &[u8]) -> Vec<Key> {
    Keyset::read(keyset, &key(9).public()).unwrap().keys().map(Result::unwrap).collect()
}

/// The most that the reseller may grant.
fn most() -> Draft {
    let mut draft = Draft::new("cus_1", "free", 1, NOW, NOW + 37 * DAY);
    draft.not_before = Some(NOW + 7 * DAY);
    draft.audiences = vec!["api".into()];
    draft.index = Some(1999);
    draft.stream = 2;
    let feature = |value| Feature { value, expires: None };
    let grant = &mut draft.grant;
    grant.features.insert("export".into(), feature(FeatureValue::True));
    grant.features.insert("uploads".into(), feature(FeatureValue::Int(10)));
    grant.features.insert("region".into(), feature(FeatureValue::Text("us".into())));
    let quota = Quota { limit: 1000, period: Period::Month, overage: Overage::UpTo(1100) };
    grant.quotas.insert("calls".into(), quota);
    grant.rates.insert("api".into(), Rate { count: 10, per_ms: 1000, burst: None });
    grant.seats = Some(5);
    grant.kind = Kind::Trial;
    grant.policy.clock_doubt = Action::Warn(3600);
    grant.policy.max_revocation_age = Some(7 * DAY);
    draft
}

/// A change of a draft that exceeds a bound, and which.
type Excess = (&'static str, ScopeBound, fn(&mut Draft));

const EXCESSES: &[Excess] = &[
    ("another audience", ScopeBound::Audiences, |d| d.audiences.push("admin".into())),
    ("every audience", ScopeBound::Audiences, |d| d.audiences.clear()),
    ("another tier", ScopeBound::Tiers, |d| d.tier = "enterprise".into()),
    ("a second more than the term", ScopeBound::LongestTerm, |d| d.expires = d.expires + 1),
    ("a perpetual licence", ScopeBound::LongestTerm, |d| d.expires = licentia_core::limits::TIME.into()),
    ("a second more than the lead", ScopeBound::LongestLead, |d| {
        (d.not_before, d.expires) = (Some(NOW + 7 * DAY + 1), NOW + 8 * DAY);
    }),
    ("a start in ten years", ScopeBound::LongestLead, |d| {
        (d.not_before, d.expires) = (Some(NOW + 3650 * DAY), NOW + 3660 * DAY);
    }),
    ("no start, and the term from the issue", ScopeBound::LongestTerm, |d| d.not_before = None),
    ("a feature of another tier", ScopeBound::Features, |d| feature(d, "enterprise.sso", FeatureValue::True)),
    ("a number that is too great", ScopeBound::Features, |d| feature(d, "uploads", FeatureValue::Int(11))),
    ("`true` for a number", ScopeBound::Features, |d| feature(d, "uploads", FeatureValue::True)),
    ("a text that is not listed", ScopeBound::Features, |d| {
        feature(d, "region", FeatureValue::Text("asia".into()));
    }),
    ("a number for `true`", ScopeBound::Features, |d| feature(d, "export", FeatureValue::Int(1))),
    ("a unit more", ScopeBound::Quotas, |d| quota(d, 1001, Period::Month, Overage::Deny)),
    ("a quota without end", ScopeBound::Quotas, |d| quota(d, (1 << 53) - 1, Period::Lifetime, Overage::Deny)),
    ("a shorter period", ScopeBound::Quotas, |d| quota(d, 1000, Period::Week, Overage::Deny)),
    ("a fixed period of 30 days", ScopeBound::Quotas, |d| {
        quota(d, 1000, Period::Fixed { seconds: 30 * DAY, anchor: 0.into() }, Overage::Deny);
    }),
    ("a higher hard limit", ScopeBound::Quotas, |d| quota(d, 1000, Period::Month, Overage::UpTo(1101))),
    ("overage without end", ScopeBound::Quotas, |d| quota(d, 1000, Period::Month, Overage::Unlimited)),
    ("another meter", ScopeBound::Quotas, |d| {
        let quota = d.grant.quotas["calls"];
        d.grant.quotas.insert("mails".into(), quota);
    }),
    ("a faster rate", ScopeBound::Rates, |d| {
        rate(d, "api", Rate { count: 11, per_ms: 1000, burst: Some(10) });
    }),
    ("a shorter interval", ScopeBound::Rates, |d| {
        rate(d, "api", Rate { count: 10, per_ms: 999, burst: None });
    }),
    ("a greater burst", ScopeBound::Rates, |d| {
        rate(d, "api", Rate { count: 10, per_ms: 1000, burst: Some(11) });
    }),
    ("another rate", ScopeBound::Rates, |d| rate(d, "web", Rate { count: 1, per_ms: 1000, burst: None })),
    ("a seat more", ScopeBound::Seats, |d| d.grant.seats = Some(6)),
    ("another kind", ScopeBound::Kinds, |d| d.grant.kind = Kind::Paid),
    ("a doubt that is allowed", ScopeBound::Policy, |d| d.grant.policy.clock_doubt = Action::Allow),
    ("a longer warning", ScopeBound::Policy, |d| d.grant.policy.clock_doubt = Action::Warn(3601)),
    ("another doubt that is allowed", ScopeBound::Policy, |d| {
        d.grant.policy.stale_revocation = Action::Allow;
    }),
    ("counters that may be out of reach", ScopeBound::Policy, |d| {
        d.grant.policy.store_unreachable = Action::Warn(1);
    }),
    ("a greater age", ScopeBound::Policy, |d| d.grant.policy.max_revocation_age = Some(7 * DAY + 1)),
    ("any age", ScopeBound::Policy, |d| d.grant.policy.max_revocation_age = None),
    ("an index before the first", ScopeBound::Indices, |d| d.index = Some(999)),
    ("an index after the last", ScopeBound::Indices, |d| d.index = Some(2000)),
    ("no index", ScopeBound::Indices, |d| d.index = None),
    ("another stream", ScopeBound::Streams, |d| d.stream = 3),
    ("the first stream", ScopeBound::Streams, |d| d.stream = 0),
];

fn feature(draft: &mut Draft, name: &str, value: FeatureValue) {
    draft.grant.features.insert(name.into(), Feature { value, expires: None });
}

fn quota(draft: &mut Draft, limit: u64, period: Period, overage: Overage) {
    draft.grant.quotas.insert("calls".into(), Quota { limit, period, overage });
}

fn rate(draft: &mut Draft, name: &str, rate: Rate) {
    draft.grant.rates.insert(name.into(), rate);
}

#[test]
fn a_resellers_key_can_do_what_its_scope_says_and_no_more() {
    let (vendor, reseller) = (Issuer::new("acme", key(1)), Issuer::new("acme", key(2)));
    let bytes = keyset(vec![KeysetEntry::new(&key(1).public()), entry(&key(2), SCOPE)]);
    assert_eq!(Keyset::read(&bytes, &key(9).public()).unwrap().schema(), 2);
    let keys = keys(&bytes);
    let verdict = |issuer: &Issuer, draft: &Draft| {
        let token = issuer.issue(draft).unwrap();
        let keyring = Keyring::of_keyset(&keys, &bytes);
        authenticate(token.as_bytes(), keyring, &mut Explanation::default()).map(drop)
    };
    assert_eq!(verdict(&reseller, &most()), Ok(()), "the most that is permitted");
    let bare = Draft { not_before: None, ..Draft::new("cus_1", "free", 1, NOW, NOW + 30 * DAY) };
    let mut bare = Draft { audiences: vec!["api".into()], index: Some(1000), stream: 2, ..bare };
    bare.grant.kind = Kind::Trial;
    bare.grant.policy.max_revocation_age = Some(0);
    assert_eq!(verdict(&reseller, &bare), Ok(()), "nothing is granted");
    for (what, bound, change) in EXCESSES {
        let mut draft = most();
        change(&mut draft);
        let token = reseller.issue(&draft).unwrap();
        let mut explanation = Explanation::default();
        let refused =
            authenticate(token.as_bytes(), Keyring::of_keyset(&keys, &bytes), &mut explanation).map(drop);
        assert_eq!(refused, Err(Code::KeyOutOfScope), "{what}");
        assert_eq!(
            explanation.steps().last().unwrap().facts,
            Facts::Scope { bound: *bound },
            "{what}: the bound is named"
        );
        assert_eq!(verdict(&reseller, &draft), Err(Code::KeyOutOfScope), "{what}");
        assert_eq!(verdict(&vendor, &draft), Ok(()), "{what}, by the vendor");
    }
    let other = Issuer::new("other", key(2));
    assert_eq!(verdict(&other, &most()), Err(Code::KeyOutOfScope), "another issuer");
    // The same by the function that takes keys and no keyring of its own.
    let mut draft = most();
    draft.tier = "enterprise".into();
    let token = reseller.issue(&draft).unwrap();
    let verified = licentia_core::verify(
        token.as_bytes(),
        Keyring::of_keyset(&keys, &bytes),
        &licentia_core::Expect::new(),
        NOW,
    );
    assert_eq!(verified.map(drop).map_err(|denial| denial.code), Err(Code::KeyOutOfScope));
}

#[test]
fn a_revocation_key_of_a_stream_revokes_in_no_other() {
    let signs = |scope: &str, stream: u64, rules: Vec<RuleDraft>| {
        let bytes = keyset(vec![KeysetEntry { purpose: KeyPurpose::Revocation, ..entry(&key(5), scope) }]);
        let draft = BundleDraft {
            issuer: "acme".into(),
            stream,
            sequence: 1,
            issued_at: NOW,
            next_update: NOW + DAY,
            expires: NOW + 2 * DAY,
            rules,
            ..BundleDraft::default()
        };
        let signed = draft.sign(&key(5)).unwrap();
        let keys = keys(&bytes);
        Bundle::read(&signed, Keyring::of_keyset(&keys, &bytes)).map(|(bundle, _)| bundle.stream())
    };
    let rule = || vec![RuleDraft { subject: Some("cus_1".into()), ..RuleDraft::default() }];
    assert_eq!(signs("streams = [2]", 2, vec![]), Ok(2));
    assert_eq!(signs("streams = [2]", 0, vec![]), Err(Code::BundleUntrusted), "another stream");
    assert_eq!(
        signs("streams = [2]", 2, rule()),
        Err(Code::BundleUntrusted),
        "a rule is for the whole issuer"
    );
    assert_eq!(signs("issuers = [\"acme\"]", 2, rule()), Ok(2));
    assert_eq!(signs("seats = 9", 2, vec![]), Err(Code::BundleUntrusted), "a limit of licences");
}

#[test]
fn a_keyset_is_of_the_first_schema_while_that_says_everything() {
    let schema = |scope: &str| {
        let bytes = keyset(vec![KeysetEntry::new(&key(1).public()), entry(&key(2), scope)]);
        Keyset::read(&bytes, &key(9).public()).unwrap().schema()
    };
    assert_eq!(schema("tiers = [\"free\"]\nlongest_term = \"30 days\""), 1);
    assert_eq!(schema("longest_lead = \"1 day\""), 2);
    assert_eq!(schema("features = {}"), 2);
    let many = |count: u8| {
        let entries = (10..10 + count).map(|seed| KeysetEntry {
            not_before: Some("2027-01-01".into()),
            not_after: Some("2028-01-01".into()),
            ..entry(&key(seed), "tiers = [\"free\"]\nissuers = [\"acme\"]")
        });
        let bytes = keyset(entries.collect());
        let keyset = Keyset::read(&bytes, &key(9).public()).unwrap();
        (keyset.schema(), keyset.keys().count())
    };
    assert_eq!(many(33), (1, 33));
    assert_eq!(many(64), (2, 64), "more than schema 1 has room for");
}

#[test]
fn nobody_chooses_an_identifier() {
    let mut draft = KeysetDraft::default();
    draft.add(KeysetEntry::new(&key(1).public())).unwrap();
    let chosen = |kid: &[u8], seed: u8| Key::ed25519(kid, key(seed).public().public().as_bytes()).unwrap();
    let vendors = key(1).kid().as_bytes().to_vec();
    let refused =
        |draft: &mut KeysetDraft, key: &Key| draft.add(KeysetEntry::new(key)).unwrap_err().to_string();
    assert!(refused(&mut draft, &chosen(&vendors, 2)).contains("another key of the keyset"));
    assert!(refused(&mut draft, &chosen(b"mine", 2)).contains("chosen by somebody"));
    assert!(refused(&mut draft, &chosen(&key(2).kid().as_bytes()[..3], 2)).contains("chosen by somebody"));
    assert!(
        refused(&mut draft, &chosen(&[&vendors[..], &[0]].concat(), 1)).contains("already in the keyset")
    );
    assert_eq!(draft.keys.len(), 1, "what is refused is not added");
    let longer = key(2).with_kid_length(12).unwrap();
    draft.add(KeysetEntry::new(&longer.public())).unwrap();
    assert!(key(2).with_kid_length(3).is_err() && key(2).with_kid_length(33).is_err());
    // A draft may be written by hand.
    draft.keys.push(KeysetEntry::new(&chosen(b"mine", 3)));
    assert!(draft.sign(&key(9), NOW, NOW + DAY).is_err());
    draft.keys.pop();
    draft.keys.push(KeysetEntry::new(&chosen(&vendors, 3)));
    let ambiguous = key(1).kid().to_string();
    assert!(draft.entry(&ambiguous).unwrap_err().to_string().contains("another key of the keyset"));
    draft.keys.pop();
    draft.sign(&key(9), NOW, NOW + DAY).unwrap();
}
