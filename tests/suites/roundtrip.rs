//! What an issuer puts into a licence comes out of core's getters, and texts stand for their bytes.

use std::{cell::Cell, collections::BTreeMap};

use ciborium::Value;
use licentia_core::{
    Action, Buffer, Code, Confirmation, Expect, Explanation, FeatureValue, Keyring, License, Overage, Period,
    Timestamp, authenticate, text, verify,
};
use licentia_tests::{Issuer, report};
use proptest::{
    array, collection, option,
    prelude::*,
    test_runner::{TestCaseError, TestRunner},
};

const INTEGER: u64 = (1 << 53) - 1;
const TIME: u64 = 253_402_300_799;

/// Claims in plain Rust, of which every part is random.
#[derive(Clone, Debug)]
struct Terms {
    issuer: String,
    subject: String,
    audiences: Vec<String>,
    times: (u64, Option<u64>, u64),
    id: [u8; 16],
    confirmation: Option<(bool, [u8; 32])>,
    tier: (String, u64),
    features: BTreeMap<String, (Feature, Option<u64>)>,
    quotas: BTreeMap<String, (u64, Period, Overage)>,
    rates: BTreeMap<String, (u64, u64, Option<u64>)>,
    policy: ([Option<Action>; 3], Option<u64>),
    node_locks: Vec<[u8; 32]>,
    meta: BTreeMap<String, String>,
    numbers: [Option<u64>; 4],
    kind: Option<u8>,
    lineage: Option<[u8; 16]>,
}

#[derive(Clone, Debug)]
enum Feature {
    True,
    Int(i64),
    Text(String),
}

fn a_text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| {
        let mut text = if text.is_empty() { "x".to_owned() } else { text };
        while text.len() > 256 {
            text.pop();
        }
        text
    })
}

fn a_name() -> impl Strategy<Value = String> {
    "[a-z0-9._:-]{1,64}"
}

/// Integers of every width, with the bounds more often than chance would have them.
fn up_to(most: u64) -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(most),
        0..=most,
        (0_u32..53).prop_map(move |bits| (1 << bits).min(most)),
        0_u64..300
    ]
}

fn from_one() -> impl Strategy<Value = u64> {
    up_to(INTEGER).prop_map(|number| number.max(1))
}

fn a_feature() -> impl Strategy<Value = (Feature, Option<u64>)> {
    let value = prop_oneof![
        Just(Feature::True),
        up_to(INTEGER).prop_map(|number| Feature::Int(number.cast_signed())),
        up_to(INTEGER).prop_map(|number| Feature::Int(-number.cast_signed())),
        a_text().prop_map(Feature::Text),
    ];
    (value, option::of(up_to(TIME)))
}

fn a_period() -> impl Strategy<Value = Period> {
    prop_oneof![
        Just(Period::Lifetime),
        Just(Period::Minute),
        Just(Period::Hour),
        Just(Period::Day),
        Just(Period::Week),
        Just(Period::Month),
        Just(Period::Year),
        (from_one(), up_to(TIME))
            .prop_map(|(seconds, anchor)| Period::Fixed { seconds, anchor: anchor.into() }),
        up_to(TIME).prop_map(|anchor| Period::MonthFrom { anchor: anchor.into() }),
        up_to(TIME).prop_map(|anchor| Period::YearFrom { anchor: anchor.into() }),
    ]
}

fn a_quota() -> impl Strategy<Value = (u64, Period, Overage)> {
    (up_to(INTEGER), a_period(), 0_u8..3, up_to(INTEGER)).prop_map(|(limit, period, overage, hard)| {
        let overage = match overage {
            0 => Overage::Deny,
            1 => Overage::UpTo(hard.max(limit)),
            _ => Overage::Unlimited,
        };
        (limit, period, overage)
    })
}

fn an_action() -> impl Strategy<Value = Action> {
    prop_oneof![Just(Action::Deny), Just(Action::Allow), up_to(INTEGER).prop_map(Action::Warn)]
}

fn terms() -> impl Strategy<Value = Terms> {
    let who = (a_text(), a_text(), collection::vec(a_text(), 0..=4));
    let times = (up_to(TIME), option::of(up_to(TIME)), up_to(TIME));
    let holder = (any::<[u8; 16]>(), option::of((any::<bool>(), any::<[u8; 32]>())));
    let sold = (
        (a_name(), up_to(INTEGER)),
        collection::btree_map(a_name(), a_feature(), 0..=6),
        collection::btree_map(a_name(), a_quota(), 0..=4),
        collection::btree_map(a_name(), (from_one(), from_one(), option::of(from_one())), 0..=4),
    );
    let policy = (array::uniform3(option::of(an_action())), option::of(up_to(INTEGER)));
    let more = (
        collection::vec(any::<[u8; 32]>(), 0..=3),
        collection::btree_map(a_text(), a_text(), 0..=2),
        // Both of the first two are times, and the other two are numbers.
        (
            option::of(up_to(TIME)),
            option::of(up_to(TIME)),
            option::of(up_to(INTEGER)),
            option::of(up_to(INTEGER)),
        ),
        option::of(0_u8..4),
        option::of(any::<[u8; 16]>()),
    );
    (who, times, holder, sold, policy, more).prop_map(|(who, times, holder, sold, policy, more)| Terms {
        issuer: who.0,
        subject: who.1,
        audiences: who.2,
        times,
        id: holder.0,
        confirmation: holder.1,
        tier: sold.0,
        features: sold.1,
        quotas: sold.2,
        rates: sold.3,
        policy,
        node_locks: more.0,
        meta: more.1,
        numbers: [more.2.0, more.2.1, more.2.2, more.2.3],
        kind: more.3,
        lineage: more.4,
    })
}

fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.to_vec())
}

/// A map with what is there.
fn map(entries: Vec<(i64, Option<Value>)>) -> Value {
    Value::Map(entries.into_iter().filter_map(|(key, value)| Some((key.into(), value?))).collect())
}

/// A map by name, or nothing where there are no entries.
fn named<T>(entries: &BTreeMap<String, T>, value: impl Fn(&T) -> Value) -> Option<Value> {
    let entries = entries.iter().map(|(name, entry)| (name.as_str().into(), value(entry)));
    (entries.len() > 0).then(|| Value::Map(entries.collect()))
}

fn feature_value(feature: &(Feature, Option<u64>)) -> Value {
    let value = match &feature.0 {
        Feature::True => true.into(),
        Feature::Int(number) => (*number).into(),
        Feature::Text(text) => text.as_str().into(),
    };
    match feature.1 {
        Some(expires) => Value::Array(vec![value, expires.into()]),
        None => value,
    }
}

fn quota_value(&(limit, period, overage): &(u64, Period, Overage)) -> Value {
    let pair = |unit: i64, anchor: u64| Value::Array(vec![unit.into(), anchor.into()]);
    let period = match period {
        Period::Lifetime => 0.into(),
        Period::Minute => 1.into(),
        Period::Hour => 2.into(),
        Period::Day => 3.into(),
        Period::Week => 4.into(),
        Period::Month => 5.into(),
        Period::Year => 6.into(),
        Period::Fixed { seconds, anchor } => pair(seconds.cast_signed(), anchor.as_seconds()),
        Period::MonthFrom { anchor } => pair(-5, anchor.as_seconds()),
        Period::YearFrom { anchor } => pair(-6, anchor.as_seconds()),
        _ => unreachable!("no other period is made here"),
    };
    let mut items = vec![limit.into(), period];
    match overage {
        Overage::UpTo(hard) => items.push(pair(1, hard)),
        Overage::Unlimited => items.push(2.into()),
        _ => {}
    }
    Value::Array(items)
}

fn rate_value(&(count, per_ms, burst): &(u64, u64, Option<u64>)) -> Value {
    Value::Array([Some(count), Some(per_ms), burst].into_iter().flatten().map(Value::from).collect())
}

fn action_value(action: Action) -> Value {
    match action {
        Action::Warn(seconds) => Value::Array(vec![1.into(), seconds.into()]),
        Action::Allow => 2.into(),
        _ => 0.into(),
    }
}

impl Terms {
    fn value(&self) -> Value {
        let audience = match self.audiences.as_slice() {
            [] => None,
            [one] => Some(one.as_str().into()),
            many => Some(Value::Array(many.iter().map(|name| name.as_str().into()).collect())),
        };
        let confirmation = self.confirmation.map(|(is_key, material)| {
            let key = || map(vec![(1, Some(1.into())), (-1, Some(6.into())), (-2, Some(bytes(&material)))]);
            if is_key { map(vec![(1, Some(key()))]) } else { map(vec![(5, Some(bytes(&material)))]) }
        });
        map(vec![
            (1, Some(self.issuer.as_str().into())),
            (2, Some(self.subject.as_str().into())),
            (3, audience),
            (4, Some(self.times.0.into())),
            (5, self.times.1.map(Value::from)),
            (6, Some(self.times.2.into())),
            (7, Some(bytes(&self.id))),
            (8, confirmation),
            (-65_537, Some(self.grant())),
        ])
    }

    fn grant(&self) -> Value {
        let ([stale, clock, store], age) = self.policy;
        let policy = map(vec![
            (0, stale.map(action_value)),
            (1, clock.map(action_value)),
            (2, store.map(action_value)),
            (3, age.map(Value::from)),
        ]);
        let locks: Vec<_> = self.node_locks.iter().map(|lock| bytes(lock)).collect();
        let [term_end, maintained_until, seats, index] = self.numbers;
        map(vec![
            (0, Some(1.into())),
            (1, Some(Value::Array(vec![self.tier.0.as_str().into(), self.tier.1.into()]))),
            (2, named(&self.features, feature_value)),
            (3, named(&self.quotas, quota_value)),
            (4, named(&self.rates, rate_value)),
            (5, term_end.map(Value::from)),
            (6, seats.map(Value::from)),
            (7, policy.as_map().is_some_and(|entries| !entries.is_empty()).then_some(policy)),
            (8, (!locks.is_empty()).then_some(Value::Array(locks))),
            (9, maintained_until.map(Value::from)),
            (10, self.kind.map(Value::from)),
            (11, named(&self.meta, |text| text.as_str().into())),
            (12, self.lineage.map(|lineage| bytes(&lineage))),
            (13, index.map(Value::from)),
        ])
    }
}

/// Compares every getter.
fn compare(terms: &Terms, license: &License<'_>) {
    assert_eq!((license.issuer(), license.subject()), (&*terms.issuer, &*terms.subject));
    assert_eq!(license.audiences().collect::<Vec<_>>(), terms.audiences);
    let not_before = license.not_before().map(Timestamp::as_seconds);
    let times = (license.expires().as_seconds(), not_before, license.issued_at().as_seconds());
    assert_eq!(times, terms.times);
    assert_eq!(*license.id().as_bytes(), terms.id);
    assert_eq!(*license.lineage().as_bytes(), terms.lineage.unwrap_or(terms.id));
    let confirmation = terms.confirmation.as_ref().map(|(is_key, material)| {
        if *is_key { Confirmation::Key(material) } else { Confirmation::Thumbprint(material) }
    });
    assert_eq!(license.confirmation(), confirmation);
    assert_eq!((license.tier().name, license.tier().version), (&*terms.tier.0, terms.tier.1));

    assert_eq!(license.features().count(), terms.features.len());
    for (name, (value, expires)) in &terms.features {
        let found = license.feature(name).expect("the feature is there");
        let value = match value {
            Feature::True => FeatureValue::True,
            Feature::Int(number) => FeatureValue::Int(*number),
            Feature::Text(text) => FeatureValue::Text(text),
        };
        assert_eq!(
            (found.name, found.value, found.expires),
            (&**name, value, expires.map(Timestamp::from_seconds))
        );
    }
    assert_eq!(license.quotas().count(), terms.quotas.len());
    for (meter, (limit, period, overage)) in &terms.quotas {
        let found = license.quota(meter).expect("the quota is there");
        assert_eq!((found.limit, found.period, found.overage), (*limit, *period, *overage));
    }
    assert_eq!(license.rates().count(), terms.rates.len());
    for (name, (count, per_ms, burst)) in &terms.rates {
        let found = license.rate(name).expect("the rate is there");
        assert_eq!((found.count, found.per_ms, found.burst), (*count, *per_ms, burst.unwrap_or(*count)));
    }
    let ([stale, clock, store], age) = terms.policy;
    let policy = license.policy();
    assert_eq!(policy.stale_revocation, stale.unwrap_or(Action::Deny));
    assert_eq!(policy.clock_doubt, clock.unwrap_or(Action::Deny));
    assert_eq!(policy.store_unreachable, store.unwrap_or(Action::Deny));
    assert_eq!(policy.max_revocation_age, age);
    assert_eq!(license.node_locks().copied().collect::<Vec<_>>(), terms.node_locks);
    let [term_end, maintained] = [license.term_end(), license.maintained_until()];
    let [term_end, maintained] = [term_end, maintained].map(|time| time.map(Timestamp::as_seconds));
    let numbers = [term_end, maintained, license.seats(), license.index()];
    assert_eq!(numbers, terms.numbers);
    assert_eq!(license.kind() as u8, terms.kind.unwrap_or(0));
    let meta: BTreeMap<_, _> =
        license.meta().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    assert_eq!(meta, terms.meta);
    assert!(license.feature("no such feature!").is_none());
}

/// Runs a property on random inputs and tells how many.
fn property<S: Strategy>(name: &str, strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    const CASES: u32 = 2_000;
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    let ran = Cell::new(0_u32);
    let outcome = TestRunner::new(config).run(strategy, |input| {
        ran.set(ran.get() + 1);
        test(input)
    });
    outcome.unwrap_or_else(|failure| panic!("{name}: {failure}"));
    assert!(ran.get() >= CASES, "{name}: every case ran");
    report(format_args!("roundtrip: {} cases of {name}", ran.get()));
}

#[test]
fn claims_come_out_as_they_went_in() {
    let issuer = Issuer::new(b"prop", 7);
    let keys = [issuer.public()];
    property("random licences", &terms(), |terms| {
        let token = issuer.issue(&terms.value());
        let mut explanation = Explanation::default();
        match authenticate(&token, Keyring::new(&keys), &mut explanation) {
            Ok(license) => {
                compare(&terms, &license);
                prop_assert!(serde_json::from_str::<serde_json::Value>(&license.json().to_string()).is_ok());
            }
            // Long texts may fill a token.
            Err(code) => prop_assert!(code == Code::TokenTooLong && token.len() > 4096, "{code}"),
        }
        let now = terms.times.2;
        let node = terms.node_locks.last().copied().unwrap_or_default();
        let audience = terms.audiences.last().map_or("x", String::as_str);
        let expect = Expect::new().audience(audience).node(&node).release(Timestamp::EPOCH);
        // There is no bundle, which a licence with an age asks for.
        let ([stale, ..], age) = terms.policy;
        let fits = terms.confirmation.is_none()
            && (age.is_none() || stale.is_some_and(|stale| stale != Action::Deny))
            && now < terms.times.0
            && terms.times.1.is_none_or(|nbf| nbf <= now + 60);
        prop_assert_eq!(verify(&token, &keys, &expect, now).is_ok(), fits && token.len() <= 4096);
        Ok(())
    });
}

#[test]
fn texts_stand_for_their_bytes() {
    property("texts of bytes", &collection::vec(any::<u8>(), 0..=4096), |bytes| {
        let form = text::Text::license(&bytes).to_string();
        prop_assert_eq!(&form, &format!("lic1_{}", data_encoding::BASE64URL_NOPAD.encode(&bytes)));
        let mut buffer = Buffer::new();
        prop_assert_eq!(text::decode_license(&form, &mut buffer), Ok(&bytes[..]));
        Ok(())
    });
}

#[test]
fn any_text_is_decoded_as_by_another_strict_decoder() {
    property("any texts", &"[A-Za-z0-9_=+/ -]{0,40}", |digits| {
        let mut buffer = Buffer::new();
        let ours = text::decode_license(&format!("lic1_{digits}"), &mut buffer).map(<[u8]>::to_vec);
        let theirs = data_encoding::BASE64URL_NOPAD.decode(digits.as_bytes());
        prop_assert_eq!(ours.ok(), theirs.ok());
        Ok(())
    });
}
